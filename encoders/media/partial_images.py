"""Partial decoding of damaged pictures: decoded twice over different fills, missing pixels differ."""

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

MIN_READABLE_SHARE = 0.5  # of a picture's pixels; pictures with fewer are refused
# Formats whose decoders leave pixels that they can't decode unchanged, or at the values of a padded file.
RECOVERABLE_FORMATS = frozenset(
    {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "PCX"}
)
_MAX_PNG_TEXT_BYTES = 1 << 30  # of all texts of a PNG
_FILL_VALUES = (0, 85)  # of pixels that are not decoded, in the two passes
_JPEG_FILL_GREYS = {"CMYK": 64}  # libjpeg's fill of missing data, as RGB; 128 in the other modes


def pad_webp(file: BinaryIO, fill_value: int) -> BinaryIO:
    """The file itself, or a truncated WebP (which libwebp refuses) padded to its full length."""
    file.seek(0)
    header = file.read(12)
    size = file.seek(0, io.SEEK_END)
    missing = (
        int.from_bytes(header[4:8], "little") + 8 - size
        if header[:4] == b"RIFF" and header[8:] == b"WEBP"
        else 0
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
    """Pixels (h, w, 3) of a damaged picture, mask (h, w) of those decoded, and the loaded picture.

    `to_rgb` converts any mode to RGB. Raises errors of Pillow if nothing can be decoded.
    """
    versions: list[Array] = []
    with _tolerate_truncation():
        for fill in _FILL_VALUES:
            with open_image(pad_webp(file, fill)) as image:
                if image.format not in RECOVERABLE_FORMATS:
                    raise OSError("nothing of a damaged picture can be decoded")
                size = getattr(image, "_tile_size", image.size)  # a TIFF's before rotation
                if image.format != "WEBP":
                    image.im = Image.new(image.mode, size, fill % 2 if image.mode == "1" else fill).im
                image.load()
                versions.append(np.asarray(image))
                pixels = np.array(to_rgb(image))
    first, second = versions
    is_decoded: Mask = np.equal(first, second).reshape(*first.shape[:2], -1).min(axis=2)
    if image.format in ("JPEG", "MPO"):
        is_decoded[len(is_decoded) - _count_grey_rows(pixels, _JPEG_FILL_GREYS.get(image.mode, 128)) :] = (
            False
        )
    if (
        image.format == "WEBP" and not is_decoded.all()
    ):  # later rows depend on the fill, and may agree by chance
        is_decoded[int(np.argmin(is_decoded.all(axis=1))) :] = False
    return pixels, is_decoded, image


def crop_and_fill_gaps(pixels: Pixels, is_decoded: Mask) -> Pixels:
    """The picture without missing rows at its ends; gaps between get their neighbours' colours."""
    rows = np.flatnonzero(is_decoded.any(axis=1))
    pixels, is_decoded = pixels[rows[0] : rows[-1] + 1].copy(), is_decoded[rows[0] : rows[-1] + 1]
    columns = np.arange(pixels.shape[1])
    for row in np.flatnonzero(~is_decoded.all(axis=1)):
        if is_decoded[row].any():
            nearest = np.maximum.accumulate(np.where(is_decoded[row], columns, np.argmax(is_decoded[row])))
            pixels[row] = pixels[row, nearest]
        else:
            pixels[row] = pixels[row - 1]
    return pixels


def _count_grey_rows(pixels: Pixels, grey_value: int) -> int:
    """Number of rows at the bottom that are entirely libjpeg's grey fill of missing data."""
    distance = np.abs(pixels.astype(np.int16) - grey_value).max(axis=(1, 2))
    is_other: Mask = distance > 2
    return int(np.argmax(is_other[::-1])) if is_other.any() else len(is_other)


@contextmanager
def _tolerate_truncation() -> Iterator[None]:
    """Make Pillow decode a damaged picture as far as possible, and skip texts too large or damaged."""
    previous = ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_MEMORY
    # No compressed text longer than MAX_TEXT_CHUNK (1 MB) is inflated, so the file's size bounds memory.
    ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_MEMORY = True, _MAX_PNG_TEXT_BYTES
    try:
        with warnings.catch_warnings(action="ignore"):  # damage is reported once, by the caller
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_MEMORY = previous
