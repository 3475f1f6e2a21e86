"""Features of files as the engine computes them: decoded by the same pool, encoded by the same experts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.base import Rows, batched
from encoders.decoding import DecoderPool, Failed, Part
from encoders.media import Sampling, Segment
from experiments.data import Labelled
from retrieval.recipe import Experts

BATCH = 32
JOBS = 2


def first_segments(experts: Experts, paths: Sequence[Path]) -> list[Segment]:
    """The first segment of each file, in order. Raises BadMedia for one that can't be read."""
    found: dict[Path, Segment] = {}
    with DecoderPool(JOBS, Sampling(rate=experts.sound_rate)) as pool:
        for event in pool.read(paths):
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Part):
                found.setdefault(event.path, event.segment)
    return [found[path] for path in paths]


def features_of(experts: Experts, files: Sequence[Labelled], *, faces: bool = False) -> dict[str, Rows]:
    """Raw rows by role of each file's first segment."""
    parts = [
        experts.watch([s.frames for s in chunk], [s.sound for s in chunk], faces=faces)
        for chunk in batched(first_segments(experts, [one.path for one in files]), BATCH)
    ]
    return {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}
