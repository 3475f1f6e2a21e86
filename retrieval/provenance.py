"""Where results and trained weights come from: the code, its versions, the command and the data."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import wrap

PROJECT = "affect-fusion"
COMPUTING_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "torch", "torchvision", "transformers", "onnxruntime",
    "opencv-python-headless", "av", "decord", "annoy", "h5py",
)  # fmt: skip
GIT_TIMEOUT_S = 10.0
CARD_LINE_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What has to be known to train the same weights again.

    command:     the command line
    data_digest: SHA-256 of what was learnt from, see `digest_captions`; empty where it was not computed
    commit:      of the checkout; None outside one
    is_modified: whether tracked files differ from that commit; None outside a checkout
    versions:    of Python, this package and those that compute, by name
    """

    command: str
    seed: int
    data_digest: str
    commit: str | None
    is_modified: bool | None
    versions: dict[str, str]

    def format_lines(self) -> list[str]:
        """Lines of a card in Markdown."""
        changed = ", with changes" if self.is_modified else ""
        code = f"commit {self.commit}{changed}" if self.commit else "no checkout"
        numbers = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        data = f"Data (ids, captions, groups): SHA-256 {self.data_digest}." if self.data_digest else ""
        lines = [f"Made by `{self.command}` (seed {self.seed}).", *filter(None, [data])]
        return [*lines, *wrap(f"Code: {code}; {numbers}.", CARD_LINE_WIDTH)]


def record_provenance(command: Sequence[str], *, seed: int, data_digest: str = "") -> Provenance:
    """The provenance of what the command line `command` computes with this code."""
    commit, modified = find_commit(Path(__file__))
    return Provenance(
        command=shlex.join(command), seed=seed, data_digest=data_digest, commit=commit,
        is_modified=modified, versions={"python": platform.python_version(), **list_package_versions()},
    )  # fmt: skip


def list_package_versions() -> dict[str, str]:
    """Versions of this package and of the installed packages that compute, by name."""
    names = (PROJECT, *COMPUTING_PACKAGES)
    return {name: number for name in names if (number := get_package_version(name))}


def get_package_version(package: str) -> str | None:
    """The version of an installed package, without importing it; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def digest_captions(items: Iterable[tuple[str, Sequence[str], str]]) -> str:
    """SHA-256 of items (id of the content, captions, group) in their order, one JSON list a line."""
    state = hashlib.sha256()
    for content_id, captions, group in items:
        state.update((json.dumps([content_id, list(captions), group]) + "\n").encode())
    return state.hexdigest()


def find_commit(file: Path) -> tuple[str | None, bool | None]:
    """The commit of the checkout that tracks a file, and whether tracked files differ from it.

    (None, None) for a file that no checkout tracks, such as one of an installed package, or without git.
    """
    folder = file.resolve().parent
    if _run_git(folder, "ls-files", "--error-unmatch", "--", file.name) is None:
        return None, None
    changes = _run_git(folder, "status", "--porcelain", "--untracked-files=no")
    return _run_git(folder, "rev-parse", "HEAD"), None if changes is None else bool(changes)


def _run_git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails or is not installed."""
    try:
        completed = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return completed.stdout.strip()
