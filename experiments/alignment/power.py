"""The power of a set's permutation test: how often it would find a relation of a stated strength.

A relation is planted into the set's own readings: the targets are shuffled as the study shuffles them, so
that no relation is left but groups and distributions stay, and a random direction of the source is added to
each column. The test is the study's own: maps fitted on one half of the groups, the pairs of the other half
shuffled, Holm's correction over all maps of the set.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binom, norm

from experiments.alignment.bootstrap import CONFIDENCE_LEVEL
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.map_fits import MapFamily, fit_families, select_families
from experiments.alignment.pairs import Floats, Ints, Strings
from experiments.alignment.study_config import StudyConfig
from retrieval.evaluation.permutation_tests import draw_permutations
from spaces import compute_scale

SMALL, MEDIUM, LARGE = 0.1, 0.3, 0.5  # correlations, in the words of Cohen (1988)
CORRELATIONS = (SMALL, 0.2, MEDIUM, 0.4, LARGE, 0.6, 0.7, 0.8, 0.9)
SUFFICIENT_POWER = 0.8  # Cohen's convention
NULL_DRAWS = 199  # shuffles from which mean and variance of the null distribution are taken
MIN_TRIALS, MAX_TRIALS, MAX_VALUES = 100, 400, 40_000_000  # trials, fewer where they need more values


@dataclass(frozen=True, kw_only=True)
class PowerEstimate:
    """Probability that the test finds a relation of each correlation, in every column of the target.

    detectable: the least correlation that is found with SUFFICIENT_POWER; None where none up to .9 is
    """

    pair_count: int
    group_count: int
    map_count: int
    by_correlation: Mapping[float, float]
    detectable: float | None

    @property
    def is_sufficient(self) -> bool:
        """Whether a medium relation would be found with SUFFICIENT_POWER."""
        return self.by_correlation[MEDIUM] >= SUFFICIENT_POWER

    def to_json(self) -> dict[str, Any]:
        """As written to results.json and into the cache."""
        return {
            "pairs": self.pair_count, "groups": self.group_count, "maps": self.map_count,
            "power": [{"r": r, "power": power} for r, power in self.by_correlation.items()],
            "least r at power .8": self.detectable,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PowerEstimate:
        """What `to_json` wrote. Raises KeyError, TypeError."""
        return cls(
            pair_count=stored["pairs"], group_count=stored["groups"], map_count=stored["maps"],
            by_correlation={entry["r"]: entry["power"] for entry in stored["power"]},
            detectable=stored["least r at power .8"],
        )  # fmt: skip


def estimate_power(data: FoldedPairs, map_names: Collection[str], config: StudyConfig) -> PowerEstimate:
    """The power of the test of these maps on a set, by simulation.

    A p value is computed from mean and variance of the null distribution, as if it were normal, but is never
    less than the share of one order among all.
    """
    simulation = _Simulation(data, select_families(map_names), config)
    map_count = len(map_names)
    rates = simulation.compute_rejection_rates(map_count)
    rising = np.maximum.accumulate(rates)
    return PowerEstimate(
        pair_count=len(data.pair_rows),
        group_count=len(np.unique(data.groups)),
        map_count=map_count,
        by_correlation=dict(zip(CORRELATIONS, map(float, rates), strict=True)),
        detectable=_interpolate(rising) if rising[-1] >= SUFFICIENT_POWER else None,
    )


class _Simulation:
    """The half split of a set, its readings standardised, and the shuffles of its rows."""

    def __init__(self, data: FoldedPairs, families: Sequence[MapFamily], config: StudyConfig) -> None:
        half, exchange = data.half_split, data.pairs.exchange
        self._families, self._draws = families, config.draws
        self._source = _standardise(half.source, half.held_out_source)
        target = _standardise(half.target, half.held_out_target)
        self._groups = [data.pairs.groups[rows] for rows in (half.anchor_rows, half.held_out_rows)]
        self._keeps_group_means = exchange == "within"  # the test does not see what differs between groups
        self._group_means = [
            _average_groups(rows, groups) if self._keeps_group_means else np.zeros_like(rows)
            for rows, groups in zip(target, self._groups, strict=True)
        ]
        self._noise = [rows - means for rows, means in zip(target, self._group_means, strict=True)]
        self._noise_scale = np.concatenate(self._noise).std(axis=0)
        held_out = half.held_out_target
        self._trials = int(np.clip(MAX_VALUES // (NULL_DRAWS * held_out.size), MIN_TRIALS, MAX_TRIALS))
        self._rng = np.random.default_rng((config.seed, 7))
        self._shuffles = [
            draw_permutations(
                len(groups), self._trials, seed=config.seed + 200 + side, groups=groups, exchange=exchange
            )
            for side, groups in enumerate(self._groups)
        ]
        self._null_orders = draw_permutations(
            len(held_out), NULL_DRAWS, seed=config.seed + 210, groups=self._groups[1], exchange=exchange
        )
        self._least_share = math.exp(-_count_orders(self._groups[1], exchange))

    def compute_rejection_rates(self, map_count: int) -> Floats:
        """(correlations,) share of the trials in which some p is below the level after Holm's correction."""
        # so many shuffles may be as good as the pairs: (count + 1) * maps < level * (draws + 1)
        level = 1 - CONFIDENCE_LEVEL
        most = math.ceil(level * (self._draws + 1) / map_count - 1e-9) - 2
        if most < 0:
            return np.zeros(len(CORRELATIONS))
        rates = [
            binom.cdf(most, self._draws, np.maximum(self._compute_shares(trial), self._least_share)).max(
                axis=1
            )
            for trial in range(self._trials)
        ]
        return np.asarray(np.mean(rates, axis=0))

    def _compute_shares(self, trial: int) -> Floats:
        """(correlations, families) share of all shuffles that are as good as the pairs, in one trial."""
        signal, noise = (
            self._draw_signal(),
            [rows[shuffles[trial]] for rows, shuffles in zip(self._noise, self._shuffles, strict=True)],
        )
        r = np.array(CORRELATIONS)[:, None, None]
        anchors, held_out = (
            means + r * side_signal + np.sqrt(1 - r**2) * side_noise
            for means, side_signal, side_noise in zip(self._group_means, signal, noise, strict=True)
        )
        fitted = fit_families(self._families, self._source[0], anchors, self._source[1])
        mapped = fitted.reshape(len(CORRELATIONS), len(self._families), -1)
        observed = (mapped @ held_out.reshape(len(CORRELATIONS), -1, 1))[..., 0]
        # the two parts are shuffled once for all correlations
        parts = (self._group_means[1], signal[1], noise[1])
        crosses = [mapped @ part[self._null_orders].reshape(NULL_DRAWS, -1).T for part in parts]
        null = crosses[0] + r * crosses[1] + np.sqrt(1 - r**2) * crosses[2]
        # squared distance up to what no shuffle changes; shuffles may repeat rows where groups differ in size
        norms = (held_out**2).sum(axis=2)
        null_errors = norms[:, self._null_orders].sum(axis=2)[:, None] - 2 * null
        observed_errors = norms.sum(axis=1)[:, None] - 2 * observed
        scale = np.maximum(null_errors.std(axis=2), 1e-12)
        return np.asarray(norm.cdf((observed_errors - null_errors.mean(axis=2)) / scale))

    def _draw_signal(self) -> list[Floats]:
        """A random direction of the source for each column of the target, on the scale of the noise."""
        source_width, target_width = self._source[0].shape[1], self._noise[0].shape[1]
        directions = self._rng.normal(size=(source_width, target_width))
        if source_width >= target_width:
            directions = np.linalg.qr(directions)[0]
        signal = [rows @ directions for rows in self._source]
        if self._keeps_group_means:
            signal = [
                rows - _average_groups(rows, groups)
                for rows, groups in zip(signal, self._groups, strict=True)
            ]
        both = np.concatenate(signal)
        mean, scale = both.mean(axis=0), compute_scale(both) / self._noise_scale
        return [(rows - mean) / np.where(scale > 0, scale, 1) for rows in signal]


def _interpolate(rising: Floats) -> float:
    """The correlation at which a rising power reaches SUFFICIENT_POWER, by linear interpolation."""
    position = int(np.argmax(rising >= SUFFICIENT_POWER))
    if position == 0:
        return CORRELATIONS[0]
    low, high = rising[position - 1], rising[position]
    share = (SUFFICIENT_POWER - low) / (high - low)
    return float(CORRELATIONS[position - 1] + share * (CORRELATIONS[position] - CORRELATIONS[position - 1]))


def _standardise(anchors: Floats, held_out: Floats) -> list[Floats]:
    both = np.concatenate([anchors, held_out])
    mean, scale = both.mean(axis=0), compute_scale(both)
    return [(anchors - mean) / scale, (held_out - mean) / scale]


def _average_groups(rows: Floats, groups: Strings) -> Floats:
    """(n, d) the mean of each row's group."""
    _, number = np.unique(groups, return_inverse=True)
    sums = np.zeros((number.max() + 1, rows.shape[1]))
    np.add.at(sums, number, rows)
    return np.asarray((sums / np.bincount(number)[:, None])[number])


def _count_orders(groups: Strings, exchange: str) -> float:
    """The logarithm of the number of orders that a rule of exchange allows."""
    sizes: Ints = np.unique(groups, return_counts=True)[1]
    if exchange == "within":
        return float(sum(math.lgamma(size + 1) for size in sizes))
    return math.lgamma((len(sizes) if exchange == "groups" else len(groups)) + 1)
