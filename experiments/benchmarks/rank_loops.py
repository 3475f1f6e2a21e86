"""Ranks by one sort a query in a loop, the usual way, which the evaluator is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from retrieval.evaluation import RankCounts

Ints = npt.NDArray[np.int64]
SortKind = Literal["quicksort", "stable"]


def draw_queries(candidate_count: int, query_count: int, rounds: int, seed: int) -> list[Ints]:
    """For every round `query_count` indices, or all if there are fewer."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(candidate_count)[:query_count] for _ in range(rounds)]


def rank_by_text(
    similarities: Rows,
    caption_videos: Ints,
    queries_by_round: Sequence[Ints],
    sort_kind: SortKind,
    round_number: int,
) -> list[int]:
    """0-based ranks of the videos of a round's captions, one sort a caption."""
    ranks = []
    for query in queries_by_round[round_number]:
        order = np.argsort(-similarities[query], kind=sort_kind)
        ranks.append(int(np.flatnonzero(order == caption_videos[query])[0]))
    return ranks


def rank_by_video(
    similarities_by_round: Sequence[Rows],
    caption_videos: Ints,
    videos_by_round: Sequence[Ints],
    sort_kind: SortKind,
    round_number: int,
) -> list[int]:
    """0-based ranks of the first caption of a round's videos, one sort a row (captions,) of similarities."""
    ranks = []
    for row, video in zip(similarities_by_round[round_number], videos_by_round[round_number], strict=True):
        order = np.argsort(-row, kind=sort_kind)
        ranks.append(int(np.argmax(caption_videos[order] == video)))
    return ranks


def check_ranks_agree(loop_ranks: list[int], rank_counts: RankCounts) -> None:
    """Raises AffectError for a rank outside the range of its ties."""
    low, high = rank_counts.compute_ranks("optimistic"), rank_counts.compute_ranks("pessimistic")
    if not ((low <= loop_ranks) & (loop_ranks <= high)).all():
        raise AffectError("the loop and the evaluator don't agree; retrieval.evaluation is wrong")
