"""What an index run has done so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retrieval.indexing.file_scan import PassedOver
from retrieval.storage.missing_files import Loss


@dataclass(kw_only=True)
class Progress:
    """Counts so far; sound and video in seconds of media.

    failed, incomplete: paths of files that can't be read, or not all of them, to reasons
    rechecked:          files that looked changed, and hold what they held
    losses:             folders below the roots whose missing files are kept
    files, items:       in the whole library, at the end: files that could be read, and different ones
    """

    found: int = 0
    todo: int = 0
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
    sound_seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    passed_over: PassedOver = field(default_factory=PassedOver)
    started: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Files dealt with, of `todo`."""
        return self.indexed + self.rechecked + self.moved + len(self.failed)

    @property
    def missing(self) -> int:
        """Files below the roots that are gone and kept."""
        return sum(loss.missing for loss in self.losses)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json`."""
        return {
            "indexed": self.indexed, "unchanged": self.unchanged, "rechecked": self.rechecked,
            "moved": self.moved, "removed": self.removed, "missing": self.missing,
            "files": self.files, "items": self.items, "duplicates": self.files - self.items,
            "images": self.images, "frames": self.frames,
            "video_seconds": round(self.video_seconds, 3), "sound_seconds": round(self.sound_seconds, 3),
            "failed": _reasons(self.failed), "incomplete": _reasons(self.incomplete),
            "missing_below": [loss.to_json() for loss in self.losses],
            "excluded": _counts(self.passed_over.excluded), "skipped": _counts(self.passed_over.kinds),
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


def _reasons(reasons: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"path": path, "reason": why} for path, why in sorted(reasons.items())]


def _counts(counts: Counter[str]) -> dict[str, int]:
    return dict(counts.most_common())
