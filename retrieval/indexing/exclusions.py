"""Exclusion patterns of a file scan: built-in ones for system folders, and the user's."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from encoders import AffectError

# Folders in which NAS systems, desktops and programs keep thumbnails, deleted files, snapshots, previews or
# packages. A trailing slash matches folders only; hidden folders are excluded anyway.
SYSTEM_FOLDERS = (
    "@eaDir/", "@tmp/", "#recycle/", "#snapshot/",  # Synology
    "@Recycle/", "@Recently-Snapshot/",  # QNAP
    "~snapshot/",  # NetApp
    "$RECYCLE.BIN/", "RECYCLER/", "RECYCLED/", "System Volume Information/",  # Windows
    "Trash/", "Trash-[0-9]*/", "lost+found/",  # Linux
    "__MACOSX/", "Network Trash Folder/", "Temporary Items/",  # macOS
    "files_trashbin/", "files_versions/", "appdata_oc*/",  # Nextcloud
    "*.lrdata/",  # previews of Lightroom
    "**/CaptureOne/Cache/",
    "**/*.photoslibrary/resources/derivatives/", "**/*.photoslibrary/Thumbnails/",  # Apple Photos
    "**/*.photolibrary/Thumbnails/", "**/*.aplibrary/Thumbnails/", "**/*.aplibrary/Previews/",
    "*.trickplay/",  # Jellyfin
    "node_modules/", "bower_components/",
)  # fmt: skip
ANY_DEPTH = "**"


@dataclass(frozen=True, kw_only=True)
class ExclusionPattern:
    """A pattern in the syntax of .gitignore: `text` as given, `parts` of its path, normalised.

    A pattern whose only slash is at its end matches a name at any depth, others match a path below the scan
    root or the file system's root; "**" matches any number of folders, a trailing slash only folders.
    """

    text: str
    parts: tuple[str, ...]
    folders_only: bool

    @classmethod
    def parse(cls, text: str) -> ExclusionPattern:
        """Parse a pattern. Raises AffectError if it is empty."""
        parts = tuple(_normalise_name(part) for part in text.split("/") if part not in ("", "."))
        if not parts:
            raise AffectError(f"--exclude {text!r}: give a name, a path or a pattern, such as '*.gif'")
        anchored = "/" in text.rstrip("/")
        return cls(
            text=text, parts=parts if anchored else (ANY_DEPTH, *parts), folders_only=text.endswith("/")
        )

    def matches(self, names: Sequence[str]) -> bool:
        """Whether the pattern matches a path, given as normalised names, itself (not a folder above it)."""
        if len(self.parts) == 2 and self.parts[0] == ANY_DEPTH:
            return fnmatchcase(names[-1], self.parts[1])
        return _match_parts(self.parts, names)


class Exclusions:
    """The patterns of SYSTEM_FOLDERS and of the user. Raises AffectError for an empty pattern."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.user_patterns = tuple(dict.fromkeys(patterns))
        self._folder_patterns = [
            ExclusionPattern.parse(text) for text in (*SYSTEM_FOLDERS, *self.user_patterns)
        ]
        self._file_patterns = [pattern for pattern in self._folder_patterns if not pattern.folders_only]

    def find_match(self, path: Path, root: Path, *, is_folder: bool) -> str | None:
        """The first pattern that excludes a path below a scan root; None if none does."""
        patterns = self._folder_patterns if is_folder else self._file_patterns
        if not patterns or path == root:
            return None
        absolute_names = [_normalise_name(name) for name in path.parts[1:]]
        names_below_root = absolute_names[len(root.parts) - 1 :]
        for pattern in patterns:
            if pattern.matches(names_below_root) or (
                pattern.text.startswith("/") and pattern.matches(absolute_names)
            ):
                return pattern.text
        return None

    def is_excluded(self, path: Path, root: Path) -> bool:
        """Whether a file below a scan root, or a folder between them, is excluded."""
        folders_between = path.parents[: len(path.parts) - len(root.parts) - 1]
        return self.find_match(path, root, is_folder=False) is not None or any(
            self.find_match(folder, root, is_folder=True) is not None for folder in folders_between
        )


def _match_parts(parts: Sequence[str], names: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == ANY_DEPTH:
        return any(_match_parts(parts[1:], names[start:]) for start in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match_parts(parts[1:], names[1:])


def _normalise_name(name: str) -> str:
    """The name case-folded and in NFC, so that names differing in case or normal form compare equal."""
    return unicodedata.normalize("NFC", name).casefold()
