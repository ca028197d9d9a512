"""A photograph, or a batch of them, restored."""
