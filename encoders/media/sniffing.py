"""What a file is by its ending and its first bytes; nothing here decodes anything."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from encoders.base import BadMedia

HEAD = 64  # bytes read to tell what a file is

Medium = Literal["image", "video", "audio"]

_ENDINGS: dict[Medium, str] = {
    "image": "jpg jpeg jpe jfif png webp gif bmp dib tif tiff avif",
    "video": "mp4 m4v mov qt mkv webm avi mpg mpeg m1v m2v vob ts mts m2ts 3gp 3g2 flv f4v wmv asf ogv rm",
    "audio": "wav mp3 flac ogg oga opus m4a m4b aac ac3 aif aiff aifc amr wma wv caf mp2 mka",
}
EXTENSIONS: Mapping[str, Medium] = MappingProxyType(
    {f".{ending}": medium for medium, endings in _ENDINGS.items() for ending in endings.split()}
)

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (8, b"WEBP", "webp"),
    (0, b"GIF8", "gif"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (0, b"II+\0", "tiff"),
    (4, b"ftypavi", "avif"),
    (4, b"ftyphei", "heic"),
    (4, b"ftyphev", "heic"),
    (4, b"ftypmif1", "heic"),
    (4, b"ftypmsf1", "heic"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
    (4, b"wide", "mp4"),
    (0, b"\x1aE\xdf\xa3", "mkv"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"\0\0\1\xba", "mpeg"),
    (0, b"\0\0\1\xb3", "mpeg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b".RMF", "rm"),
    (8, b"WAVE", "wav"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"ID3", "mp3"),
    (0, b"FORM", "aiff"),
    (0, b"#!AMR", "amr"),
    (0, b"wvpk", "wavpack"),
    (0, b"caff", "caf"),
)
IMAGES = frozenset({"jpeg", "png", "webp", "gif", "bmp", "tiff", "avif"})
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})  # possible sizes of the header after "BM"

_SPOKEN = {
    errno.ENOENT: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "symbolic links in a loop",
    errno.EISDIR: "a directory, not a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def looks_like_media(path: Path) -> bool:
    """True for a known ending, else for known first bytes; False for what can't be read."""
    if path.suffix.lower() in EXTENSIONS:
        return True
    try:
        return path.is_file() and kind_of(_first_bytes(path)) is not None
    except OSError:
        return False


def name_kind(path: Path) -> str:
    """The kind of a file that is not read, for a summary: its ending in lower case, else "no ending".

    Only up to 10 ASCII letters and digits count as an ending: "Mr. Smith" has none.
    """
    ending = path.suffix[1:].lower()
    return ending if len(ending) <= 10 and ending.isascii() and ending.isalnum() else "no ending"


def head_of(path: Path) -> bytes:
    """The first 64 bytes of a file. Raises BadMedia if it can't be read, is empty or is no file."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise BadMedia(path, _SPOKEN[errno.EISDIR])
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for its writer
            raise BadMedia(path, "not a regular file")
        head = _first_bytes(path)
    except OSError as error:
        raise refused(path, error) from None
    if not head:
        raise BadMedia(path, "empty file")
    return head


def kind_of(head: bytes) -> str | None:
    """The format that these first bytes announce ("jpeg", "mp4", "wav", ...), None if none known."""
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1:] != b"\xff" * len(head[1:]):
        return "mp3"  # a frame of MPEG or ADTS sound without a tag before it
    return None


def unknown(head: bytes) -> str:
    """Why a file with these first bytes is refused."""
    hint = " (looks like text)" if looks_like_text(head) else ""
    return f"not an image, video or sound{hint}"


def looks_like_text(head: bytes) -> bool:
    """True if the bytes are printable UTF-8; a character cut off at the end is forgiven."""
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) > len(head) - 4 and all(char.isprintable() or char.isspace() for char in text)


def refused(path: Path, error: OSError) -> BadMedia:
    """What an operating system's error says of a file: it may pass."""
    lasting = error.errno == errno.EINVAL  # a damaged file sent its reader to a place that can't be
    return BadMedia(path, spoken(error), lasting=lasting)


def spoken(error: OSError) -> str:
    """An operating system's error in a few words."""
    return _SPOKEN.get(error.errno or 0) or (error.strerror or "can't be read").lower()


def _first_bytes(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD)
