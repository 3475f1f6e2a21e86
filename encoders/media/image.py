"""Still pictures: any of the table's formats to upright 8-bit RGB on white."""

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

_PILLOW_FORMATS = {known.name: known.pillow_format for known in MEDIA_FORMATS if known.pillow_format}
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
    """Pixels of the longest side to which a picture is made smaller: `max_side`, more for a panorama.

    Of a picture more than ELONGATED times longer than wide the short side keeps side / 2 pixels, as long as
    the other has no more than 4 * side.
    """
    long, short = max(size), min(size)
    if long <= PANORAMA_ASPECT_RATIO * short:
        return max_side
    return max(1, min(4 * max_side, long * max_side // (2 * short)))


def is_animated(path: Path, limits: Limits) -> bool:
    """True for a picture of several frames, False for one whose header is damaged."""
    with suppress(MediaError), _open_image(path, limits) as image:
        return bool(getattr(image, "is_animated", False))
    return False


def probe_image(path: Path, limits: Limits) -> Probe:
    """Size as shown and format: from the header alone where the file's end is as it should be.

    Else the picture is decoded, to say what of it is there. Raises MediaError.
    """
    try:
        with _open_image(path, limits) as image:
            if is_complete(image):
                turned = (
                    image.format != "TIFF" and _read_orientation(image) >= 5
                )  # a TIFF says its size as shown
                return _make_probe_from_image(
                    image, image.size[::-1] if turned else image.size, _get_incomplete_reason(image)
                )
    except MediaError:
        pass  # what can be read of it is read below, or its fault said
    shown, name, incomplete = _decode_image(path, None, limits)
    return _make_probe(name, shown.size, incomplete)


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
    """(1, h, w, 3) of a picture's first frame, the sides as longest_side says. Raises MediaError."""
    shown, _, _ = _decode_image(path, max_side, limits)
    return np.array(shown)[None]


def _decode_image(path: Path, max_side: int | None, limits: Limits) -> tuple[Image.Image, str, str | None]:
    """A picture upright in RGB and its format, and what of it is missing. Raises MediaError."""
    try:
        with _open_image(path, limits) as image:
            if max_side is not None:
                longest = compute_longest_side(image.size, max_side)
                image.draft("RGB", (longest, longest))  # JPEG: decode at 1/2, 1/4 or 1/8 where that is enough
            image.load()
            shown = _resize_and_orient(flatten_to_rgb(image), _read_orientation(image), max_side)
            return shown, (image.format or "").lower(), _get_incomplete_reason(image)
    except MediaError as error:
        return _decode_damaged_image(path, max_side, limits, error)


def _decode_damaged_image(
    path: Path, max_side: int | None, limits: Limits, error: MediaError
) -> tuple[Image.Image, str, str | None]:
    """As _decoded, of a damaged picture of which enough is left. Raises MediaError, `error` if nothing is."""
    try:
        with path.open("rb") as file:
            pixels, there, image = decode_twice(
                file, lambda file: _validate_image(path, _identify_image(path, file), limits), flatten_to_rgb
            )
    except (*_DECODE_ERRORS, MediaError):
        raise error from None
    share = float(there.mean())
    if share < MIN_READABLE_SHARE:
        raise MediaError(path, f"{error.reason} ({share:.0%} of it can be read)") from None
    shown = _resize_and_orient(
        Image.fromarray(crop_and_fill_gaps(pixels, there)), _read_orientation(image), max_side
    )
    early = error.reason.startswith("truncated")
    lost = f"only {min(int(share * 100), 99)} % of the picture can be read" if share < 1 else None
    return shown, (image.format or "").lower(), lost or ("the end of the file is missing" if early else None)


def _resize_and_orient(image: Image.Image, orientation: int, max_side: int | None) -> Image.Image:
    if max_side is not None:
        longest = compute_longest_side(image.size, max_side)
        image.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    turn = _TRANSPOSE_BY_ORIENTATION.get(orientation)
    return image if turn is None else image.transpose(turn)


def flatten_to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: deep grey scaled to 8 bits, transparent parts on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float32), nan=0, posinf=0, neginf=0).clip(0)
        scaled = values * (255 / _get_white_level(image.mode, float(values.max(initial=0))))
        return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(white, clear).convert("RGB")


def _get_white_level(mode: str, peak: float) -> float:
    """The value shown as white: the depth's for integers, 1 or 255 for floats, the peak beyond these."""
    known = (1.0, 255.0) if mode == "F" else (65535.0,)
    return next((level for level in known if peak <= level), peak)


def _read_orientation(image: Image.Image) -> int:
    """How the picture is stored, 1 to 8; of a TIFF that is loaded, and so upright, always 1."""
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except (*_DECODE_ERRORS, TypeError):  # broken EXIF does not spoil the picture
        return 1
    return found if isinstance(found, int) and found in _TRANSPOSE_BY_ORIENTATION else 1


def _get_incomplete_reason(image: Image.Image) -> str | None:
    """What is not read of a picture that moves, where films of its format can't be decoded."""
    return _ANIMATED_REASON if image.format == "WEBP" and getattr(image, "is_animated", False) else None


@contextmanager
def _open_image(path: Path, limits: Limits) -> Iterator[Image.Image]:
    """An open picture of allowed size; what Pillow raises inside becomes MediaError."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # of EXIF that is damaged, and the like
            path.open("rb") as file,
            _validate_image(path, _identify_image(path, file), limits) as image,
        ):
            yield image
    except UnidentifiedImageError:
        raise MediaError(path, "damaged: the picture's header can't be read") from None
    except _DECODE_ERRORS as error:
        if isinstance(error, OSError) and error.errno:  # Pillow's own have no number
            raise make_media_error(path, error) from None
        raise MediaError(path, _format_decode_error(error)) from None


def _validate_image(path: Path, image: Image.Image, limits: Limits) -> Image.Image:
    """The picture, or the preview in a camera's RAW. Raises MediaError if it is too large, or has none."""
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
    """Pillow's lazy open, without its own limit on pixels: ours is checked on the same header."""
    head = read_header(path)
    reader = _PILLOW_FORMATS[detect_format(head, path) or ""]
    start = find_image_start(head)
    if start:
        file.seek(start)
        file = io.BytesIO(file.read())
    guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        return Image.open(file, formats=(reader,))
    finally:
        Image.MAX_IMAGE_PIXELS = guard


def _format_decode_error(error: Exception) -> str:
    said = str(error).split("\n")[0].lower()
    if isinstance(error, EOFError) or "truncated" in said or "incomplete" in said:
        return "truncated: the picture ends early"
    return f"damaged picture: {said[:80]}" if said else "damaged picture"
