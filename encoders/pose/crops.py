"""Squares of a picture, turned by an angle, and the way back from their coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SquareCrop:
    """A square of a picture.

    centre: (x, y) in px
    side:   in px
    angle:  in radians, clockwise as pictures are seen (y is down)
    """

    centre: tuple[float, float]
    side: float
    angle: float = 0.0

    @property
    def rotation(self) -> Floats:
        """(2, 2) turns rows (n, 2) of the crop's axes to the picture's by `rows @ rotation`."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cosine, sine], [-sine, cosine]])

    def to_picture(self, points: Floats) -> Floats:
        """Points (n, 2) in shares of the crop's side, from its upper left corner, in px of the picture."""
        return np.asarray((points - 0.5) * self.side @ self.rotation + self.centre)

    def cut(self, frame: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.float32]:
        """The square as (side, side, 3) in [0, 255]; black beyond the frame (h, w, 3)."""
        corners = self.to_picture(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])).astype(np.float32)
        targets = np.array([[0, 0], [side, 0], [0, side]], np.float32)
        matrix = cv2.getAffineTransform(corners, targets)
        return cv2.warpAffine(frame, matrix, (side, side)).astype(np.float32)
