"""Keras layers of the MultiModel: convolution, attention, experts, timing."""
