"""Header checks of formats without fixed magic numbers."""

from __future__ import annotations

import re
import struct

_NETPBM_HEADER = re.compile(rb"P[1-6Ff]\s+(?:#[^\n]*\n\s*)*\d+\s+(?:#[^\n]*\n\s*)*\d+\s")
_NAL_START_CODES = (b"\0\0\0\x01", b"\0\0\x01")
_ICO_ENTRY = struct.Struct("<4xH3xB4xII")  # pictures; reserved, bytes and offset of the first


def is_netpbm(header: bytes) -> bool:
    """Portable bitmap, grey map, pixel map or float map: "P", a digit, and the size in decimal."""
    return bool(_NETPBM_HEADER.match(header))


def _read_brands(header: bytes) -> tuple[bytes, frozenset[bytes]]:
    """The major brand of an ISO media file and all of its brands; empty for other files."""
    if header[4:8] != b"ftyp":
        return b"", frozenset()
    size = int.from_bytes(header[:4])
    return header[8:12], frozenset(
        header[offset : offset + 4] for offset in (8, *range(16, min(size, len(header)), 4))
    )


def is_avif(header: bytes) -> bool:
    """AVIF by its major brand, or by another brand where the major one is that of any HEIF."""
    major, brands = _read_brands(header)
    return major in (b"avif", b"avis") or (major in (b"mif1", b"msf1", b"miaf") and b"avif" in brands)


def is_heic(header: bytes) -> bool:
    """HEIF by its major brand; check `is_avif` first."""
    major, _ = _read_brands(header)
    return major.startswith((b"hei", b"hev")) or major in (b"mif1", b"msf1", b"miaf")


def is_bmp(header: bytes) -> bool:
    """BMP: "BM" and a valid size of the header after it."""
    return header.startswith(b"BM") and int.from_bytes(header[14:18], "little") in (
        12,
        40,
        52,
        56,
        64,
        108,
        124,
    )


def is_dib(header: bytes) -> bool:
    """Bitmap without the header "BM": the size of the next header, one plane, and a valid depth."""
    planes, depth = int.from_bytes(header[12:14], "little"), int.from_bytes(header[14:16], "little")
    return header.startswith(b"\x28\0\0\0") and planes == 1 and depth in (1, 4, 8, 16, 24, 32)


def is_jxl(header: bytes) -> bool:
    """JPEG XL without a container: two bytes, too few without the extension."""
    return header.startswith(b"\xff\x0a")


def is_ico(header: bytes) -> bool:
    """Windows icon, by its first entry."""
    return header.startswith(b"\0\0\1\0") and _has_icon_entry(header)


def is_cur(header: bytes) -> bool:
    """Windows cursor, by its first entry; a TGA may begin with the same four bytes."""
    return header.startswith(b"\0\0\2\0") and _has_icon_entry(header)


def _has_icon_entry(header: bytes) -> bool:
    if len(header) < _ICO_ENTRY.size:
        return False
    count, reserved, size, offset = _ICO_ENTRY.unpack_from(header)
    return 0 < count <= 256 and reserved == 0 and size > 0 and offset >= 6 + 16 * count


def is_pcx(header: bytes) -> bool:
    """PCX: valid version, depth and encoding, and a window that is not empty."""
    if (
        len(header) < 128
        or header[0] != 10
        or header[1] not in (0, 2, 3, 4, 5)
        or header[2] != 1
        or header[64] != 0
    ):
        return False
    left, top, right, bottom = struct.unpack_from("<4H", header, 4)
    return header[3] in (1, 2, 4, 8) and right >= left and bottom >= top


def is_sgi(header: bytes) -> bool:
    """SGI: valid storage, depth and dimensions, and a size that is not empty."""
    if len(header) < 12 or header[:2] != b"\x01\xda" or header[2] > 1 or header[3] not in (1, 2):
        return False
    dimensions, width, height, channels = struct.unpack_from(">4H", header, 4)
    return 1 <= dimensions <= 3 and width > 0 and height > 0 and 1 <= channels <= 4


def is_tga(header: bytes) -> bool:
    """TGA: valid type and depth, a size that is not empty, and a colour map where one is needed."""
    if len(header) < 18 or header[1] > 1 or header[2] not in (1, 2, 3, 9, 10, 11):
        return False
    width, height = struct.unpack_from("<HH", header, 12)
    mapped = header[1] == 1 and header[7] in (15, 16, 24, 32)
    return (
        width > 0 and height > 0 and header[16] in (8, 15, 16, 24, 32) and (mapped or header[2] not in (1, 9))
    )


def is_mpeg_ts(header: bytes) -> bool:
    """MPEG-TS: sync bytes of three packets of 188 bytes, or of 192 with a time code before each."""
    return any(
        len(header) > offset + 2 * size and all(header[offset + n * size] == 0x47 for n in range(3))
        for offset, size in ((0, 188), (4, 192))
    )


def is_elementary_stream(header: bytes) -> bool:
    """H.264 or H.265 by an access unit delimiter or a parameter set, or MPEG-4 by its sequence header."""
    start = next((len(start) for start in _NAL_START_CODES if header.startswith(start)), 0)
    unit = header[start : start + 2]
    if not start or len(unit) < 2:
        return False
    if unit[0] in (0x40, 0x42, 0x46):
        return unit[1] == 1
    return unit[0] in (0x09, 0x27, 0x47, 0x67) or (unit[0] == 0xB0 and start == 3)


def is_ac3(header: bytes) -> bool:
    """AC-3 or E-AC-3: the sync word and a valid version."""
    return header.startswith(b"\x0b\x77") and len(header) > 5 and header[5] >> 3 <= 16


def is_flic(header: bytes) -> bool:
    """FLI or FLC animation of 8 bits a pixel."""
    return len(header) > 16 and header[4:6] in (b"\x11\xaf", b"\x12\xaf") and header[12:14] == b"\x08\0"


def is_mpeg_audio(header: bytes) -> bool:
    """A frame of MPEG sound (layer II or III) or ADTS; a UTF-16 text begins with FF FE, as layer I would."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return False
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    if layer == 0:  # ADTS
        return header[1] & 0xF0 == 0xF0 and header[2] >> 2 & 15 < 13
    return layer < 3 and version != 1 and header[2] >> 4 not in (0, 15) and header[2] >> 2 & 3 != 3
