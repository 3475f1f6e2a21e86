"""The columns of a row of faces, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import Rows

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # in fer's order
FACE_COLUMNS = (*EMOTIONS, "coverage", "people", "confidence")


@dataclass(frozen=True, eq=False)
class FaceRows:
    """Rows (n, 10) of a face encoder, read by name; NaN where no face was found."""

    rows: Rows

    def get(self, column: str) -> npt.NDArray[np.float32]:
        """(n,) of a column of FACE_COLUMNS."""
        return self.rows[:, FACE_COLUMNS.index(column)]

    @property
    def emotions(self) -> Rows:
        """(n, 7) probabilities in the order of EMOTIONS."""
        return self.rows[:, : len(EMOTIONS)]
