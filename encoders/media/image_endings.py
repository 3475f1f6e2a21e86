"""Whether a picture's file ends as its format says, without decoding it where that can be helped."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

_TAIL_BYTES = 1 << 16  # bytes at the end of a JPEG among which its end mark must be
_STRIP_TAGS = ((273, 279), (324, 325))  # TIFF tags of the places and lengths of its strips or tiles


def is_complete(image: Image.Image) -> bool:
    """Whether the file of an open picture is all there; False where only decoding would tell."""
    return _COMPLETENESS_CHECKS.get(image.format or "", _return_false)(image)


def _has_jpeg_end_marker(image: Image.Image) -> bool:
    """Whether an open JPEG's end mark is there; header and thumbnail, which have their own, are left out."""
    file = image.fp  # type: ignore[attr-defined]
    begin, size = file.tell(), file.seek(0, io.SEEK_END)
    file.seek(max(begin, size - _TAIL_BYTES))
    found = b"\xff\xd9" in file.read()
    file.seek(begin)
    return found


def _has_all_tiff_strips(image: Image.Image) -> bool:
    """Whether all data of an open TIFF lie within the file."""
    file, tags = image.fp, image.tag_v2  # type: ignore[attr-defined]
    begin, size = file.tell(), file.seek(0, io.SEEK_END)
    file.seek(begin)
    parts = (zip(tags.get(place, ()), tags.get(length, ()), strict=False) for place, length in _STRIP_TAGS)
    return all(place + length <= size for part in parts for place, length in part)


def _is_loadable(image: Image.Image) -> bool:
    image.load()
    return True


def _return_true(_: Image.Image) -> bool:
    return True


def _return_false(_: Image.Image) -> bool:
    return False


# Whether an open picture is whole, by format; pictures of other formats are decoded to know.
_COMPLETENESS_CHECKS: dict[str, Callable[[Image.Image], bool]] = {
    "JPEG": _has_jpeg_end_marker,
    "MPO": _has_jpeg_end_marker,
    "PNG": _is_loadable,  # to find its orientation after the pixels it is decoded anyway
    "TIFF": _has_all_tiff_strips,
    "WEBP": _return_true,  # these two are not opened unless they are whole
    "AVIF": _return_true,
}
