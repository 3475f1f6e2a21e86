"""Append-only files of arrays without a header: float16 rows, and columns of integers, ids and times.

The catalogue stores the number of committed rows. Data beyond them are uncommitted: readers do not map them
and the next writer truncates them.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows

DTYPE = np.dtype("<f2")
MAX_FLOAT16 = np.float32(np.finfo(np.float16).max)


def append_rows(path: Path, row_count: int, rows: Rows) -> None:
    """Write rows (n, d) as float16, as `append_array` does."""
    append_array(path, row_count, to_float16(rows))


def append_array(path: Path, row_count: int, array: npt.NDArray[Any]) -> None:
    """Write an array (n, ...) after the first `row_count` rows of the file and fsync.

    Raises OSError (disk full); the file is then truncated to its committed rows.
    """
    row_bytes = array.dtype.itemsize * int(np.prod(array.shape[1:]))
    committed_bytes = row_count * row_bytes
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as stream:  # unbuffered, so that a full disk fails here
        stream.truncate(committed_bytes)
        try:
            _write_all(stream, memoryview(np.ascontiguousarray(array).tobytes()))
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


def gather_rows(rows: npt.NDArray[np.float16], indices: npt.NDArray[np.integer]) -> Rows:
    """Rows (n, d) float32 at `indices` (n,); NaN where an index is -1."""
    gathered = np.full((len(indices), rows.shape[1]), np.nan, np.float32)
    gathered[indices >= 0] = rows[indices[indices >= 0]]
    return gathered


def open_memmap(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike = DTYPE) -> npt.NDArray[Any]:
    """The first `shape[0]` rows, memory-mapped. Raises ValueError if there are fewer."""
    expected_size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if expected_size == 0:
        return np.empty(shape, dtype)
    size = path.stat().st_size if path.exists() else 0
    if size < expected_size:
        raise ValueError(f"{path} holds {size} bytes, the catalogue counts on {expected_size}")
    return np.memmap(path, dtype, "r", shape=shape).view(np.ndarray)  # whose indexing is faster
