"""Decoding of still pictures in any of the supported formats to upright 8-bit RGB on white."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from encoders.base import PANORAMA_ASPECT_RATIO, Frames, MediaError
from encoders.media.format_detection import detect_format, find_image_start, make_media_error, read_header
from encoders.media.formats import MEDIA_FORMATS, RAW_REFUSAL
from encoders.media.image_endings import is_complete
from encoders.media.partial_images import MIN_READABLE_SHARE, crop_and_fill_gaps, decode_twice
from encoders.media.raw_previews import extract_preview, is_raw
from encoders.media.segments import Limits, Probe, get_size_refusal

_PILLOW_FORMATS = {entry.name: entry.pillow_format for entry in MEDIA_FORMATS if entry.pillow_format}
_ORIENTATION_TAG = 0x0112  # the EXIF tag
_TRANSPOSE_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DECODE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    RuntimeError,
)
_ANIMATED_REASON = "animated, only its first picture can be read"


def compute_longest_side(size: tuple[int, int], max_side: int) -> int:
    """Pixels of the longest side after resizing: `max_side`, more for a panorama.

    Beyond PANORAMA_ASPECT_RATIO the short side keeps max_side / 2 pixels, as long as the other has no more
    than 4 * max_side.
    """
    long, short = max(size), min(size)
    if long <= PANORAMA_ASPECT_RATIO * short:
        return max_side
    return max(1, min(4 * max_side, long * max_side // (2 * short)))


def is_animated(path: Path, limits: Limits) -> bool:
    """True for a picture of several frames; False if its header is damaged."""
    with suppress(MediaError), _open_image(path, limits) as image:
        return bool(getattr(image, "is_animated", False))
    return False


def probe_image(path: Path, limits: Limits) -> Probe:
    """Metadata of a picture, its size after rotation; from the header alone if the file is complete.

    Otherwise the picture is decoded, to find how much of it is readable. Raises MediaError.
    """
    try:
        with _open_image(path, limits) as image:
            if is_complete(image):
                # a TIFF's size is that after rotation
                is_rotated = image.format != "TIFF" and _read_orientation(image) >= 5
                return _make_probe_from_image(
                    image, image.size[::-1] if is_rotated else image.size, _get_incomplete_reason(image)
                )
    except MediaError:
        pass  # decoded below as far as possible, or refused
    upright, format_name, incomplete_reason = _decode_image(path, None, limits)
    return _make_probe(format_name, upright.size, incomplete_reason)


def _make_probe_from_image(image: Image.Image, size: tuple[int, int], incomplete_reason: str | None) -> Probe:
    return _make_probe((image.format or "").lower(), size, incomplete_reason)


def _make_probe(format_name: str, size: tuple[int, int], incomplete_reason: str | None) -> Probe:
    return Probe(
        modality="image",
        duration=None,
        width=size[0],
        height=size[1],
        fps=None,
        sample_rate=None,
        channels=None,
        format=format_name,
        incomplete_reason=incomplete_reason,
    )


def read_image(path: Path, max_side: int, limits: Limits) -> Frames:
    """First frame (1, h, w, 3) of a picture, resized by `compute_longest_side`. Raises MediaError."""
    upright, _, _ = _decode_image(path, max_side, limits)
    return np.array(upright)[None]


def _decode_image(path: Path, max_side: int | None, limits: Limits) -> tuple[Image.Image, str, str | None]:
    """The picture upright in RGB, its format, and what is missing of it. Raises MediaError."""
    try:
        with _open_image(path, limits) as image:
            if max_side is not None:
                longest = compute_longest_side(image.size, max_side)
                image.draft("RGB", (longest, longest))  # JPEG: decode at 1/2, 1/4 or 1/8 where that is enough
            image.load()
            upright = _resize_and_orient(flatten_to_rgb(image), _read_orientation(image), max_side)
            return upright, (image.format or "").lower(), _get_incomplete_reason(image)
    except MediaError as error:
        return _decode_damaged_image(path, max_side, limits, error)


def _decode_damaged_image(
    path: Path, max_side: int | None, limits: Limits, error: MediaError
) -> tuple[Image.Image, str, str | None]:
    """`_decode_image` of a damaged picture. Raises MediaError if too little is readable, else `error`."""
    try:
        with path.open("rb") as file:
            pixels, is_decoded, image = decode_twice(
                file, lambda file: _validate_image(path, _identify_image(path, file), limits), flatten_to_rgb
            )
    except (*_DECODE_ERRORS, MediaError):
        raise error from None
    share = float(is_decoded.mean())
    if share < MIN_READABLE_SHARE:
        raise MediaError(path, f"{error.reason} ({share:.0%} of it can be read)") from None
    upright = _resize_and_orient(
        Image.fromarray(crop_and_fill_gaps(pixels, is_decoded)), _read_orientation(image), max_side
    )
    is_truncated = error.reason.startswith("truncated")
    reason = f"only {min(int(share * 100), 99)} % of the picture can be read" if share < 1 else None
    return (
        upright,
        (image.format or "").lower(),
        reason or ("the end of the file is missing" if is_truncated else None),
    )


def _resize_and_orient(image: Image.Image, orientation: int, max_side: int | None) -> Image.Image:
    if max_side is not None:
        longest = compute_longest_side(image.size, max_side)
        image.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    transposition = _TRANSPOSE_BY_ORIENTATION.get(orientation)
    return image if transposition is None else image.transpose(transposition)


def flatten_to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: deep grey scaled to 8 bits, transparent parts on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float32), nan=0, posinf=0, neginf=0).clip(0)
        scaled = values * (255 / _get_white_level(image.mode, float(values.max(initial=0))))
        return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _get_white_level(mode: str, peak: float) -> float:
    """Value of white: 65535 for integers, 1 or 255 for floats, the peak if it exceeds these."""
    levels = (1.0, 255.0) if mode == "F" else (65535.0,)
    return next((level for level in levels if peak <= level), peak)


def _read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; of a loaded TIFF, which Pillow has rotated, always 1."""
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except (*_DECODE_ERRORS, TypeError):  # damaged EXIF does not affect the picture
        return 1
    return orientation if isinstance(orientation, int) and orientation in _TRANSPOSE_BY_ORIENTATION else 1


def _get_incomplete_reason(image: Image.Image) -> str | None:
    """Message for an animated picture whose format can't be decoded as a video."""
    return _ANIMATED_REASON if image.format == "WEBP" and getattr(image, "is_animated", False) else None


@contextmanager
def _open_image(path: Path, limits: Limits) -> Iterator[Image.Image]:
    """Open a picture within the limits; errors of Pillow become MediaError."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # about damaged EXIF and the like
            path.open("rb") as file,
            _validate_image(path, _identify_image(path, file), limits) as image,
        ):
            yield image
    except UnidentifiedImageError:
        raise MediaError(path, "damaged: the picture's header can't be read") from None
    except _DECODE_ERRORS as error:
        if isinstance(error, OSError) and error.errno:  # Pillow's own errors have no number
            raise make_media_error(path, error) from None
        raise MediaError(path, _format_decode_error(error)) from None


def _validate_image(path: Path, image: Image.Image, limits: Limits) -> Image.Image:
    """The picture, or the preview of a camera RAW. Raises MediaError without one, or beyond the limits."""
    if image.format == "TIFF" and is_raw(image):
        preview = extract_preview(image)
        if preview is None:
            raise MediaError(path, RAW_REFUSAL)
        image = preview
    reason = get_size_refusal(*image.size, limits)
    if reason:
        raise MediaError(path, reason)
    return image


def _identify_image(path: Path, file: BinaryIO) -> Image.Image:
    """Pillow's lazy open, without its limit on pixels: `_validate_image` checks ours on the same header."""
    header = read_header(path)
    pillow_format = _PILLOW_FORMATS[detect_format(header, path) or ""]
    start = find_image_start(header)
    if start:
        file.seek(start)
        file = io.BytesIO(file.read())
    previous_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        return Image.open(file, formats=(pillow_format,))
    finally:
        Image.MAX_IMAGE_PIXELS = previous_limit


def _format_decode_error(error: Exception) -> str:
    message = str(error).split("\n")[0].lower()
    if isinstance(error, EOFError) or "truncated" in message or "incomplete" in message:
        return "truncated: the picture ends early"
    return f"damaged picture: {message[:80]}" if message else "damaged picture"
