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
COUNTED_DRAWS = 999  # shuffles that are counted instead where few values are held out
MAX_COUNTED_VALUES = 120  # held-out values up to which shuffles are counted: the tails are not yet normal
MIN_TRIALS, MAX_TRIALS, MAX_VALUES = 100, 300, 40_000_000  # trials, fewer where they need more values


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

    Of large sets a p value is computed from mean and variance of the null distribution, as if it were normal,
    but is never less than the share of one order among all.
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
    """The half split of a set, its readings standardised, and the shuffles of its rows.

    Anchors come first, then the rows held out. Every trial shuffles source and target over both, so that the
    power does not depend on which rows the one split of the study happened to hold out.
    """

    def __init__(self, data: FoldedPairs, families: Sequence[MapFamily], config: StudyConfig) -> None:
        half, exchange = data.half_split, data.pairs.exchange
        self._families, self._draws, self._anchor_count = families, config.draws, len(half.anchor_rows)
        self._groups = data.pairs.groups[np.concatenate([half.anchor_rows, half.held_out_rows])]
        self._source = _standardise(np.concatenate([half.source, half.held_out_source]))
        target = _standardise(np.concatenate([half.target, half.held_out_target]))
        # the test does not see what differs between groups where rows change places within them
        self._keeps_group_means = exchange == "within"
        self._group_means = np.zeros_like(target)
        if self._keeps_group_means:
            self._group_means = _average_groups(target, self._groups)
        self._noise = target - self._group_means
        held_out_groups = self._groups[self._anchor_count :]
        self._is_counted = half.held_out_target.size <= MAX_COUNTED_VALUES
        self._null_draws = COUNTED_DRAWS if self._is_counted else NULL_DRAWS
        values = self._null_draws * half.held_out_target.size
        self._trials = int(np.clip(MAX_VALUES // values, MIN_TRIALS, MAX_TRIALS))
        self._rng = np.random.default_rng((config.seed, 7))
        self._source_orders, self._noise_orders = (
            draw_permutations(
                len(target), self._trials, seed=config.seed + seed, groups=self._groups, exchange=exchange
            )
            for seed in (200, 201)
        )
        self._null_orders = draw_permutations(
            len(held_out_groups), self._null_draws, seed=config.seed + 202, groups=held_out_groups,
            exchange=exchange,
        )  # fmt: skip
        self._least_share = math.exp(-_count_orders(held_out_groups, exchange))

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
        count = self._anchor_count
        source, noise = self._source[self._source_orders[trial]], self._noise[self._noise_orders[trial]]
        signal = self._draw_signal(source)
        r = np.array(CORRELATIONS)[:, None, None]
        target = self._group_means + r * signal + np.sqrt(1 - r**2) * noise
        fitted = fit_families(self._families, source[:count], target[:, :count], source[count:])
        mapped = fitted.reshape(len(CORRELATIONS), len(self._families), -1)
        held_out, mean = target[:, count:], target[:, :count].mean(axis=1, keepdims=True)
        observed = (mapped @ held_out.reshape(len(CORRELATIONS), -1, 1))[..., 0]
        # the parts are shuffled once for all correlations
        parts = (self._group_means[count:], signal[count:], noise[count:])
        crosses = [mapped @ part[self._null_orders].reshape(self._null_draws, -1).T for part in parts]
        null = crosses[0] + r * crosses[1] + np.sqrt(1 - r**2) * crosses[2]
        # squared errors of the map over those of the mean; shuffles repeat rows where groups differ in size
        norms, mean_errors = (held_out**2).sum(axis=2), ((held_out - mean) ** 2).sum(axis=2)
        mapped_norm = (mapped**2).sum(axis=2)
        null_disparities = (
            mapped_norm[..., None] + self._sum_shuffled(norms)[:, None] - 2 * null
        ) / self._sum_shuffled(mean_errors)[:, None]
        disparities = (mapped_norm + norms.sum(axis=1)[:, None] - 2 * observed) / mean_errors.sum(axis=1)[
            :, None
        ]
        if self._is_counted:
            return np.asarray((null_disparities <= disparities[..., None] + 1e-9).mean(axis=2))
        scale = np.maximum(null_disparities.std(axis=2), 1e-12)
        return np.asarray(norm.cdf((disparities - null_disparities.mean(axis=2)) / scale))

    def _sum_shuffled(self, values: Floats) -> Floats:
        """(correlations, shuffles) sums over the rows each shuffle takes, of values (correlations, m)."""
        return np.asarray(values[:, self._null_orders].sum(axis=2))

    def _draw_signal(self, source: Floats) -> Floats:
        """(n, q) a random direction of the source for each column of the target, as large as the noise."""
        source_width, target_width = source.shape[1], self._noise.shape[1]
        directions = self._rng.normal(size=(source_width, target_width))
        if source_width >= target_width:
            signs = self._rng.choice([-1.0, 1.0], size=target_width)  # else all would be reflections
            directions = np.linalg.qr(directions)[0] * signs
        signal = source @ directions
        if self._keeps_group_means:
            signal = signal - _average_groups(signal, self._groups)
        return _standardise(signal) * self._noise.std(axis=0)


def _interpolate(rising: Floats) -> float:
    """The correlation at which a rising power reaches SUFFICIENT_POWER, by linear interpolation."""
    position = int(np.argmax(rising >= SUFFICIENT_POWER))
    if position == 0:
        return CORRELATIONS[0]
    low, high = rising[position - 1], rising[position]
    share = (SUFFICIENT_POWER - low) / (high - low)
    return float(CORRELATIONS[position - 1] + share * (CORRELATIONS[position] - CORRELATIONS[position - 1]))


def _standardise(rows: Floats) -> Floats:
    return np.asarray((rows - rows.mean(axis=0)) / compute_scale(rows))


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
