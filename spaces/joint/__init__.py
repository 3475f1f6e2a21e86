"""Joint spaces of media and text: towers, their training, and the trained heads in numpy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
