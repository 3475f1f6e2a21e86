"""Features on disk, kept by content: what a file holds, which encoder read it, and how densely.

A name says nothing and a time says nothing: a renamed or copied file is known, a changed one is not. Each
entry is one safetensors file, written whole or not at all, so that work can stop and go on anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.base import Card, Rows
from encoders.media import Sampling
from encoders.onnx_runtime import cache_dir, write_whole

VERSION = "1"  # raise it when decoding changes what encoders are given

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """Raw rows (segments, d) of one item and when they begin and end (segments, 2), NaN for pictures."""

    rows: Rows
    times: Times


def digest_of(media: Sequence[Path]) -> str:
    """Hex digest of an item's files, in order. Raises OSError where one is not there."""
    return hashlib.sha256("".join(map(_sha256, media)).encode()).hexdigest()


def _sha256(file: Path) -> str:
    """Of one file's content; read anew each time, as a note a file would be kept for ever."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Shelf:
    """Entries of one role: `card` read segments taken as `sampling` says, all of them or the first."""

    card: Card
    sampling: Sampling
    every: bool
    folder: Path | None = None

    def get(self, digest: str) -> Entry | None:
        """What is kept for these contents; None for nothing, or nothing that can be read."""
        try:
            found = load(self._file(digest).read_bytes())
            return Entry(found["rows"], found["times"])
        except (FileNotFoundError, SafetensorError, KeyError):
            return None

    def put(self, digest: str, entry: Entry) -> None:
        """Keep rows for these contents."""
        rows, times = np.ascontiguousarray(entry.rows), np.ascontiguousarray(entry.times)
        write_whole(self._file(digest), save({"rows": rows, "times": times}))

    def _file(self, digest: str) -> Path:
        root = self.folder or cache_dir() / "features"
        return root / f"{self.card.name}-{self._key}" / digest[:2] / f"{digest}.safetensors"

    @property
    def _key(self) -> str:
        """What must be equal for rows to be the same; how sound is sampled matters to no picture."""
        s = self.sampling
        how = (s.segment, s.rate) if self.card.sense == "sound" else (s.segment, s.fps, s.most, s.side)
        told = repr((VERSION, self.card.signature, how, self.every))
        return hashlib.sha256(told.encode()).hexdigest()[:12]
