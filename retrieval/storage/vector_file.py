"""Append-only row files: raw float16 rows without a header.

The catalogue stores the number of committed rows. Data beyond them are uncommitted: readers do not map them
and the next writer truncates them.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import Rows

DTYPE = np.dtype("<f2")
MAX_FLOAT16 = np.float32(np.finfo(np.float16).max)


def append_rows(path: Path, row_count: int, rows: Rows) -> None:
    """Write rows (n, d) after the first `row_count` rows of the file and fsync.

    Raises OSError (disk full); the file is then truncated to its committed rows.
    """
    committed_bytes = row_count * rows.shape[1] * DTYPE.itemsize
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as stream:  # unbuffered, so that a full disk fails here
        stream.truncate(committed_bytes)
        try:
            _write_all(stream, memoryview(to_float16(rows).tobytes()))
            os.fsync(stream.fileno())
        except OSError:
            os.ftruncate(stream.fileno(), committed_bytes)
            raise


def to_float16(rows: Rows) -> npt.NDArray[np.float16]:
    """Rows (n, d) as float16; a row that would overflow is scaled down and keeps its direction."""
    max_absolutes = np.abs(rows).max(axis=1, keepdims=True, initial=MAX_FLOAT16)
    return np.ascontiguousarray(rows * (MAX_FLOAT16 / max_absolutes), DTYPE)


def _write_all(stream: io.FileIO, data: memoryview) -> None:
    while data:
        data = data[stream.write(data) :]


def gather_rows(rows: npt.NDArray[np.float16], indices: npt.NDArray[np.int64]) -> Rows:
    """Rows (n, d) float32 at `indices` (n,); NaN where an index is -1."""
    gathered = np.full((len(indices), rows.shape[1]), np.nan, np.float32)
    gathered[indices >= 0] = rows[indices[indices >= 0]]
    return gathered


def open_memmap(path: Path, row_count: int, dim: int) -> npt.NDArray[np.float16]:
    """The first `row_count` rows, memory-mapped as (row_count, dim). Raises ValueError if there are fewer."""
    if row_count == 0:
        return np.empty((0, dim), DTYPE)
    size = path.stat().st_size if path.exists() else 0
    if size < (expected_size := row_count * dim * DTYPE.itemsize):
        raise ValueError(f"{path} holds {size} bytes, the catalogue counts on {expected_size}")
    return np.memmap(path, DTYPE, "r", shape=(row_count, dim))
