"""Learned weights of fusion: a logistic regression on the spaces' log-odds, fitted to words with answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from experiments.benchmarks.word_scores import WordScores
from experiments.word_folds import make_word_folds
from fusion import LogisticWeights, to_log_odds
from retrieval.features import SPACES
from retrieval.search import MATCH_PRIOR

Floats = npt.NDArray[np.float64]
PRIOR_PRECISION = 1.0
"""Of normal priors of the slopes about 1, which is what the spaces' calibrations say."""


def fit_fusion_weights(words: Sequence[WordScores], spaces: Sequence[str] = SPACES) -> LogisticWeights:
    """The weights of largest posterior for the pairs of `words` with items, slopes not below 0.

    Every matching pair counts once, and those that do not match are weighted, word by word, such that a
    share MATCH_PRIOR matches: what scores are read against. Slopes have normal priors about 1 with
    PRIOR_PRECISION; the intercept has none.

    Raises ValueError without a matching pair.
    """
    parts = [_make_design(one, spaces) for one in words if one.is_match.any()]
    if not parts:
        raise ValueError("no word has a right answer; there is nothing to learn weights from")
    design, target, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    count = len(spaces)
    expected = np.array([0.0] + [1.0] * count)
    precision = PRIOR_PRECISION * expected

    def compute_loss(parameters: Floats) -> tuple[float, Floats]:
        logits = design @ parameters
        residual = parameters - expected
        loss = weight @ (np.logaddexp(0, logits) - target * logits) + precision @ residual**2 / 2
        probability = np.exp(-np.logaddexp(0, -logits))
        return float(loss), design.T @ (weight * (probability - target)) + precision * residual

    bounds = [(None, None), *[(0, None)] * count]
    found = minimize(compute_loss, expected, jac=True, bounds=bounds, method="L-BFGS-B")
    return LogisticWeights(
        intercept=float(found.x[0]),
        slopes={space: float(slope) for space, slope in zip(spaces, found.x[1:], strict=True)},
    )


def fit_by_word_folds(
    words: Sequence[WordScores], seed: int
) -> Iterator[tuple[npt.NDArray[np.int64], LogisticWeights]]:
    """For each fold of words, their positions (n,), and the weights fitted to the words of all other folds.

    Raises ValueError as `make_word_folds` and `fit_fusion_weights`.
    """
    for fold in make_word_folds([one.word for one in words], seed):
        held_out = set(fold.tolist())
        yield fold, fit_fusion_weights([one for at, one in enumerate(words) if at not in held_out])


def _make_design(one: WordScores, spaces: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Rows (n, 1 + s), targets and weights of the pairs that any space with a weight has a score of.

    The columns: 1, and the spaces' log-odds times the relative weight, 0 where one abstains.
    """
    largest = max(one.weights.values())
    relative = {space: one.weights.get(space, 0.0) / largest for space in spaces}
    rows = {space: to_log_odds(one.spaces[space]) * relative[space] for space in spaces}
    unused = np.full(len(one.total), np.nan)
    log_odds = np.stack([row if relative[space] else unused for space, row in rows.items()], axis=1)
    used = ~np.isnan(log_odds).all(axis=1)
    design = np.concatenate([np.ones((used.sum(), 1)), np.nan_to_num(log_odds[used])], axis=1)
    target = one.is_match[used].astype(float)
    matches, others = target.sum(), (1 - target).sum()
    other_weight = matches * (1 - MATCH_PRIOR) / MATCH_PRIOR / max(others, 1)
    return design, target, np.where(target > 0, 1.0, other_weight)
