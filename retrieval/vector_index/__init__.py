"""Nearest-neighbour search by cosine: the exact index, Annoy, and the port they share."""
