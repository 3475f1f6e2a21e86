"""The scale by which columns are standardised, guarded against columns that do not vary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROUNDING_SD = 1e-12  # relative SD of a constant column in float64, from rounding
MIN_RELATIVE_SD = 1e-6  # relative SD of a constant column in float32 features


def compute_scale(rows: Floats, *, min_relative_sd: float = ROUNDING_SD, added_sd: float = 0.0) -> Floats:
    """(d,) standard deviations of rows (n, d), none of them 0.

    min_relative_sd: a column whose SD is at most this, times the larger of 1 and |mean|, counts as constant
                     and has scale 1
    added_sd:        where above 0, added to every SD in place of that rule
    """
    sds = rows.std(axis=0)
    if added_sd:
        return np.asarray(sds + added_sd)
    return np.where(sds > min_relative_sd * np.maximum(1, np.abs(rows.mean(axis=0))), sds, 1.0)


def compute_mean_and_scale(
    rows: Floats, *, min_relative_sd: float = ROUNDING_SD, added_sd: float = 0.0
) -> tuple[Floats, Floats]:
    """Mean (d,) and `compute_scale` (d,) of rows (n, d)."""
    scale = compute_scale(rows, min_relative_sd=min_relative_sd, added_sd=added_sd)
    return np.asarray(rows.mean(axis=0)), scale
