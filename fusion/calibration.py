"""Calibration of scores: from cosines of one space and modality to probabilities of a match.

A cosine of .3 is a good match in one space and noise in another. A score is first standardised by the cosines
of non-matching pairs (z), then converted to the probability of a match.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from fusion.platt_scaling import fit_logistic, sigmoid

Scores = npt.NDArray[np.float64]

DEFAULT_MIDPOINT_Z = 3.0  # exceeded by 1 of 740 background pairs if they are normal
DEFAULT_SLOPE = 1.5  # one z from the midpoint is a probability of .18 or .82


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The map from cosines of one space and modality to probabilities of a match.

    mean, sd: of the cosines of background pairs
    slope:    of the sigmoid, per z
    midpoint: of the sigmoid, in z

    Raises ValueError unless all are finite, sd and slope > 0.
    """

    mean: float
    sd: float
    slope: float = DEFAULT_SLOPE
    midpoint: float = DEFAULT_MIDPOINT_Z

    def __post_init__(self) -> None:
        finite = all(map(math.isfinite, (self.mean, self.sd, self.slope, self.midpoint)))
        if not finite or self.sd <= 0 or self.slope <= 0:
            raise ValueError(f"a calibration needs finite numbers, sd > 0 and slope > 0: {self}")

    def to_z_scores(self, scores: npt.ArrayLike) -> Scores:
        """Standard deviations above the background mean, any shape; NaN stays NaN."""
        return (np.asarray(scores, np.float64) - self.mean) / self.sd

    def to_probabilities(self, scores: npt.ArrayLike) -> Scores:
        """Probability of a match in [0, 1], rising with the score, any shape; NaN stays NaN."""
        return sigmoid(self.slope * (self.to_z_scores(scores) - self.midpoint))

    def to_dict(self) -> dict[str, float]:
        """Plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, parameters: Mapping[str, float]) -> Calibration:
        """The inverse of `to_dict`. Raises TypeError for a name that is too many or too few."""
        return cls(**parameters)


def fit_calibration(
    background: npt.ArrayLike, matching: npt.ArrayLike | None = None, match_prior: float = 0.5
) -> Calibration:
    """Fit a calibration to cosines of non-matching pairs and, optionally, of matching ones.

    With `matching`, slope and midpoint come from a logistic regression on z with both groups weighted
    equally and a weak prior of the slope (`fit_logistic`); the midpoint is then moved to where a match has
    probability 1/2 if a share `match_prior` of all pairs match. Few matches are told less than they deserve:
    3 that lie 6 SDs off some .94 at a prior of .1, 20 some .99. Without `matching`, slope and midpoint are
    the defaults, which serve for ranking and weighting but are not frequencies. NaN are left out.

    Raises ValueError with fewer than two background scores, if those are all equal, or if the matching pairs
    score no higher than the background.
    """
    background_scores = drop_nan(background)
    if len(background_scores) < 2 or background_scores.std() == 0:
        raise ValueError("a calibration needs two background scores or more that are not all equal")
    default = Calibration(mean=float(background_scores.mean()), sd=float(background_scores.std()))
    if matching is None:
        return default
    if not 0 < match_prior < 1:
        raise ValueError(f"a prior is a share between 0 and 1, not {match_prior}")
    matching_z = default.to_z_scores(drop_nan(matching))
    if len(matching_z) == 0 or matching_z.mean() <= 0:
        raise ValueError("matching pairs score no higher than the background; this space can't tell them")
    slope, midpoint = fit_logistic(default.to_z_scores(background_scores), matching_z)
    prior_shift = math.log((1 - match_prior) / match_prior) / slope
    return Calibration(mean=default.mean, sd=default.sd, slope=slope, midpoint=midpoint + prior_shift)


def drop_nan(scores: npt.ArrayLike) -> Scores:
    """The scores that are not NaN, (n,) float64."""
    flat = np.ravel(np.asarray(scores, np.float64))
    return flat[~np.isnan(flat)]
