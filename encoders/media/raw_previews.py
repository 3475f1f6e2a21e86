"""JPEG previews of camera RAW files in TIFF containers (DNG, NEF, CR2, ARW, ...)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

MIN_PREVIEW_SIDE_PX = 256  # of the longer side; a smaller preview is a thumbnail
# TIFF tags
_DNG_VERSION_TAG = 50706
_MAKE_TAG = 271
_SUBFILE_TYPE_TAG = 254
_SUB_IFDS_TAG = 330
_PHOTOMETRIC_TAG = 262
_ORIENTATION_TAG = 274
_COMPRESSION_TAG = 259
_STRIP_OFFSETS_TAG = 273
_STRIP_BYTE_COUNTS_TAG = 279
_JPEG_OFFSET_TAG = 513
_JPEG_LENGTH_TAG = 514
_MOSAIC_PHOTOMETRICS = (32803, 34892)  # values of the photometric tag: colour filter array, linear raw
_JPEG_COMPRESSIONS = (6, 7)  # values of the compression tag
_MAX_IFDS = 64  # image file directories that are read

TiffTags = TiffImagePlugin.ImageFileDirectory_v2


def is_raw(image: Image.Image) -> bool:
    """Whether an open TIFF is a camera RAW: a DNG, a mosaic, or a thumbnail with sub-IFDs."""
    tags = _get_tags(image)
    if _DNG_VERSION_TAG in tags or tags.get(_PHOTOMETRIC_TAG) in _MOSAIC_PHOTOMETRICS or _is_cr2(image):
        return True
    return _MAKE_TAG in tags and tags.get(_SUBFILE_TYPE_TAG) == 1 and _SUB_IFDS_TAG in tags


def extract_preview(image: Image.Image) -> Image.Image | None:
    """The largest JPEG in an open RAW, with the RAW's orientation; None if there is only a thumbnail."""
    previews: list[tuple[int, bytes]] = []
    for tags in _iterate_ifds(image):
        data = _read_jpeg(image, tags)
        with suppress(UnidentifiedImageError, OSError, SyntaxError, ValueError):
            if data:
                with Image.open(io.BytesIO(data), formats=("JPEG",)) as preview:
                    previews.append((max(preview.size), data))
    side, data = max(previews, default=(0, b""))
    if side < MIN_PREVIEW_SIDE_PX:
        return None
    preview = Image.open(io.BytesIO(data), formats=("JPEG",))
    orientation = _get_tags(image).get(_ORIENTATION_TAG, 1)
    preview.getexif().setdefault(_ORIENTATION_TAG, orientation)
    return preview


def _get_tags(image: Image.Image) -> TiffTags:
    tags: TiffTags = image.tag_v2  # type: ignore[attr-defined]
    return tags


def _is_cr2(image: Image.Image) -> bool:
    file = image.fp  # type: ignore[attr-defined]
    position = file.tell()
    file.seek(8)
    magic = file.read(2)
    file.seek(position)
    return bool(magic == b"CR")


def _iterate_ifds(image: Image.Image) -> Iterator[TiffTags]:
    """All image file directories of a TIFF: the chain, and the sub-IFDs of each."""
    file = image.fp  # type: ignore[attr-defined]
    prefix = _get_tags(image).prefix
    file.seek(0)
    header = file.read(8)
    pending = [int.from_bytes(header[4:8], "little" if prefix == b"II" else "big")]
    visited: set[int] = set()
    while pending and len(visited) < _MAX_IFDS:
        offset = pending.pop(0)
        if offset in visited or offset <= 0:
            continue
        visited.add(offset)
        tags = TiffTags(header)
        file.seek(offset)
        tags.load(file)
        sub_ifds = tags.get(_SUB_IFDS_TAG, ())
        pending += [*(sub_ifds if isinstance(sub_ifds, tuple) else (sub_ifds,)), tags.next]
        yield tags


def _read_jpeg(image: Image.Image, tags: TiffTags) -> bytes:
    """The bytes of the JPEG that an image file directory refers to; empty without one."""
    offset, length = tags.get(_JPEG_OFFSET_TAG), tags.get(_JPEG_LENGTH_TAG)
    strip_offsets, strip_lengths = tags.get(_STRIP_OFFSETS_TAG, ()), tags.get(_STRIP_BYTE_COUNTS_TAG, ())
    if (
        offset is None
        and tags.get(_COMPRESSION_TAG) in _JPEG_COMPRESSIONS
        and len(strip_offsets) == len(strip_lengths) == 1
    ):
        offset, length = strip_offsets[0], strip_lengths[0]
    if not isinstance(offset, int) or not isinstance(length, int):
        return b""
    file = image.fp  # type: ignore[attr-defined]
    file.seek(offset)
    data: bytes = file.read(length)
    return data
