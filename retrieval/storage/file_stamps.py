"""Stored size and times of a file, by which a change is detected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

MAX_NANOSECONDS = 2**63 - 1  # in the year 2262: what catalogues store


@dataclass(frozen=True, kw_only=True)
class FileStamp:
    """Size and times of a file, to detect changes without reading it.

    `ctime_ns`, the time of the last change of content, name or permissions, also changes where a tool
    restores size and modification time; None in a library of schema version 1.
    """

    size: int
    mtime_ns: int
    ctime_ns: int | None = None

    @classmethod
    def from_path(cls, path: Path) -> FileStamp:
        """The stamp of a file, from one stat call. Raises OSError."""
        stat = path.stat()
        return cls(size=stat.st_size, mtime_ns=stat.st_mtime_ns, ctime_ns=stat.st_ctime_ns)

    def matches(self, later: FileStamp) -> bool:
        """Whether a file with this stamp is unchanged at a later one; a missing ctime matches any."""
        return later == (self if self.ctime_ns is not None else replace(self, ctime_ns=later.ctime_ns))

    def matches_content(self, later: FileStamp) -> bool:
        """The same by size and modification time alone: new permissions or links are no other content."""
        return (later.size, later.mtime_ns) == (self.size, self.mtime_ns)


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """A path's record in the catalogue: its stamp, and its item or why it can't be read."""

    stamp: FileStamp
    item_id: str | None
    error: str | None


def to_stored_nanoseconds(moment: datetime) -> int:
    """A moment in nanoseconds since 1970, the nearest that a catalogue can store."""
    return max(-MAX_NANOSECONDS, min(round(moment.timestamp() * 1e9), MAX_NANOSECONDS))
