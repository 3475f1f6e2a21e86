"""What a file is by its ending and its first bytes; nothing here decodes anything."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from encoders.base import BadMedia
from encoders.media.formats import TABLE, Medium

HEAD = 512  # bytes read to tell what a file is
_TEXT = 64  # bytes of these looked at to tell a text

EXTENSIONS: Mapping[str, Medium] = MappingProxyType(
    {f".{ending}": known.medium for known in TABLE for ending in known.endings.split()}
)
IMAGES = frozenset(known.kind for known in TABLE if known.pillow)
_TEXTS = tuple(known for known in TABLE if known.text)
_PICTURES = tuple(magic for known in TABLE if known.pillow for _, magic in known.magics)
MOVING = frozenset({"gif", "png", "avif"})  # pictures that are films where they have several frames
REFUSALS: Mapping[str, str] = MappingProxyType(
    {known.kind: known.refusal for known in TABLE if known.refusal is not None}
)
# Endings that texts have too: TypeScript, device trees, vocabularies, ...
_SHARED = frozenset({".ts", ".mts", ".dts", ".voc", ".au", ".snd", ".mpc", ".rgb", ".ra", ".rm", ".avc"})
_BEFORE = b"\xef\xbb\xbf\r\n\t "  # what badly written scripts send before a picture
_BYTES_BEFORE = 16  # at most

_SPOKEN = {
    errno.ENOENT: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "symbolic links in a loop",
    errno.EISDIR: "a directory, not a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def looks_like_media(path: Path) -> bool:
    """True for a known ending, else for known first bytes; False for what can't be read.

    A text whose ending media and texts share is none.
    """
    ending = path.suffix.lower()
    known = ending in EXTENSIONS
    if known and ending not in _SHARED:
        return True
    try:
        if not path.is_file():
            return known
        head = _first_bytes(path)
    except OSError:
        return known
    return kind_of(head, path) is not None or (known and not looks_like_text(head))


def name_kind(path: Path) -> str:
    """The kind of a file that is not read, for a summary: its ending in lower case, else "no ending".

    Only up to 10 ASCII letters and digits count as an ending: "Mr. Smith" has none.
    """
    ending = path.suffix[1:].lower()
    return ending if len(ending) <= 10 and ending.isascii() and ending.isalnum() else "no ending"


def head_of(path: Path) -> bytes:
    """The first 512 bytes of a file. Raises BadMedia if it can't be read, is empty or is no file."""
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


def kind_of(head: bytes, path: Path | None = None) -> str | None:
    """The format that these first bytes announce ("jpeg", "mp4", "wav", ...), None if none known.

    Some formats are told only with the ending of the path. A text is taken for a few formats alone.
    """
    ending = "" if path is None else path.suffix[1:].lower()
    for known in _TEXTS if looks_like_text(head) else TABLE:
        if known.tells(head, ending):
            return known.kind
    start = picture_start(head)
    return kind_of(head[start:], path) if start else None


def picture_start(head: bytes) -> int:
    """How many stray bytes (line breaks, blanks, a byte order mark) stand before a picture; 0 if none."""
    start = len(head) - len(head.lstrip(_BEFORE))
    if not 0 < start <= _BYTES_BEFORE:
        return 0
    return start if head.startswith(_PICTURES, start) else 0


def unknown(head: bytes) -> str:
    """Why a file with these first bytes is refused."""
    hint = " (looks like text)" if looks_like_text(head) else ""
    return f"not an image, video or sound{hint}"


def looks_like_text(head: bytes) -> bool:
    """True if the bytes are printable UTF-8; a character cut off at the end is forgiven."""
    text = head[:_TEXT].decode("utf-8", "ignore")
    return len(text.encode()) > len(head[:_TEXT]) - 4 and all(
        char.isprintable() or char.isspace() for char in text
    )


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
