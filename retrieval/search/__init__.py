"""From a query to ranked results: query encoding, candidates, scoring, calibration, explanation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
