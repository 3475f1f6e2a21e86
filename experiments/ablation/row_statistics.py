"""A row's figures over seeds and queries, and how it differs from another row over the same queries.

Seeds are averaged within each draw of the bootstrap, which draws whole items: an item's captions and the
item itself as a query come along together. All rows share one set of draws, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import Direction, Evaluation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DEPTHS = (1, 5, 10)
SIDES = ("T2V", "V2T")
RECALLS = tuple(f"{side} R@{k}" for side in SIDES for k in DEPTHS)
MEASURES = (*RECALLS[:3], "T2V MdR", "T2V MnR", *RECALLS[3:], "V2T MdR", "V2T MnR", "rsum")
DRAWS = 2000
LEVEL = 0.95
SURE = 0.05  # p below which two rows are said to differ, after Holm
CHUNK = 1 << 22  # numbers in one step of the medians' bootstrap


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A measure: its mean over seeds, their standard deviation (None below two), and a 95 % interval."""

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Gap:
    """rsum less that of the row `against`: 95 % interval, p of a permutation test, and p after Holm."""

    against: str
    value: float
    low: float
    high: float
    p: float
    holm: float = 1.0

    @property
    def words(self) -> str:
        """Whether it differs."""
        if self.holm >= SURE:
            return f"no difference shown from {self.against}"
        return f"{'better' if self.value > 0 else 'worse'} than {self.against}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """One direction of a row: 0-based ranks (seeds, q), and the item each query belongs to (q,) from 0."""

    ranks: Floats
    item: Ints
    items: int

    @classmethod
    def of(cls, sides: Sequence[Direction]) -> Asked:
        """Of the same direction under several seeds."""
        groups = np.unique(np.asarray(sides[0].groups), return_inverse=True)[1]
        ranks = np.stack([side.ranks for side in sides])
        return cls(ranks=ranks, item=groups, items=int(groups.max()) + 1)

    @cached_property
    def queries(self) -> Floats:
        """(items,) how many queries each item has."""
        return np.bincount(self.item, minlength=self.items).astype(np.float64)

    def summed(self, values: Floats) -> Floats:
        """(seeds, items) of values (seeds, q)."""
        return np.stack([np.bincount(self.item, row, self.items) for row in values])


@dataclass(frozen=True, kw_only=True, eq=False)
class Standings:
    """Both directions of a row under all seeds."""

    sides: Mapping[str, Asked]

    @classmethod
    def of(cls, seeds: Sequence[Evaluation]) -> Standings:
        """Of one evaluation a seed."""
        return cls(sides={"T2V": Asked.of([e.t2v for e in seeds]), "V2T": Asked.of([e.v2t for e in seeds])})

    @cached_property
    def shares(self) -> dict[str, Floats]:
        """By measure that is a mean over queries: (seeds, items) sums, in percent for recalls."""
        found: dict[str, Floats] = {}
        for side, asked in self.sides.items():
            for k in DEPTHS:
                found[f"{side} R@{k}"] = asked.summed(np.where(asked.ranks < k, 100.0, 0.0))
            found[f"{side} MnR"] = asked.summed(asked.ranks + 1)
        return found

    def figures(self, evaluations: Sequence[Evaluation], weights: Floats) -> dict[str, Figure]:
        """Every measure; `weights` (draws, items) says how often each draw took each item."""
        told = [evaluation.measures() for evaluation in evaluations]
        drawn = self._drawn(weights)
        found = {}
        for name in MEASURES:
            values = np.array([one[name] for one in told])
            low, high = np.quantile(drawn[name], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            sd = float(values.std(ddof=1)) if len(values) > 1 else None
            found[name] = Figure(mean=float(values.mean()), sd=sd, low=float(low), high=float(high))
        return found

    def gap(self, other: Standings, against: str, weights: Floats, signs: Floats) -> Gap:
        """The difference in rsum; `signs` (draws, items) of 1 and -1 swap whole items of the two rows."""
        mine, theirs = self._rsum_parts(), other._rsum_parts()
        value = float((mine - theirs).sum())
        drawn = self._rsum_drawn(weights) - other._rsum_drawn(weights)
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        swapped = np.abs(signs @ (mine - theirs))
        beyond = int((swapped >= abs(value) - 1e-9 * max(1, abs(value))).sum())
        p = (beyond + 1) / (len(signs) + 1)
        return Gap(against=against, value=value, low=float(low), high=float(high), p=p)

    def _rsum_parts(self) -> Floats:
        """(items,) what each adds to rsum, seeds averaged."""
        parts = [self.shares[name].mean(0) / self.sides[name[:3]].queries.sum() for name in RECALLS]
        return np.asarray(np.sum(parts, axis=0))

    def _rsum_drawn(self, weights: Floats) -> Floats:
        return np.asarray(np.sum([self._mean_drawn(name, weights) for name in RECALLS], axis=0))

    def _mean_drawn(self, name: str, weights: Floats) -> Floats:
        """(draws,) a measure that is a mean over queries, seeds averaged."""
        return np.asarray(weights @ self.shares[name].mean(0) / (weights @ self.sides[name[:3]].queries))

    def _drawn(self, weights: Floats) -> dict[str, Floats]:
        found = {name: self._mean_drawn(name, weights) for name in self.shares}
        found["rsum"] = self._rsum_drawn(weights)
        for side, asked in self.sides.items():
            medians = [medians_drawn(ranks, asked.item, weights) for ranks in asked.ranks]
            found[f"{side} MdR"] = np.mean(medians, axis=0)
        return found


def medians_drawn(ranks: Floats, item: Ints, weights: Floats) -> Floats:
    """(draws,) floor(median) + 1 of ranks (q,) with each query taken as often as its item was."""
    order = np.argsort(ranks)
    ordered, owner = ranks[order], item[order]
    found = []
    step = max(1, CHUNK // len(ranks))
    for start in range(0, len(weights), step):
        upto = np.cumsum(weights[start : start + step][:, owner], axis=1)  # (step, q)
        count = upto[:, -1:]
        lower = (upto > (count - 1) // 2).argmax(1)
        upper = (upto > count // 2).argmax(1)
        found.append(np.floor((ordered[lower] + ordered[upper]) / 2) + 1)
    return np.concatenate(found)


def draws(items: int, seed: int, count: int = DRAWS) -> tuple[Floats, Floats]:
    """(count, items) how often a bootstrap draw takes each item, and the signs of a permutation test."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(items, np.full(items, 1 / items), size=count).astype(np.float64)
    return weights, rng.choice((-1.0, 1.0), size=(count, items))


def holm(ps: Sequence[float]) -> list[float]:
    """p values after Holm's step-down correction (1979), in the order given."""
    adjusted, largest = [0.0] * len(ps), 0.0
    for done, index in enumerate(np.argsort(ps, kind="stable")):
        largest = max(largest, min(1.0, (len(ps) - done) * ps[index]))
        adjusted[index] = largest
    return adjusted
