"""Damaged pictures: what of them can be decoded, told apart from what can't by decoding them twice."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, PngImagePlugin

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

MIN_READABLE_SHARE = 0.5  # of a picture's pixels; one of which less is there is refused
# Formats whose decoders leave what they can't decode as it was, or as a padded file has it.
RECOVERABLE_FORMATS = frozenset(
    {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "PCX"}
)
_MAX_PNG_TEXT_BYTES = 1 << 30  # bytes of all texts of a PNG
_FILL_VALUES = (0, 85)  # two values that what was not decoded has
_JPEG_FILL_GREYS = {"CMYK": 64}  # what libjpeg puts where data are missing, as RGB; 128 in the other modes


def pad_webp(file: BinaryIO, fill_value: int) -> BinaryIO:
    """The file itself, or a WebP cut short (libwebp reads none of it) filled up to its length."""
    file.seek(0)
    head = file.read(12)
    size = file.seek(0, io.SEEK_END)
    missing = (
        int.from_bytes(head[4:8], "little") + 8 - size if head[:4] == b"RIFF" and head[8:] == b"WEBP" else 0
    )
    file.seek(0)
    if not 0 < missing < size / MIN_READABLE_SHARE:
        return file
    return io.BytesIO(file.read() + bytes([fill_value]) * missing)


def decode_twice(
    file: BinaryIO,
    open_image: Callable[[BinaryIO], Image.Image],
    to_rgb: Callable[[Image.Image], Image.Image],
) -> tuple[Pixels, Mask, Image.Image]:
    """Pixels (h, w, 3) of a damaged picture, where (h, w) they were decoded, and the loaded picture.

    `to_rgb` makes RGB of any mode. Raises what Pillow raises where nothing can be decoded.
    """
    versions: list[Array] = []
    with _tolerate_truncation():
        for fill in _FILL_VALUES:
            with open_image(pad_webp(file, fill)) as image:
                if image.format not in RECOVERABLE_FORMATS:
                    raise OSError("nothing of a damaged picture can be decoded")
                size = getattr(image, "_tile_size", image.size)  # a TIFF's before it is turned
                if image.format != "WEBP":
                    image.im = Image.new(image.mode, size, fill % 2 if image.mode == "1" else fill).im
                image.load()
                versions.append(np.asarray(image))
                pixels = np.array(to_rgb(image))
    one, two = versions
    there: Mask = np.equal(one, two).reshape(*one.shape[:2], -1).min(axis=2)
    if image.format in ("JPEG", "MPO"):
        there[len(there) - _count_grey_rows(pixels, _JPEG_FILL_GREYS.get(image.mode, 128)) :] = False
    if image.format == "WEBP" and not there.all():  # what follows is made of the fill, now and then alike
        there[int(np.argmin(there.all(axis=1))) :] = False
    return pixels, there, image


def crop_and_fill_gaps(pixels: Pixels, is_decoded: Mask) -> Pixels:
    """The picture without missing rows at its ends; gaps between have their neighbours' colours."""
    rows = np.flatnonzero(is_decoded.any(axis=1))
    pixels, is_decoded = pixels[rows[0] : rows[-1] + 1].copy(), is_decoded[rows[0] : rows[-1] + 1]
    places = np.arange(pixels.shape[1])
    for row in np.flatnonzero(~is_decoded.all(axis=1)):
        if is_decoded[row].any():
            nearest = np.maximum.accumulate(np.where(is_decoded[row], places, np.argmax(is_decoded[row])))
            pixels[row] = pixels[row, nearest]
        else:
            pixels[row] = pixels[row - 1]
    return pixels


def _count_grey_rows(pixels: Pixels, grey_value: int) -> int:
    """How many rows at the bottom are wholly the grey that libjpeg puts where the data end."""
    far = np.abs(pixels.astype(np.int16) - grey_value).max(axis=(1, 2))
    other: Mask = far > 2
    return int(np.argmax(other[::-1])) if other.any() else len(other)


@contextmanager
def _tolerate_truncation() -> Iterator[None]:
    """Pillow decodes what is there of a damaged picture, and passes over texts too large or damaged."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_MEMORY
    # No compressed text longer than MAX_TEXT_CHUNK (1 MB) is inflated: what is kept is what the file holds.
    ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_MEMORY = True, _MAX_PNG_TEXT_BYTES
    try:
        with warnings.catch_warnings(action="ignore"):  # what is damaged is said once
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_MEMORY = before
