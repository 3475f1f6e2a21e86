"""Atomic file writes, a checksummed cache, and SHA-256 digests of files."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import zlib
from pathlib import Path

from encoders.base import to_printable
from encoders.interrupts import make_draft_path

log = logging.getLogger(__name__)

NO_CACHE = Path(os.devnull, "affect-fusion")  # can be neither read nor created
CHECKSUM_TAG = b"\xc5\x3e"  # protobuf: field 1000, four bytes


def get_cache_dir() -> Path:
    """Folder of the cache: $AFFECT_CACHE, else the user's cache folder, NO_CACHE without a home."""
    from platformdirs import user_cache_dir

    if named := os.environ.get("AFFECT_CACHE"):
        return Path(named)
    try:
        folder = Path(user_cache_dir("affect-fusion"))
    except RuntimeError:  # newer platformdirs; older ones leave "~" as it is
        return NO_CACHE
    return folder if folder.is_absolute() else NO_CACHE


def describe_os_error(error: OSError) -> str:
    """The reason of an OSError as text in lower case."""
    return (error.strerror or str(error)).lower()


def read_cached(path: Path) -> bytes | None:
    """The content that `write_cached` wrote; None if the file is missing, unreadable or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content[: -len(_make_checksum_field(b""))] if _has_valid_checksum(content) else None


def is_cached(path: Path) -> bool:
    """Whether `read_cached` would return content."""
    try:
        return _has_valid_checksum(path.read_bytes())
    except OSError:
        return False


def _has_valid_checksum(content: bytes) -> bool:
    return content.endswith(_make_checksum_field(memoryview(content)[: -len(_make_checksum_field(b""))]))


def write_cached(path: Path, content: bytes) -> None:
    """Write a file of the cache; warn once if that fails (no permission, a full disk)."""
    try:
        write_atomically(path, content + _make_checksum_field(content))
    except OSError as error:
        _warn_not_cached(f"{to_printable(get_cache_dir())}: {describe_os_error(error)}")


@functools.cache
def _warn_not_cached(reason: str) -> None:
    reason = "this user has no home folder" if get_cache_dir() == NO_CACHE else reason
    log.warning(
        "the cache can't be written (%s), so every command prepares anew what it needs and does not find "
        "there, which takes up to a minute; to mend it, set AFFECT_CACHE to a folder that can be written",
        reason,
    )


def _make_checksum_field(content: bytes | memoryview) -> bytes:
    """The CRC-32 of `content` as a protobuf field, which readers of ONNX files pass over as unknown."""
    return CHECKSUM_TAG + zlib.crc32(content).to_bytes(4, "little")


def compute_sha256(*paths: Path) -> str:
    """Hex digest over the files' contents, in order; the digest of an unchanged file comes from the cache."""
    return hashlib.sha256("".join(hash_file(file) for file in paths).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Hex SHA-256 of a file; that of an unchanged file comes from the cache."""
    stat = path.stat()
    return _hash_file_cached(path, f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}")


@functools.lru_cache
def _hash_file_cached(path: Path, file_state: str) -> str:
    digest_file = (
        get_cache_dir() / "sha256" / hashlib.sha256(file_state.encode("utf-8", "surrogateescape")).hexdigest()
    )
    cached = read_cached(digest_file)
    if cached is not None:
        return cached.decode()
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    write_cached(digest_file, digest.encode())
    return digest


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees part of it: a draft in the same folder, fsync, then a rename.

    After a power cut all of it is there or nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with make_draft_path(path) as draft:
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
