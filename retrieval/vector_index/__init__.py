"""Nearest-neighbour search by cosine similarity: the exact index, Annoy, and their common interface."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
