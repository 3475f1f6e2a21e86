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

from encoders.base import EncoderCard, Rows
from encoders.files import get_cache_dir, write_atomically
from encoders.media import Sampling

CACHE_VERSION = "1"  # raise it when decoding changes what encoders are given

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ItemFeatures:
    """Raw rows (segments, d) of one item and when they begin and end (segments, 2), NaN for pictures."""

    features: Rows
    times: Times


def compute_content_digest(paths: Sequence[Path]) -> str:
    """Hex digest of an item's files, in order. Raises OSError where one is not there."""
    return hashlib.sha256("".join(map(_hash_file, paths)).encode()).hexdigest()


def _hash_file(path: Path) -> str:
    """Of one file's content; read anew each time, as a note a file would be kept for ever."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class FeatureCache:
    """Entries of one role: `card` read segments taken as `sampling` says, all of them or the first."""

    card: EncoderCard
    sampling: Sampling
    all_segments: bool
    folder: Path | None = None

    def get(self, digest: str) -> ItemFeatures | None:
        """What is kept for these contents; None for nothing, or nothing that can be read."""
        try:
            found = load(self._get_path(digest).read_bytes())
            return ItemFeatures(found["rows"], found["times"])
        except (FileNotFoundError, SafetensorError, KeyError):
            return None

    def put(self, digest: str, item: ItemFeatures) -> None:
        """Keep rows for these contents."""
        rows, times = np.ascontiguousarray(item.features), np.ascontiguousarray(item.times)
        write_atomically(self._get_path(digest), save({"rows": rows, "times": times}))

    def _get_path(self, digest: str) -> Path:
        root = self.folder or get_cache_dir() / "features"
        return root / f"{self.card.name}-{self._settings_digest}" / digest[:2] / f"{digest}.safetensors"

    @property
    def _settings_digest(self) -> str:
        """What must be equal for rows to be the same; how sound is sampled matters to no picture."""
        s = self.sampling
        how = (
            (s.segment_seconds, s.sample_rate)
            if self.card.modality == "sound"
            else (s.segment_seconds, s.fps, s.max_frames, s.max_side)
        )
        told = repr((CACHE_VERSION, self.card.signature, how, self.all_segments))
        return hashlib.sha256(told.encode()).hexdigest()[:12]
