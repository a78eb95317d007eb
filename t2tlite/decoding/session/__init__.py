"""Interactive sessions: a prompt, its commands, and answers."""
