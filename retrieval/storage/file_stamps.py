"""What a library remembers of a file, to tell whether it has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FileStamp:
    """What tells a changed file from an unchanged one without reading it.

    Tools that keep size and modification time still move `ctime_ns`, the time of the last change of content,
    name or rights; None in a library of the first format.
    """

    size: int
    mtime_ns: int
    ctime_ns: int | None = None

    @classmethod
    def from_path(cls, path: Path) -> FileStamp:
        """From one stat. Raises OSError."""
        stat = path.stat()
        return cls(size=stat.st_size, mtime_ns=stat.st_mtime_ns, ctime_ns=stat.st_ctime_ns)

    def matches(self, later: FileStamp) -> bool:
        """Whether a file with this stamp has not changed since; a ctime that is not known fits any."""
        return later == (self if self.ctime_ns is not None else replace(self, ctime_ns=later.ctime_ns))


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """What the catalogue remembers of a path."""

    stamp: FileStamp
    item_id: str | None
    error: str | None
