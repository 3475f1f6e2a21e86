"""Progress and summary of an index run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrieval.indexing.file_scan import SkipCounts
from retrieval.storage import MissingFiles


@dataclass(kw_only=True)
class RoleCompletion:
    """Counts of items that are read again, for roles that came after the library was made.

    roles:    the roles
    to_read, read: items to read, and those read so far
    missing:  items none of whose files is there with the content it had
    left_out: reasons by path of those that can't be read, or not in the same segments
    """

    roles: Sequence[str]
    to_read: int = 0
    read: int = 0
    missing: int = 0
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        """Items finished, of `to_read`."""
        return self.read + len(self.left_out)

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json`."""
        return {
            "roles": list(self.roles),
            "items": self.read,
            "missing": self.missing,
            "left_out": _reasons_to_json(self.left_out),
        }


@dataclass(kw_only=True)
class PreviewCompletion:
    """Counts of items whose previews are made after they were indexed.

    to_make, made: items to read, and those read so far
    missing: items none of whose files is there with the content it had
    failed:  reasons by path of those that can't be read
    """

    to_make: int = 0
    made: int = 0
    missing: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        """Items finished, of `to_make`."""
        return self.made + len(self.failed)

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json`."""
        return {"made": self.made, "missing": self.missing, "failed": _reasons_to_json(self.failed)}


@dataclass(kw_only=True)
class IndexProgress:
    """Counts of files so far, unless noted.

    rechecked:          files read again whose content is unchanged
    files, items:       readable files and distinct items of the whole library, set at the end
    frames, images:     encoded frames, and images among them
    video_seconds, audio_seconds: duration of the encoded media
    failed, incomplete: reasons by path of files that can't be read, or only in part
    missing_by_folder:  folders below the roots whose missing files stay in the library
    completion:         of roles that came after the library was made; None without any
    previews:           of items that had none; None without any
    """

    found: int = 0
    to_process: int = 0
    indexed: int = 0
    unchanged: int = 0
    rechecked: int = 0
    moved: int = 0
    removed: int = 0
    files: int = 0
    items: int = 0
    frames: int = 0
    images: int = 0
    video_seconds: float = 0.0
    audio_seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    missing_by_folder: list[MissingFiles] = field(default_factory=list)
    completion: RoleCompletion | None = None
    previews: PreviewCompletion | None = None
    skip_counts: SkipCounts = field(default_factory=SkipCounts)
    start_time: float = field(default_factory=time.monotonic)

    @property
    def processed(self) -> int:
        """Files finished, of `to_process`."""
        return self.indexed + self.rechecked + self.moved + len(self.failed)

    @property
    def missing_count(self) -> int:
        """Files below the roots that are missing but stay in the library."""
        return sum(group.missing_count for group in self.missing_by_folder)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self.start_time

    @property
    def eta_seconds(self) -> float | None:
        """Estimated seconds until all files are processed; None before the first one is."""
        if not self.processed:
            return None
        return self.elapsed_seconds / self.processed * max(self.to_process - self.processed, 0)

    def to_progress_json(self) -> dict[str, Any]:
        """As printed by `affect index --json --progress` meanwhile."""
        eta_seconds = self.eta_seconds
        return {
            "found": self.found,
            "to_process": self.to_process,
            "processed": self.processed,
            "indexed": self.indexed,
            "unchanged": self.unchanged,
            "failed": len(self.failed),
            "frames": self.frames,
            "seconds": round(self.elapsed_seconds, 3),
            "eta_seconds": None if eta_seconds is None else round(eta_seconds, 1),
            "added_roles": self.completion and {
                "to_read": self.completion.to_read, "processed": self.completion.processed,
            },
        }  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json`."""
        return {
            "indexed": self.indexed,
            "unchanged": self.unchanged,
            "rechecked": self.rechecked,
            "moved": self.moved,
            "removed": self.removed,
            "missing": self.missing_count,
            "files": self.files,
            "items": self.items,
            "duplicates": self.files - self.items,
            "images": self.images,
            "frames": self.frames,
            "video_seconds": round(self.video_seconds, 3),
            "sound_seconds": round(self.audio_seconds, 3),
            "failed": _reasons_to_json(self.failed),
            "incomplete": _reasons_to_json(self.incomplete),
            "missing_below": [group.to_json() for group in self.missing_by_folder],
            "excluded": _counts_to_json(self.skip_counts.excluded),
            "skipped": _counts_to_json(self.skip_counts.non_media),
            "previews": self.previews and self.previews.to_json(),
            "added_roles": self.completion and self.completion.to_json(),
            "seconds": round(self.elapsed_seconds, 3),
        }


def _reasons_to_json(reason_by_path: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"path": path, "reason": reason} for path, reason in sorted(reason_by_path.items())]


def _counts_to_json(counts: Counter[str]) -> dict[str, int]:
    return dict(counts.most_common())
