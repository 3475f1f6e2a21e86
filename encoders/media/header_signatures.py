"""Formats that no fixed bytes tell: whether a file's first bytes can be the header of one."""

from __future__ import annotations

import re
import struct

_PORTABLE = re.compile(rb"P[1-6Ff]\s+(?:#[^\n]*\n\s*)*\d+\s+(?:#[^\n]*\n\s*)*\d+\s")
_NAL_STARTS = (b"\0\0\0\x01", b"\0\0\x01")
_ICO_ENTRY = struct.Struct("<4xH3xB4xII")  # pictures; reserved, bytes and offset of the first


def is_portable(head: bytes) -> bool:
    """A portable bitmap, grey map, pixel map or float map: a letter, a digit, and the size in figures."""
    return bool(_PORTABLE.match(head))


def _brands(head: bytes) -> tuple[bytes, frozenset[bytes]]:
    """The major brand of an ISO media file and all of its brands; empty for other files."""
    if head[4:8] != b"ftyp":
        return b"", frozenset()
    size = int.from_bytes(head[:4])
    return head[8:12], frozenset(
        head[place : place + 4] for place in (8, *range(16, min(size, len(head)), 4))
    )


def is_avif(head: bytes) -> bool:
    """AVIF by its major brand, or by another brand where the major one is that of any HEIF."""
    major, brands = _brands(head)
    return major in (b"avif", b"avis") or (major in (b"mif1", b"msf1", b"miaf") and b"avif" in brands)


def is_heic(head: bytes) -> bool:
    """Any other HEIF."""
    major, _ = _brands(head)
    return major.startswith((b"hei", b"hev")) or major in (b"mif1", b"msf1", b"miaf")


def is_bmp(head: bytes) -> bool:
    """ "BM" and a known size of the header after it."""
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)


def is_dib(head: bytes) -> bool:
    """A bitmap without the header "BM": the size of the next header, one plane, and a known depth."""
    planes, depth = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    return head.startswith(b"\x28\0\0\0") and planes == 1 and depth in (1, 4, 8, 16, 24, 32)


def is_jxl(head: bytes) -> bool:
    """A JPEG XL without a container: two bytes, which is too few without the ending."""
    return head.startswith(b"\xff\x0a")


def is_icon(head: bytes) -> bool:
    """A Windows icon, by its first entry."""
    return head.startswith(b"\0\0\1\0") and _has_icon_entry(head)


def is_cursor(head: bytes) -> bool:
    """A Windows cursor, by its first entry; a TGA may begin with the same four bytes."""
    return head.startswith(b"\0\0\2\0") and _has_icon_entry(head)


def _has_icon_entry(head: bytes) -> bool:
    if len(head) < _ICO_ENTRY.size:
        return False
    count, reserved, size, offset = _ICO_ENTRY.unpack_from(head)
    return 0 < count <= 256 and reserved == 0 and size > 0 and offset >= 6 + 16 * count


def is_pcx(head: bytes) -> bool:
    """Known version, depth and encoding, and a window that is not empty."""
    if len(head) < 128 or head[0] != 10 or head[1] not in (0, 2, 3, 4, 5) or head[2] != 1 or head[64] != 0:
        return False
    left, top, right, bottom = struct.unpack_from("<4H", head, 4)
    return head[3] in (1, 2, 4, 8) and right >= left and bottom >= top


def is_sgi(head: bytes) -> bool:
    """Known storage, depth and dimensions, and a size that is not empty."""
    if len(head) < 12 or head[:2] != b"\x01\xda" or head[2] > 1 or head[3] not in (1, 2):
        return False
    dimensions, width, height, channels = struct.unpack_from(">4H", head, 4)
    return 1 <= dimensions <= 3 and width > 0 and height > 0 and 1 <= channels <= 4


def is_tga(head: bytes) -> bool:
    """A TGA has no magic: known kind and depth, a size that is not empty, and a map where one is needed."""
    if len(head) < 18 or head[1] > 1 or head[2] not in (1, 2, 3, 9, 10, 11):
        return False
    width, height = struct.unpack_from("<HH", head, 12)
    mapped = head[1] == 1 and head[7] in (15, 16, 24, 32)
    return width > 0 and height > 0 and head[16] in (8, 15, 16, 24, 32) and (mapped or head[2] not in (1, 9))


def is_transport_stream(head: bytes) -> bool:
    """A sync byte at the start of three packets of 188 bytes, or of 192 with a time code before each."""
    return any(
        len(head) > first + 2 * size and all(head[first + n * size] == 0x47 for n in range(3))
        for first, size in ((0, 188), (4, 192))
    )


def is_elementary_stream(head: bytes) -> bool:
    """H.264 or H.265 that begins with an access unit delimiter or a parameter set, or MPEG-4's sequence."""
    start = next((len(start) for start in _NAL_STARTS if head.startswith(start)), 0)
    unit = head[start : start + 2]
    if not start or len(unit) < 2:
        return False
    if unit[0] in (0x40, 0x42, 0x46):
        return unit[1] == 1
    return unit[0] in (0x09, 0x27, 0x47, 0x67) or (unit[0] == 0xB0 and start == 3)


def is_ac3(head: bytes) -> bool:
    """A sync word and a version of AC-3 or E-AC-3."""
    return head.startswith(b"\x0b\x77") and len(head) > 5 and head[5] >> 3 <= 16


def is_flic(head: bytes) -> bool:
    """An FLI or FLC animation of 8 bits a pixel."""
    return len(head) > 16 and head[4:6] in (b"\x11\xaf", b"\x12\xaf") and head[12:14] == b"\x08\0"


def is_mpeg_sound(head: bytes) -> bool:
    """A frame of MPEG sound (layer II or III) or ADTS; a UTF-16 text begins with FF FE, as layer I would."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:  # ADTS
        return head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13
    return layer < 3 and version != 1 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
