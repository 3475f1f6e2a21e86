"""Estimates of held-out items, which take minutes, kept on disk for the next run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import MALFORMED_FILE_ERRORS, Rows, read_safetensors, write_safetensors
from retrieval.progress_reporter import ProgressReporter

ESTIMATES_VERSION = 1  # raise it when the same inputs would give other estimates


def load_or_compute(
    folder: Path, name: str, inputs: Sequence[npt.ArrayLike], compute: Callable[[], Rows]
) -> Rows:
    """(n, 4) estimates of a set: those kept in `folder` for the same inputs, else computed and kept.

    inputs: all that the estimates depend on, the seed among it
    """
    digest = hashlib.sha256(repr(ESTIMATES_VERSION).encode())
    for values in inputs:
        digest.update(np.ascontiguousarray(values).tobytes())
    path = folder / f"held-out-{name}-{digest.hexdigest()[:16]}.safetensors"
    try:
        return np.asarray(read_safetensors(path).tensors["estimates"])
    except MALFORMED_FILE_ERRORS:
        with ProgressReporter("dial") as report:
            report.update(f"{name}: heads that hold each group out", 0)
            estimates = np.asarray(compute(), np.float32)
        write_safetensors(path, {"estimates": estimates})
        return estimates
