"""Cache of features on disk, keyed by the content of the files, the encoder and the sampling.

File names and times are no part of the key: a renamed or copied file has the same entry, a changed one
another. Each entry is one safetensors file, written atomically, so that an interrupted run can continue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from encoders import EncoderCard, Rows, get_cache_dir, read_safetensors, write_safetensors
from encoders.media import Sampling

CACHE_VERSION = "1"  # raise it when decoding changes the inputs of encoders

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ItemFeatures:
    """Raw rows (segments, d) of one item and their start and end in s (segments, 2), NaN for pictures."""

    features: Rows
    times: Times


def compute_content_digest(paths: Sequence[Path]) -> str:
    """SHA-256 of the content of an item's files, in order. Raises OSError where one is missing."""
    return hashlib.sha256("".join(map(_hash_file, paths)).encode()).hexdigest()


def _hash_file(path: Path) -> str:
    """SHA-256 of a file's content, not cached: an entry for every file would never be removed."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class FeatureCache:
    """Entries of one role: rows by the encoder of `card`, of all segments or the first, under `sampling`."""

    card: EncoderCard
    sampling: Sampling
    all_segments: bool
    folder: Path | None = None

    def get(self, digest: str) -> ItemFeatures | None:
        """The entry of these contents; None without one, or for one that is damaged."""
        try:
            tensors = read_safetensors(self._get_path(digest)).tensors
            return ItemFeatures(tensors["rows"], tensors["times"])
        except (FileNotFoundError, SafetensorError, ValueError, KeyError):
            return None

    def put(self, digest: str, item: ItemFeatures) -> None:
        """Write the entry of these contents."""
        rows, times = np.ascontiguousarray(item.features), np.ascontiguousarray(item.times)
        write_safetensors(self._get_path(digest), {"rows": rows, "times": times})

    def _get_path(self, digest: str) -> Path:
        root = self.folder or get_cache_dir() / "features"
        return root / f"{self.card.name}-{self._settings_digest}" / digest[:2] / f"{digest}.safetensors"

    @property
    def _settings_digest(self) -> str:
        """Digest of what rows depend on: not of the sample rate for pictures, nor of frames for sound."""
        s = self.sampling
        sampling_key = (
            (s.segment_seconds, s.sample_rate)
            if self.card.modality == "sound"
            else (s.segment_seconds, s.fps, s.max_frames, s.max_side)
        )
        settings = repr((CACHE_VERSION, self.card.signature, sampling_key, self.all_segments))
        return hashlib.sha256(settings.encode()).hexdigest()[:12]
