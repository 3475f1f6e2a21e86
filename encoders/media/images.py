"""Still pictures: any of Pillow's common formats to upright 8-bit RGB on white."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from encoders.base import BadMedia, Frames
from encoders.media.sniffing import refused
from encoders.media.timeline import Limits, Probe, too_large

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error)


def moves(path: Path, limits: Limits) -> bool:
    """True for a picture of several frames. Raises BadMedia."""
    with _opened(path, limits) as image:
        return bool(getattr(image, "is_animated", False))


def probe_image(path: Path, limits: Limits) -> Probe:
    """Size as shown and format, from the header alone. Raises BadMedia."""
    with _opened(path, limits) as image:
        width, height = image.size[::-1] if _orientation(image) >= 5 else image.size
        return Probe(
            modality="image",
            duration=None,
            width=width,
            height=height,
            fps=None,
            rate=None,
            channels=None,
            format=(image.format or "").lower(),
        )


def read_image(path: Path, side: int, limits: Limits) -> Frames:
    """(1, h, w, 3) of a picture's first frame, the longest side at most `side`. Raises BadMedia."""
    with _opened(path, limits) as image:
        turn = _UPRIGHT.get(_orientation(image))
        image.draft("RGB", (side, side))  # JPEG: decode at a half, quarter or eighth where that is enough
        shown = on_white(image)
        shown.thumbnail((side, side), Image.Resampling.BILINEAR)
        return np.array(shown if turn is None else shown.transpose(turn))[None]


def on_white(image: Image.Image) -> Image.Image:
    """Any mode to RGB: deep grey scaled to 8 bits, transparent parts on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float32), nan=0, posinf=0, neginf=0).clip(0)
        scaled = values * (255 / _white_level(image.mode, float(values.max(initial=0))))
        return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(white, clear).convert("RGB")


def _white_level(mode: str, peak: float) -> float:
    """The value shown as white: the depth's for integers, 1 or 255 for floats, the peak beyond these."""
    known = (1.0, 255.0) if mode == "F" else (65535.0,)
    return next((level for level in known if peak <= level), peak)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (*_BROKEN, TypeError):  # broken EXIF does not spoil the picture
        return 1


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Image.Image]:
    """An open picture of allowed size; what Pillow raises inside becomes BadMedia."""
    try:
        with path.open("rb") as file, _identified(file) as image:
            reason = too_large(*image.size, limits)
            if reason:
                raise BadMedia(path, reason)
            yield image
    except UnidentifiedImageError:
        raise BadMedia(path, "damaged: the picture's header can't be read") from None
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # Pillow's own have no number
            raise refused(path, error) from None
        raise BadMedia(path, _reason(error)) from None


def _identified(file: BinaryIO) -> Image.Image:
    """Pillow's lazy open, without its own limit on pixels: ours is checked on the same header."""
    guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        return Image.open(file, formats=FORMATS)
    finally:
        Image.MAX_IMAGE_PIXELS = guard


def _reason(error: Exception) -> str:
    said = str(error).split("\n")[0].lower()
    if isinstance(error, EOFError) or "truncated" in said or "incomplete" in said:
        return "truncated: the picture ends early"
    return f"damaged picture: {said[:80]}" if said else "damaged picture"
