"""Training on a library's own captions: custom heads, and the alignment of audio with image affect."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
