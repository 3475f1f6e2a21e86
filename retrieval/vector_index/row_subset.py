"""Some of the rows of a large array, as an array whose rows are read when they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatRows = npt.NDArray[np.float16 | np.float32]
Positions = npt.NDArray[np.int64]


class RowSubset:
    """Rows (n, d) at `indices` (n,) of a larger array, which may be memory-mapped.

    It is indexed by positions (m,) or a slice, and takes no memory of its own.
    """

    def __init__(self, rows: FloatRows, indices: Positions) -> None:
        self._rows, self._indices = rows, indices

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._indices)

    def __getitem__(self, positions: Any) -> FloatRows:
        """The rows at positions (m,) or in a slice, as a copy."""
        return self._rows[self._indices[positions]]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All rows, as a copy."""
        return np.asarray(self._rows[self._indices], dtype)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return len(self._indices), int(self._rows.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the rows."""
        return self._rows.dtype

    @property
    def ndim(self) -> int:
        """2: it stands for a matrix."""
        return 2
