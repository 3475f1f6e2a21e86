"""Reliability of scores that say how likely a match is: the curve, and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BINS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class ReliabilityCurve:
    """By bin of the score: its share of all pairs, their mean score and the share of them that match.

    weights, mean_scores, match_shares: (BINS,); NaN in the latter two where a bin is empty
    """

    weights: Floats
    mean_scores: Floats
    match_shares: Floats

    @property
    def expected_calibration_error(self) -> float:
        """The mean over pairs of |mean score - share of matches| of their bin (Naeini et al. 2015)."""
        return float(np.nansum(self.weights * np.abs(self.mean_scores - self.match_shares)))


def compute_reliability(scores: Floats, is_match: Mask, prior: float) -> ReliabilityCurve:
    """The curve of scores (n,) of pairs, weighted such that a share `prior` of them match.

    A gallery has few matches and a set chosen for its labels many; scores are read against one share.
    Raises ValueError without a match, without another pair, or for scores outside [0, 1].
    """
    if not is_match.any() or is_match.all():
        raise ValueError("reliability needs pairs that match and pairs that don't")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must lie in [0, 1]")
    pair_weights = np.where(is_match, prior / is_match.sum(), (1 - prior) / (~is_match).sum())
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    weights, score_sums, match_sums = (
        np.bincount(bins, pair_weights * values, BINS).astype(np.float64)
        for values in (1.0, scores, is_match)
    )
    with np.errstate(invalid="ignore"):
        return ReliabilityCurve(
            weights=weights, mean_scores=score_sums / weights, match_shares=match_sums / weights
        )
