"""Completeness of picture files by their end markers, without decoding where possible."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

_TAIL_BYTES = 1 << 16  # last bytes of a JPEG, which must contain its end marker
_STRIP_TAGS = ((273, 279), (324, 325))  # TIFF tags of the offsets and lengths of its strips or tiles


def is_complete(image: Image.Image) -> bool:
    """Whether the file of an open picture is complete; False where only decoding would show it."""
    return _COMPLETENESS_CHECKS.get(image.format or "", _return_false)(image)


def _has_jpeg_end_marker(image: Image.Image) -> bool:
    """Whether an open JPEG has its end marker after the header, whose thumbnail has its own."""
    file = image.fp  # type: ignore[attr-defined]
    position, size = file.tell(), file.seek(0, io.SEEK_END)
    file.seek(max(position, size - _TAIL_BYTES))
    has_marker = b"\xff\xd9" in file.read()
    file.seek(position)
    return has_marker


def _has_all_tiff_strips(image: Image.Image) -> bool:
    """Whether all strips of an open TIFF lie within the file."""
    file, tags = image.fp, image.tag_v2  # type: ignore[attr-defined]
    position, size = file.tell(), file.seek(0, io.SEEK_END)
    file.seek(position)
    strips = (zip(tags.get(offset, ()), tags.get(length, ()), strict=False) for offset, length in _STRIP_TAGS)
    return all(offset + length <= size for strip in strips for offset, length in strip)


def _is_loadable(image: Image.Image) -> bool:
    image.load()
    return True


def _return_true(_: Image.Image) -> bool:
    return True


def _return_false(_: Image.Image) -> bool:
    return False


# Check by format; pictures of other formats are decoded.
_COMPLETENESS_CHECKS: dict[str, Callable[[Image.Image], bool]] = {
    "JPEG": _has_jpeg_end_marker,
    "MPO": _has_jpeg_end_marker,
    "PNG": _is_loadable,  # decoded anyway: its orientation may come after the pixels
    "TIFF": _has_all_tiff_strips,
    "WEBP": _return_true,  # Pillow opens these two only if they are complete
    "AVIF": _return_true,
}
