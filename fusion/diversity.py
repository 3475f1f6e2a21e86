"""Maximal marginal relevance: results that are relevant and unlike those before them.

Carbonell & Goldstein 1998, "The use of MMR, diversity-based reranking for reordering documents and producing
summaries".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


def select_diverse(
    relevance: Scores, compute_similarities: Callable[[int], Scores], count: int, tradeoff: float
) -> Positions:
    """(<= count,) positions of results, each the one of largest marginal relevance after those before it.

    The marginal relevance is tradeoff * relevance - (1 - tradeoff) * the largest similarity to a result that
    is chosen already, 0 before the first. Of equals the first position is chosen.

    relevance: (n,) best first by custom; any order is allowed
    compute_similarities: of a position to all (n,); what is NaN, or below 0, makes nothing redundant
    tradeoff:  the paper's lambda in [0, 1]: 1 is by relevance alone, 0 by dissimilarity alone

    Raises ValueError for a tradeoff outside [0, 1], a count below 0, or relevance that is not finite.
    """
    if not 0 <= tradeoff <= 1 or count < 0:
        raise ValueError(f"the tradeoff lies in [0, 1] and the count is >= 0, not {tradeoff} and {count}")
    values = np.asarray(relevance, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a relevance is missing or infinite; drop what has none before diversifying")
    redundancy, is_open = np.zeros(len(values)), np.ones(len(values), np.bool_)
    chosen: list[int] = []
    while len(chosen) < min(count, len(values)):
        marginal = tradeoff * values - (1 - tradeoff) * redundancy
        best = int(np.where(is_open, marginal, -np.inf).argmax())
        chosen.append(best)
        is_open[best] = False
        redundancy = np.fmax(redundancy, compute_similarities(best))
    return np.array(chosen, np.int64)
