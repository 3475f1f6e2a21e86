"""Decoding of media, and one encoder each for objects, activity, sound, faces and text.

Public names are loaded on first use: importing the package only turns off the telemetry of other libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from encoders.process_setup import disable_telemetry

if TYPE_CHECKING:
    from encoders.base import (
        AffectError,
        Audio,
        Encoder,
        EncoderCard,
        Frames,
        MediaError,
        MissingBackendError,
        Modality,
        Rows,
        UnknownNameError,
        average_by_owner,
        batched,
        encode_all,
        is_missing_row,
        to_printable,
        unit_rows,
    )
    from encoders.registry import ENCODERS

disable_telemetry()

__all__ = [
    "ENCODERS",
    "AffectError",
    "Audio",
    "Encoder",
    "EncoderCard",
    "Frames",
    "MediaError",
    "MissingBackendError",
    "Modality",
    "Rows",
    "UnknownNameError",
    "average_by_owner",
    "batched",
    "encode_all",
    "is_missing_row",
    "to_printable",
    "unit_rows",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("encoders.registry" if name == "ENCODERS" else "encoders.base"), name)
