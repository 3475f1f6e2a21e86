"""From media to features: the encoders of a library, the spaces they feed, and affect."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
