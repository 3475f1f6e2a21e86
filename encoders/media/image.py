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

from encoders.base import ELONGATED, BadMedia, Frames
from encoders.media.format_detection import head_of, kind_of, picture_start, refused
from encoders.media.formats import RAW, TABLE
from encoders.media.image_endings import is_whole
from encoders.media.partial_images import LEAST, decode_twice, rows_there
from encoders.media.raw_previews import is_raw, preview_of
from encoders.media.segments import Limits, Probe, too_large

_READERS = {known.kind: known.pillow for known in TABLE if known.pillow}
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
_BROKEN = (
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
_MOVING = "animated, only its first picture can be read"


def longest_side(size: tuple[int, int], side: int) -> int:
    """Pixels of the longest side to which a picture is made smaller: `side`, more for a panorama.

    Of a picture more than ELONGATED times longer than wide the short side keeps side / 2 pixels, as long as
    the other has no more than 4 * side.
    """
    long, short = max(size), min(size)
    if long <= ELONGATED * short:
        return side
    return max(1, min(4 * side, long * side // (2 * short)))


def moves(path: Path, limits: Limits) -> bool:
    """True for a picture of several frames, False for one whose header is damaged."""
    with suppress(BadMedia), _opened(path, limits) as image:
        return bool(getattr(image, "is_animated", False))
    return False


def probe_image(path: Path, limits: Limits) -> Probe:
    """Size as shown and format: from the header alone where the file's end is as it should be.

    Else the picture is decoded, to say what of it is there. Raises BadMedia.
    """
    try:
        with _opened(path, limits) as image:
            if is_whole(image):
                turned = image.format != "TIFF" and _orientation(image) >= 5  # a TIFF says its size as shown
                return _probe(image, image.size[::-1] if turned else image.size, _incomplete(image))
    except BadMedia:
        pass  # what can be read of it is read below, or its fault said
    shown, name, incomplete = _decoded(path, None, limits)
    return _probe_of(name, shown.size, incomplete)


def _probe(image: Image.Image, size: tuple[int, int], incomplete: str | None) -> Probe:
    return _probe_of((image.format or "").lower(), size, incomplete)


def _probe_of(name: str, size: tuple[int, int], incomplete: str | None) -> Probe:
    return Probe(
        modality="image",
        duration=None,
        width=size[0],
        height=size[1],
        fps=None,
        rate=None,
        channels=None,
        format=name,
        incomplete=incomplete,
    )


def read_image(path: Path, side: int, limits: Limits) -> Frames:
    """(1, h, w, 3) of a picture's first frame, the sides as longest_side says. Raises BadMedia."""
    shown, _, _ = _decoded(path, side, limits)
    return np.array(shown)[None]


def _decoded(path: Path, side: int | None, limits: Limits) -> tuple[Image.Image, str, str | None]:
    """A picture upright in RGB and its format, and what of it is missing. Raises BadMedia."""
    try:
        with _opened(path, limits) as image:
            if side is not None:
                longest = longest_side(image.size, side)
                image.draft("RGB", (longest, longest))  # JPEG: decode at 1/2, 1/4 or 1/8 where that is enough
            image.load()
            shown = _upright(on_white(image), _orientation(image), side)
            return shown, (image.format or "").lower(), _incomplete(image)
    except BadMedia as error:
        return _salvaged(path, side, limits, error)


def _salvaged(
    path: Path, side: int | None, limits: Limits, error: BadMedia
) -> tuple[Image.Image, str, str | None]:
    """As _decoded, of a damaged picture of which enough is left. Raises BadMedia, `error` if nothing is."""
    try:
        with path.open("rb") as file:
            pixels, there, image = decode_twice(
                file, lambda file: _checked(path, _identified(path, file), limits), on_white
            )
    except (*_BROKEN, BadMedia):
        raise error from None
    share = float(there.mean())
    if share < LEAST:
        raise BadMedia(path, f"{error.reason} ({share:.0%} of it can be read)") from None
    shown = _upright(Image.fromarray(rows_there(pixels, there)), _orientation(image), side)
    early = error.reason.startswith("truncated")
    lost = f"only {min(int(share * 100), 99)} % of the picture can be read" if share < 1 else None
    return shown, (image.format or "").lower(), lost or ("the end of the file is missing" if early else None)


def _upright(image: Image.Image, orientation: int, side: int | None) -> Image.Image:
    if side is not None:
        longest = longest_side(image.size, side)
        image.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


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
    """How the picture is stored, 1 to 8; of a TIFF that is loaded, and so upright, always 1."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except (*_BROKEN, TypeError):  # broken EXIF does not spoil the picture
        return 1
    return found if isinstance(found, int) and found in _UPRIGHT else 1


def _incomplete(image: Image.Image) -> str | None:
    """What is not read of a picture that moves, where films of its format can't be decoded."""
    return _MOVING if image.format == "WEBP" and getattr(image, "is_animated", False) else None


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Image.Image]:
    """An open picture of allowed size; what Pillow raises inside becomes BadMedia."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # of EXIF that is damaged, and the like
            path.open("rb") as file,
            _checked(path, _identified(path, file), limits) as image,
        ):
            yield image
    except UnidentifiedImageError:
        raise BadMedia(path, "damaged: the picture's header can't be read") from None
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # Pillow's own have no number
            raise refused(path, error) from None
        raise BadMedia(path, _reason(error)) from None


def _checked(path: Path, image: Image.Image, limits: Limits) -> Image.Image:
    """The picture, or the preview in a camera's RAW. Raises BadMedia if it is too large, or has none."""
    if image.format == "TIFF" and is_raw(image):
        preview = preview_of(image)
        if preview is None:
            raise BadMedia(path, RAW)
        image = preview
    reason = too_large(*image.size, limits)
    if reason:
        raise BadMedia(path, reason)
    return image


def _identified(path: Path, file: BinaryIO) -> Image.Image:
    """Pillow's lazy open, without its own limit on pixels: ours is checked on the same header."""
    head = head_of(path)
    reader = _READERS[kind_of(head, path) or ""]
    start = picture_start(head)
    if start:
        file.seek(start)
        file = io.BytesIO(file.read())
    guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        return Image.open(file, formats=(reader,))
    finally:
        Image.MAX_IMAGE_PIXELS = guard


def _reason(error: Exception) -> str:
    said = str(error).split("\n")[0].lower()
    if isinstance(error, EOFError) or "truncated" in said or "incomplete" in said:
        return "truncated: the picture ends early"
    return f"damaged picture: {said[:80]}" if said else "damaged picture"
