"""Detection of a file's format by its first bytes and its extension, without decoding."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from encoders.base import MediaError
from encoders.media.formats import MEDIA_FORMATS, MediaModality

HEADER_BYTES = 512  # read to detect a format
_TEXT_BYTES = 64  # of the header, checked to detect text

EXTENSIONS: Mapping[str, MediaModality] = MappingProxyType(
    {f".{extension}": entry.modality for entry in MEDIA_FORMATS for extension in entry.extensions.split()}
)
IMAGE_FORMATS = frozenset(entry.name for entry in MEDIA_FORMATS if entry.pillow_format)
_TEXT_FORMATS = tuple(entry for entry in MEDIA_FORMATS if entry.is_text_based)
_IMAGE_MAGIC_NUMBERS = tuple(
    magic for entry in MEDIA_FORMATS if entry.pillow_format for _, magic in entry.magic_numbers
)
ANIMATED_FORMATS = frozenset({"gif", "png", "avif"})  # pictures that are videos if they have several frames
REFUSAL_REASONS: Mapping[str, str] = MappingProxyType(
    {entry.name: entry.refusal_reason for entry in MEDIA_FORMATS if entry.refusal_reason is not None}
)
# Extensions that texts have too: TypeScript, device trees, vocabularies, ...
_AMBIGUOUS_EXTENSIONS = frozenset(
    {".ts", ".mts", ".dts", ".voc", ".au", ".snd", ".mpc", ".rgb", ".ra", ".rm", ".avc"}
)
_STRAY_BYTES = b"\xef\xbb\xbf\r\n\t "  # that faulty scripts write before a picture
_MAX_STRAY_BYTES = 16

_OS_ERROR_MESSAGES = {
    errno.ENOENT: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "symbolic links in a loop",
    errno.EISDIR: "a directory, not a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def looks_like_media(path: Path) -> bool:
    """True for a media extension, else for first bytes of a media format; False for an unreadable file.

    Text with an extension that media share is no media.
    """
    extension = path.suffix.lower()
    has_media_extension = extension in EXTENSIONS
    if has_media_extension and extension not in _AMBIGUOUS_EXTENSIONS:
        return True
    try:
        if not path.is_file():
            return has_media_extension
        header = _read_first_bytes(path)
    except OSError:
        return has_media_extension
    return detect_format(header, path) is not None or (has_media_extension and not looks_like_text(header))


def get_extension_label(path: Path) -> str:
    """Extension of a skipped file in lower case, for a summary; "no ending" without any.

    Only up to 10 ASCII letters and digits count as an extension: "Mr. Smith" has none.
    """
    extension = path.suffix[1:].lower()
    return extension if len(extension) <= 10 and extension.isascii() and extension.isalnum() else "no ending"


def read_header(path: Path) -> bytes:
    """First 512 bytes of a file. Raises MediaError if it can't be read, is empty or is no regular file."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MediaError(path, _OS_ERROR_MESSAGES[errno.EISDIR])
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for its writer
            raise MediaError(path, "not a regular file")
        header = _read_first_bytes(path)
    except OSError as error:
        raise make_media_error(path, error) from None
    if not header:
        raise MediaError(path, "empty file")
    return header


def detect_format(header: bytes, path: Path | None = None) -> str | None:
    """Name of the format of these first bytes ("jpeg", "mp4", "wav", ...), None if unknown.

    Some formats need the extension of the path too. Text can be in a few formats only.
    """
    extension = "" if path is None else path.suffix[1:].lower()
    for media_format in _TEXT_FORMATS if looks_like_text(header) else MEDIA_FORMATS:
        if media_format.matches(header, extension):
            return media_format.name
    start = find_image_start(header)
    return detect_format(header[start:], path) if start else None


def find_image_start(header: bytes) -> int:
    """Number of stray bytes (line breaks, blanks, a byte order mark) before a picture; 0 if none."""
    start = len(header) - len(header.lstrip(_STRAY_BYTES))
    if not 0 < start <= _MAX_STRAY_BYTES:
        return 0
    return start if header.startswith(_IMAGE_MAGIC_NUMBERS, start) else 0


def format_unknown_reason(header: bytes) -> str:
    """Reason for refusing a file with these first bytes."""
    hint = " (looks like text)" if looks_like_text(header) else ""
    return f"not an image, video or sound{hint}"


def looks_like_text(header: bytes) -> bool:
    """True if the bytes are printable UTF-8, but for a character cut off at the end."""
    text = header[:_TEXT_BYTES].decode("utf-8", "ignore")
    return len(text.encode()) > len(header[:_TEXT_BYTES]) - 4 and all(
        char.isprintable() or char.isspace() for char in text
    )


def make_media_error(path: Path, error: OSError) -> MediaError:
    """MediaError for an error of the operating system, which usually may pass."""
    # EINVAL: a damaged file made its reader seek to an impossible position
    is_permanent = error.errno == errno.EINVAL
    return MediaError(path, format_os_error(error), is_permanent=is_permanent)


def format_os_error(error: OSError) -> str:
    """Short message for an error of the operating system."""
    return _OS_ERROR_MESSAGES.get(error.errno or 0) or (error.strerror or "can't be read").lower()


def _read_first_bytes(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(HEADER_BYTES)
