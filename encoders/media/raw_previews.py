"""Cameras' RAW files that are TIFF inside (DNG, NEF, CR2, ARW, ...): the JPEG preview in them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

LEAST_SIDE = 256  # pixels of the longer side; a smaller preview is a thumbnail
_DNG_VERSION, _MAKE, _SUBFILE, _SUB_IFDS, _PHOTOMETRIC, _ORIENTATION = 50706, 271, 254, 330, 262, 274
_COMPRESSION, _STRIPS, _LENGTHS, _JPEG, _JPEG_LENGTH = 259, 273, 279, 513, 514
_MOSAICS = (32803, 34892)  # values of the photometric tag: colour filter array, linear raw
_AS_JPEG = (6, 7)  # values of the compression tag
_SANE = 64  # folders of tags looked into

Tags = TiffImagePlugin.ImageFileDirectory_v2


def is_raw(image: Image.Image) -> bool:
    """Whether an open TIFF is a camera's RAW: a DNG, a mosaic, or a thumbnail with sub-folders."""
    tags = _tags(image)
    if _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _MOSAICS or _is_cr2(image):
        return True
    return _MAKE in tags and tags.get(_SUBFILE) == 1 and _SUB_IFDS in tags


def preview_of(image: Image.Image) -> Image.Image | None:
    """The largest JPEG in an open RAW, turned as the RAW says; None if there is none but a thumbnail."""
    found: list[tuple[int, bytes]] = []
    for tags in _folders(image):
        data = _jpeg(image, tags)
        with suppress(UnidentifiedImageError, OSError, SyntaxError, ValueError):
            if data:
                with Image.open(io.BytesIO(data), formats=("JPEG",)) as preview:
                    found.append((max(preview.size), data))
    side, data = max(found, default=(0, b""))
    if side < LEAST_SIDE:
        return None
    preview = Image.open(io.BytesIO(data), formats=("JPEG",))
    turn = _tags(image).get(_ORIENTATION, 1)
    preview.getexif().setdefault(_ORIENTATION, turn)
    return preview


def _tags(image: Image.Image) -> Tags:
    tags: Tags = image.tag_v2  # type: ignore[attr-defined]
    return tags


def _is_cr2(image: Image.Image) -> bool:
    file = image.fp  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(8)
    magic = file.read(2)
    file.seek(place)
    return bool(magic == b"CR")


def _folders(image: Image.Image) -> Iterator[Tags]:
    """All folders of tags of a TIFF: the chain, and the sub-folders of each."""
    file = image.fp  # type: ignore[attr-defined]
    prefix = _tags(image).prefix
    file.seek(0)
    head = file.read(8)
    wanted = [int.from_bytes(head[4:8], "little" if prefix == b"II" else "big")]
    seen: set[int] = set()
    while wanted and len(seen) < _SANE:
        place = wanted.pop(0)
        if place in seen or place <= 0:
            continue
        seen.add(place)
        tags = Tags(head)
        file.seek(place)
        tags.load(file)
        subs = tags.get(_SUB_IFDS, ())
        wanted += [*(subs if isinstance(subs, tuple) else (subs,)), tags.next]
        yield tags


def _jpeg(image: Image.Image, tags: Tags) -> bytes:
    """The bytes of the JPEG that a folder of tags points at; empty if it points at none."""
    place, length = tags.get(_JPEG), tags.get(_JPEG_LENGTH)
    strips, lengths = tags.get(_STRIPS, ()), tags.get(_LENGTHS, ())
    if place is None and tags.get(_COMPRESSION) in _AS_JPEG and len(strips) == len(lengths) == 1:
        place, length = strips[0], lengths[0]
    if not isinstance(place, int) or not isinstance(length, int):
        return b""
    file = image.fp  # type: ignore[attr-defined]
    file.seek(place)
    data: bytes = file.read(length)
    return data
