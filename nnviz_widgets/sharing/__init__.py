"""A run as one file that moves without Python and without a network."""
