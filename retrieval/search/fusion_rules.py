"""The rules by which scores of several spaces become one: a row a rule, chosen by `Query.fusion`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion import LogisticWeights, compute_reciprocal_ranks, compute_terms, fuse_scores, sum_log_odds

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.integer[Any]]
ScoresBySpace = Mapping[str, Scores]

MISSING_DISCOUNT = 0.5  # for a space in which only the query does not abstain, see `fusion.late_fusion`
WEIGHTS_FILE = "fusion_weights.json"
CONTENT_TERM = "content"


@dataclass(frozen=True, kw_only=True)
class FusedScores:
    """One score a segment, and what it is made of.

    total:    (n,) NaN where all spaces abstain
    terms:    (n,) by name, NaN where there is none: they sum to the total
    log_odds: (n,) by name, where the total is the probability whose log-odds are their sum; else empty
    """

    total: Scores
    terms: ScoresBySpace
    log_odds: ScoresBySpace


@dataclass(frozen=True, kw_only=True)
class FusionRule:
    """A way to fuse calibrated scores of spaces.

    prepare:        from one space's scores (n,) of all candidates, and the item of each, to what is fused
    fuse:           the prepared scores of segments of one modality, with the weight of each space
    is_probability: whether the result is the chance of a match, else it only orders
    is_for_words:   whether it knows queries in words only
    help:           for people who choose one
    """

    prepare: Callable[[Scores, Positions], Scores]
    fuse: Callable[[ScoresBySpace, Mapping[str, float]], FusedScores]
    is_probability: bool
    is_for_words: bool
    help: str


def concatenate_fused(parts: Sequence[tuple[Positions, FusedScores]], count: int) -> FusedScores:
    """Scores (count,) of disjoint groups of segments, at their positions; NaN where there are none."""

    def spread(rows: Sequence[tuple[Positions, Scores]]) -> Scores:
        whole = np.full(count, np.nan)
        for members, row in rows:
            whole[members] = row
        return whole

    def spread_names(tables: Sequence[tuple[Positions, ScoresBySpace]]) -> dict[str, Scores]:
        names = sorted(set().union(*(table for _, table in tables)))
        return {name: spread([(at, table[name]) for at, table in tables if name in table]) for name in names}

    return FusedScores(
        total=spread([(members, part.total) for members, part in parts]),
        terms=spread_names([(members, part.terms) for members, part in parts]),
        log_odds=spread_names([(members, part.log_odds) for members, part in parts]),
    )


def fuse_by_weighted_mean(scores: ScoresBySpace, weights: Mapping[str, float]) -> FusedScores:
    """The weighted mean over the spaces that have a score, discounted for those that lack one."""
    return FusedScores(
        total=fuse_scores(scores, weights, MISSING_DISCOUNT),
        terms=compute_terms(scores, weights, MISSING_DISCOUNT),
        log_odds={},
    )


def fuse_by_logistic_regression(
    load_weights: Callable[[], LogisticWeights], scores: ScoresBySpace, weights: Mapping[str, float]
) -> FusedScores:
    """The probability by learned weights of the spaces' log-odds."""
    log_odds = load_weights().compute_log_odds(scores, weights)
    total = sum_log_odds(log_odds)
    return FusedScores(total=total, terms={CONTENT_TERM: total}, log_odds=log_odds)


def make_learned_rule(load_weights: Callable[[], LogisticWeights]) -> FusionRule:
    """A rule by learned weights, which are loaded when it is first used."""
    return FusionRule(
        prepare=keep_scores,
        fuse=partial(fuse_by_logistic_regression, load_weights),
        is_probability=True,
        is_for_words=True,
        help="chances by weights learned on queries in words",
    )


def keep_scores(scores: Scores, items: Positions) -> Scores:
    """The scores as they are."""
    return scores


@cache
def load_packaged_weights() -> LogisticWeights:
    """The learned weights of this package; their card lies beside them."""
    table = json.loads((files("retrieval.search") / WEIGHTS_FILE).read_text())
    return LogisticWeights(**table["weights"])


FUSION_RULES: Mapping[str, FusionRule] = {
    "mean": FusionRule(
        prepare=keep_scores,
        fuse=fuse_by_weighted_mean,
        is_probability=True,
        is_for_words=False,
        help="weighted mean of the spaces' chances",
    ),
    "rrf": FusionRule(
        prepare=compute_reciprocal_ranks,
        fuse=fuse_by_weighted_mean,
        is_probability=False,
        is_for_words=False,
        help="by reciprocal ranks alone, no chances",
    ),
    "learned": make_learned_rule(load_packaged_weights),
}
DEFAULT_FUSION = "mean"
