"""Append-only row files: raw float16, one row after the other, no header.

The catalogue says how many rows count. What lies past that was never committed: readers do not map it and
the next writer cuts it off.
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
    """Write rows (n, d) behind the first `row_count` rows of the file and wait until they are on the disk.

    Raises OSError (disk full); the file is then as long as it was.
    """
    at = row_count * rows.shape[1] * DTYPE.itemsize
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as stream:  # no buffer that a full disk could leave to be written later
        stream.truncate(at)
        try:
            _write_all(stream, memoryview(to_float16(rows).tobytes()))
            os.fsync(stream.fileno())
        except OSError:
            os.ftruncate(stream.fileno(), at)
            raise


def to_float16(rows: Rows) -> npt.NDArray[np.float16]:
    """Rows (n, d) as float16; one that would overflow keeps its direction and gets shorter."""
    longest = np.abs(rows).max(axis=1, keepdims=True, initial=MAX_FLOAT16)
    return np.ascontiguousarray(rows * (MAX_FLOAT16 / longest), DTYPE)


def _write_all(stream: io.FileIO, data: memoryview) -> None:
    while data:
        data = data[stream.write(data) :]


def open_memmap(path: Path, row_count: int, dim: int) -> npt.NDArray[np.float16]:
    """The first `row_count` rows (count, dim), memory-mapped. Raises ValueError if the file is shorter."""
    if row_count == 0:
        return np.empty((0, dim), DTYPE)
    size = path.stat().st_size if path.exists() else 0
    if size < (wanted := row_count * dim * DTYPE.itemsize):
        raise ValueError(f"{path} holds {size} bytes, the catalogue counts on {wanted}")
    return np.memmap(path, DTYPE, "r", shape=(row_count, dim))
