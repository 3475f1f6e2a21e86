"""The page and its API over HTTP: `affect serve`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
