"""Decoding of media, and one encoder each for objects, activity, sound, faces and text.

Public names are loaded on first use: importing the package only turns off the telemetry of other libraries.
"""

import lazy_loader

from encoders.process_setup import disable_telemetry

disable_telemetry()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
