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

from encoders.base import Rows

KIND = np.dtype("<f2")
LARGEST = np.float32(np.finfo(np.float16).max)


def append(file: Path, count: int, rows: Rows) -> None:
    """Write rows (n, d) behind the first `count` rows of the file and wait until they are on the disk.

    Raises OSError (disk full); the file is then as long as it was.
    """
    at = count * rows.shape[1] * KIND.itemsize
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab", buffering=0) as stream:  # no buffer that a full disk could leave to be written later
        stream.truncate(at)
        try:
            _write_all(stream, memoryview(storable(rows).tobytes()))
            os.fsync(stream.fileno())
        except OSError:
            os.ftruncate(stream.fileno(), at)
            raise


def storable(rows: Rows) -> npt.NDArray[np.float16]:
    """Rows (n, d) as float16; one that would overflow keeps its direction and gets shorter."""
    longest = np.abs(rows).max(axis=1, keepdims=True, initial=LARGEST)
    return np.ascontiguousarray(rows * (LARGEST / longest), KIND)


def _write_all(stream: io.FileIO, data: memoryview) -> None:
    while data:
        data = data[stream.write(data) :]


def mapped(file: Path, count: int, dim: int) -> npt.NDArray[np.float16]:
    """The first `count` rows (count, dim), memory-mapped. Raises ValueError if the file is shorter."""
    if count == 0:
        return np.empty((0, dim), KIND)
    size = file.stat().st_size if file.exists() else 0
    if size < (wanted := count * dim * KIND.itemsize):
        raise ValueError(f"{file} holds {size} bytes, the catalogue counts on {wanted}")
    return np.memmap(file, KIND, "r", shape=(count, dim))
