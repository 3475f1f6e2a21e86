"""Names that a scan leaves out: folders of systems and programs, and patterns that the user gives."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from encoders import AffectError

# What NAS systems, desktops and programs keep beside media: thumbnails, deleted files, snapshots, previews,
# packages. A last slash is for folders only; hidden folders need no line here.
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
    """A pattern as in .gitignore: `text` as given, `parts` of its path.

    Without a slash but at its end it is for a name at any depth, else for a path below the root of a scan or
    of the file system; "**" stands for any folders, a slash at the end for folders only.
    """

    text: str
    parts: tuple[str, ...]
    folders_only: bool

    @classmethod
    def parse(cls, text: str) -> ExclusionPattern:
        """Raises AffectError for one that is empty."""
        parts = tuple(_normalise_name(part) for part in text.split("/") if part not in ("", "."))
        if not parts:
            raise AffectError(f"--exclude {text!r}: give a name, a path or a pattern, such as '*.gif'")
        anchored = "/" in text.rstrip("/")
        return cls(
            text=text, parts=parts if anchored else (ANY_DEPTH, *parts), folders_only=text.endswith("/")
        )

    def matches(self, names: Sequence[str]) -> bool:
        """Whether a path, as comparable names, is meant itself (not a folder above it)."""
        if len(self.parts) == 2 and self.parts[0] == ANY_DEPTH:
            return fnmatchcase(names[-1], self.parts[1])
        return _match_parts(self.parts, names)


class Exclusions:
    """The table above and patterns of the user. Raises AffectError for an empty pattern."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.user_patterns = tuple(dict.fromkeys(patterns))
        self._folder_patterns = [
            ExclusionPattern.parse(text) for text in (*SYSTEM_FOLDERS, *self.user_patterns)
        ]
        self._file_patterns = [pattern for pattern in self._folder_patterns if not pattern.folders_only]

    def find_match(self, path: Path, root: Path, *, is_folder: bool) -> str | None:
        """The pattern that leaves a path below a root out, None if none does."""
        patterns = self._folder_patterns if is_folder else self._file_patterns
        if not patterns or path == root:
            return None
        absolute = [_normalise_name(name) for name in path.parts[1:]]
        below = absolute[len(root.parts) - 1 :]
        for pattern in patterns:
            if pattern.matches(below) or (pattern.text.startswith("/") and pattern.matches(absolute)):
                return pattern.text
        return None

    def is_excluded(self, path: Path, root: Path) -> bool:
        """Whether a file below a root, or a folder between them, is left out."""
        between = path.parents[: len(path.parts) - len(root.parts) - 1]
        return self.find_match(path, root, is_folder=False) is not None or any(
            self.find_match(folder, root, is_folder=True) is not None for folder in between
        )


def _match_parts(parts: Sequence[str], names: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == ANY_DEPTH:
        return any(_match_parts(parts[1:], names[at:]) for at in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match_parts(parts[1:], names[1:])


def _normalise_name(name: str) -> str:
    """Names that look the same compare equal: upper and lower case, and both ways to write an accent."""
    return unicodedata.normalize("NFC", name).casefold()
