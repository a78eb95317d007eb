"""What the problems of a joint run share: experts and the direction of gradients."""
