"""Pictures of all kinds made on the spot: turned, damaged, interlaced, with large texts, cameras' RAWs."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin

PNG = b"\x89PNG\r\n\x1a\n"
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def scene(width=240, height=160):
    """Smooth colours and a little noise, everywhere different, so that any turn and any gap shows."""
    rows, columns = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(0).integers(0, 12, (height, width))
    red, green = 30 + 190 * columns / width, 30 + 190 * rows / height
    pixels = np.stack([red, green, 60 + 80 * (columns + rows) / (width + height)], -1) + noise[..., None]
    return Image.fromarray(pixels.astype(np.uint8))


def chunk(name, data, crc=None):
    crc = zlib.crc32(name + data) if crc is None else crc
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)


def png_with(*chunks, picture=None):
    """The bytes of a PNG with more chunks after its header."""
    stream = io.BytesIO()
    (picture or scene()).save(stream, "PNG")
    data = stream.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def interlaced_png(picture):
    pixels = np.asarray(picture)
    parts = [pixels[y::down, x::right] for x, y, right, down in _PASSES]
    rows = b"".join(b"\0" + row.tobytes() for part in parts for row in part)
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 1)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def raw(picture, orientation=1, order="<"):
    """The bytes of a DNG: a thumbnail, and a JPEG of `picture` in a sub-folder (None: no JPEG)."""
    stream = io.BytesIO()
    if picture is not None:
        picture.save(stream, "JPEG", quality=95)
    jpeg, thumbnail = stream.getvalue(), bytes(16 * 16 * 3)
    bits, subs = 8 + len(jpeg) + len(thumbnail), 8 + len(jpeg) + len(thumbnail) + 6
    top = subs + 4
    fields = [(254, 4, 1), (256, 4, 16), (257, 4, 16), (258, 3, bits, 3), (259, 3, 1), (262, 3, 2)]
    fields += [(271, 2, 0), (273, 4, 8 + len(jpeg)), (274, 3, orientation), (277, 3, 3), (278, 4, 16)]
    fields += [(279, 4, len(thumbnail)), (50706, 1, 1)]
    below = top + 2 + 12 * (len(fields) + 1) + 4
    fields = sorted([*fields, (330, 4, below if jpeg else 0)])
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = (
        mark
        + struct.pack(order + "I", top)
        + jpeg
        + thumbnail
        + struct.pack(order + "3H", 8, 8, 8)
        + bytes(4)
    )
    sub = [(254, 4, 1), (256, 4, 1), (257, 4, 1), (259, 3, 7), (262, 3, 6), (273, 4, 8), (279, 4, len(jpeg))]
    return head + _folder(fields, order) + (_folder(sub, order) if jpeg else b"")


def _folder(fields, order):
    data = struct.pack(order + "H", len(fields))
    for tag, kind, value, *count in fields:
        short = kind == 3 and not count
        value = struct.pack(order + ("HH" if short else "I"), *((value, 0) if short else (value,)))
        data += struct.pack(order + "HHI", tag, kind, *(count or [1])) + value
    return data + bytes(4)


def turned_tiff(path, picture, orientation, compression, more=()):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = orientation
    pages = {"save_all": True, "append_images": list(more)} if more else {}
    picture.save(path, tiffinfo=tags, compression=compression, **pages)
    return path
