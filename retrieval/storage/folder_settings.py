"""The folders that a catalogue keeps among its settings: those that were indexed, and mount points."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

_MOUNTS_KEY, _ROOTS_KEY = "mounts", "roots"


class FolderSettings(ABC):
    """Folders as settings of a catalogue that keeps texts by key."""

    @abstractmethod
    def get_meta(self, key: str) -> str | None:
        """A setting; None if it is absent."""

    @abstractmethod
    def set_meta(self, key: str, value: str) -> None:
        """Store a setting."""

    def load_mount_points(self) -> set[Path]:
        """Folders that were mount points when files below them were indexed."""
        return {Path(name) for name in json.loads(self.get_meta(_MOUNTS_KEY) or "[]")}

    def save_mount_points(self, folders: Collection[Path]) -> None:
        """Store which folders are mount points."""
        self.set_meta(_MOUNTS_KEY, json.dumps(sorted(map(str, folders))))

    def load_roots(self) -> list[Path]:
        """Folders that were indexed, ascending; none where only earlier versions have written."""
        return [Path(name) for name in json.loads(self.get_meta(_ROOTS_KEY) or "[]")]

    def save_roots(self, folders: Collection[Path]) -> None:
        """Store which folders were indexed."""
        self.set_meta(_ROOTS_KEY, json.dumps(sorted(map(str, folders))))
