"""Cameras' RAW files that are TIFF inside (DNG, NEF, CR2, ARW, ...): the JPEG preview in them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

MIN_PREVIEW_SIDE_PX = 256  # pixels of the longer side; a smaller preview is a thumbnail
_DNG_VERSION_TAG, _MAKE_TAG, _SUBFILE_TYPE_TAG, _SUB_IFDS_TAG, _PHOTOMETRIC_TAG, _ORIENTATION_TAG = (
    50706,
    271,
    254,
    330,
    262,
    274,
)
_COMPRESSION_TAG, _STRIP_OFFSETS_TAG, _STRIP_BYTE_COUNTS_TAG, _JPEG_OFFSET_TAG, _JPEG_LENGTH_TAG = (
    259,
    273,
    279,
    513,
    514,
)
_MOSAIC_PHOTOMETRICS = (32803, 34892)  # values of the photometric tag: colour filter array, linear raw
_JPEG_COMPRESSIONS = (6, 7)  # values of the compression tag
_MAX_IFDS = 64  # folders of tags looked into

TiffTags = TiffImagePlugin.ImageFileDirectory_v2


def is_raw(image: Image.Image) -> bool:
    """Whether an open TIFF is a camera's RAW: a DNG, a mosaic, or a thumbnail with sub-folders."""
    tags = _get_tags(image)
    if _DNG_VERSION_TAG in tags or tags.get(_PHOTOMETRIC_TAG) in _MOSAIC_PHOTOMETRICS or _is_cr2(image):
        return True
    return _MAKE_TAG in tags and tags.get(_SUBFILE_TYPE_TAG) == 1 and _SUB_IFDS_TAG in tags


def extract_preview(image: Image.Image) -> Image.Image | None:
    """The largest JPEG in an open RAW, turned as the RAW says; None if there is none but a thumbnail."""
    found: list[tuple[int, bytes]] = []
    for tags in _iterate_ifds(image):
        data = _read_jpeg(image, tags)
        with suppress(UnidentifiedImageError, OSError, SyntaxError, ValueError):
            if data:
                with Image.open(io.BytesIO(data), formats=("JPEG",)) as preview:
                    found.append((max(preview.size), data))
    side, data = max(found, default=(0, b""))
    if side < MIN_PREVIEW_SIDE_PX:
        return None
    preview = Image.open(io.BytesIO(data), formats=("JPEG",))
    turn = _get_tags(image).get(_ORIENTATION_TAG, 1)
    preview.getexif().setdefault(_ORIENTATION_TAG, turn)
    return preview


def _get_tags(image: Image.Image) -> TiffTags:
    tags: TiffTags = image.tag_v2  # type: ignore[attr-defined]
    return tags


def _is_cr2(image: Image.Image) -> bool:
    file = image.fp  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(8)
    magic = file.read(2)
    file.seek(place)
    return bool(magic == b"CR")


def _iterate_ifds(image: Image.Image) -> Iterator[TiffTags]:
    """All folders of tags of a TIFF: the chain, and the sub-folders of each."""
    file = image.fp  # type: ignore[attr-defined]
    prefix = _get_tags(image).prefix
    file.seek(0)
    head = file.read(8)
    wanted = [int.from_bytes(head[4:8], "little" if prefix == b"II" else "big")]
    seen: set[int] = set()
    while wanted and len(seen) < _MAX_IFDS:
        place = wanted.pop(0)
        if place in seen or place <= 0:
            continue
        seen.add(place)
        tags = TiffTags(head)
        file.seek(place)
        tags.load(file)
        subs = tags.get(_SUB_IFDS_TAG, ())
        wanted += [*(subs if isinstance(subs, tuple) else (subs,)), tags.next]
        yield tags


def _read_jpeg(image: Image.Image, tags: TiffTags) -> bytes:
    """The bytes of the JPEG that a folder of tags points at; empty if it points at none."""
    place, length = tags.get(_JPEG_OFFSET_TAG), tags.get(_JPEG_LENGTH_TAG)
    strips, lengths = tags.get(_STRIP_OFFSETS_TAG, ()), tags.get(_STRIP_BYTE_COUNTS_TAG, ())
    if (
        place is None
        and tags.get(_COMPRESSION_TAG) in _JPEG_COMPRESSIONS
        and len(strips) == len(lengths) == 1
    ):
        place, length = strips[0], lengths[0]
    if not isinstance(place, int) or not isinstance(length, int):
        return b""
    file = image.fp  # type: ignore[attr-defined]
    file.seek(place)
    data: bytes = file.read(length)
    return data
