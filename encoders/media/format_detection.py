"""What a file is by its ending and its first bytes; nothing here decodes anything."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from encoders.base import MediaError
from encoders.media.formats import MEDIA_FORMATS, MediaModality

HEADER_BYTES = 512  # bytes read to tell what a file is
_TEXT_BYTES = 64  # bytes of these looked at to tell a text

EXTENSIONS: Mapping[str, MediaModality] = MappingProxyType(
    {f".{ending}": known.modality for known in MEDIA_FORMATS for ending in known.extensions.split()}
)
IMAGE_FORMATS = frozenset(known.name for known in MEDIA_FORMATS if known.pillow_format)
_TEXT_FORMATS = tuple(known for known in MEDIA_FORMATS if known.is_text_based)
_IMAGE_MAGIC_NUMBERS = tuple(
    magic for known in MEDIA_FORMATS if known.pillow_format for _, magic in known.magic_numbers
)
ANIMATED_FORMATS = frozenset({"gif", "png", "avif"})  # pictures that are films where they have several frames
REFUSAL_REASONS: Mapping[str, str] = MappingProxyType(
    {known.name: known.refusal_reason for known in MEDIA_FORMATS if known.refusal_reason is not None}
)
# Endings that texts have too: TypeScript, device trees, vocabularies, ...
_AMBIGUOUS_EXTENSIONS = frozenset(
    {".ts", ".mts", ".dts", ".voc", ".au", ".snd", ".mpc", ".rgb", ".ra", ".rm", ".avc"}
)
_STRAY_BYTES = b"\xef\xbb\xbf\r\n\t "  # what badly written scripts send before a picture
_MAX_STRAY_BYTES = 16  # at most

_OS_ERROR_MESSAGES = {
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
    if known and ending not in _AMBIGUOUS_EXTENSIONS:
        return True
    try:
        if not path.is_file():
            return known
        head = _read_first_bytes(path)
    except OSError:
        return known
    return detect_format(head, path) is not None or (known and not looks_like_text(head))


def get_extension_label(path: Path) -> str:
    """The kind of a file that is not read, for a summary: its ending in lower case, else "no ending".

    Only up to 10 ASCII letters and digits count as an ending: "Mr. Smith" has none.
    """
    ending = path.suffix[1:].lower()
    return ending if len(ending) <= 10 and ending.isascii() and ending.isalnum() else "no ending"


def read_header(path: Path) -> bytes:
    """The first 512 bytes of a file. Raises MediaError if it can't be read, is empty or is no file."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MediaError(path, _OS_ERROR_MESSAGES[errno.EISDIR])
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for its writer
            raise MediaError(path, "not a regular file")
        head = _read_first_bytes(path)
    except OSError as error:
        raise make_media_error(path, error) from None
    if not head:
        raise MediaError(path, "empty file")
    return head


def detect_format(header: bytes, path: Path | None = None) -> str | None:
    """The format that these first bytes announce ("jpeg", "mp4", "wav", ...), None if none known.

    Some formats are told only with the ending of the path. A text is taken for a few formats alone.
    """
    ending = "" if path is None else path.suffix[1:].lower()
    for known in _TEXT_FORMATS if looks_like_text(header) else MEDIA_FORMATS:
        if known.matches(header, ending):
            return known.name
    start = find_image_start(header)
    return detect_format(header[start:], path) if start else None


def find_image_start(header: bytes) -> int:
    """How many stray bytes (line breaks, blanks, a byte order mark) stand before a picture; 0 if none."""
    start = len(header) - len(header.lstrip(_STRAY_BYTES))
    if not 0 < start <= _MAX_STRAY_BYTES:
        return 0
    return start if header.startswith(_IMAGE_MAGIC_NUMBERS, start) else 0


def format_unknown_reason(header: bytes) -> str:
    """Why a file with these first bytes is refused."""
    hint = " (looks like text)" if looks_like_text(header) else ""
    return f"not an image, video or sound{hint}"


def looks_like_text(header: bytes) -> bool:
    """True if the bytes are printable UTF-8; a character cut off at the end is forgiven."""
    text = header[:_TEXT_BYTES].decode("utf-8", "ignore")
    return len(text.encode()) > len(header[:_TEXT_BYTES]) - 4 and all(
        char.isprintable() or char.isspace() for char in text
    )


def make_media_error(path: Path, error: OSError) -> MediaError:
    """What an operating system's error says of a file: it may pass."""
    lasting = error.errno == errno.EINVAL  # a damaged file sent its reader to a place that can't be
    return MediaError(path, format_os_error(error), is_permanent=lasting)


def format_os_error(error: OSError) -> str:
    """An operating system's error in a few words."""
    return _OS_ERROR_MESSAGES.get(error.errno or 0) or (error.strerror or "can't be read").lower()


def _read_first_bytes(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(HEADER_BYTES)
