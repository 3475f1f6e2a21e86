"""Histogram of uniform local binary patterns (Ojala, Pietikäinen & Mäenpää 2002).

scikit-image's `local_binary_pattern` rounds its interpolation differently: on photographs up to one pixel in
7000 gets another pattern there, so it would change the rows that models were trained on.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

LBP_DIM = 59
LBP_NEIGHBOURS = 8  # neighbours of a pixel, one pixel away
TOLERANCE = 1e-9  # grey levels: in a flat patch every neighbour counts as equal, whatever the rounding

Floats = npt.NDArray[np.float32]
GreyImage = npt.NDArray[np.uint8]


def compute_lbp_histogram(image: GreyImage) -> Floats:
    """(59,) shares of a grey picture's uniform local binary patterns.

    Eight neighbours at radius 1, those on the diagonals interpolated; the 58 patterns with at most two
    changes around the circle in scikit-image's order ("nri_uniform"), then all others. The outermost pixels,
    which lack neighbours, are left out; a picture of less than 3 px a side gives NaN.
    """
    if min(image.shape) < 3:
        return np.full(LBP_DIM, np.nan, np.float32)
    codes = _compute_lbp_codes(image.astype(np.float64))
    return np.asarray(
        np.bincount(_make_lbp_bins()[codes].ravel(), minlength=LBP_DIM) / codes.size, np.float32
    )


def _compute_lbp_codes(image: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """(h - 2, w - 2) eight bits a pixel, from the right and counter-clockwise: neighbour >= pixel."""
    centre = _shift(image, 0, 0)
    codes = np.zeros(centre.shape, np.int64)
    for bit in range(LBP_NEIGHBOURS):
        values = _interpolate_neighbours(image, np.pi * bit / 4)
        codes |= (values >= centre - TOLERANCE).astype(np.int64) << bit
    return codes


def _interpolate_neighbours(image: npt.NDArray[np.float64], angle: float) -> npt.NDArray[np.float64]:
    """(h - 2, w - 2) values at distance 1 from each pixel, at a multiple of 45 degrees counter-clockwise."""
    down, right = round(np.sin(-angle)), round(np.cos(angle))
    if not (down and right):
        return _shift(image, down, right)
    near = np.sqrt(0.5)
    sides = near * (1 - near) * (_shift(image, down, 0) + _shift(image, 0, right))
    return np.asarray(
        near**2 * _shift(image, down, right) + sides + (1 - near) ** 2 * _shift(image, 0, 0), np.float64
    )


def _shift(image: npt.NDArray[np.float64], down: int, right: int) -> npt.NDArray[np.float64]:
    """(h - 2, w - 2) the neighbour of each inner pixel, so many pixels down and to the right."""
    height, width = image.shape
    return image[1 + down : height - 1 + down, 1 + right : width - 1 + right]


@cache
def _make_lbp_bins() -> npt.NDArray[np.int64]:
    """(256,) bin of each code: 0 ones, then by the number of ones and their rotation, 8 ones, the others."""
    bits = (np.arange(256)[:, None] >> np.arange(LBP_NEIGHBOURS)) & 1  # (256, 8)
    ones = bits.sum(axis=1)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    starts = ((bits == 1) & (np.roll(bits, 1, axis=1) == 0)).argmax(axis=1)  # where the run of ones begins
    mixed = 1 + (ones - 1) * LBP_NEIGHBOURS + (LBP_NEIGHBOURS - starts) % LBP_NEIGHBOURS
    uniform = np.where(ones == 0, 0, LBP_NEIGHBOURS * (LBP_NEIGHBOURS - 1) + 1)
    return np.where(
        changes > 2,
        LBP_NEIGHBOURS * (LBP_NEIGHBOURS - 1) + 2,
        np.where(ones % LBP_NEIGHBOURS == 0, uniform, mixed),
    )
