"""Both directions of a text-video benchmark under a named protocol, which the result carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.captions import (
    Mask,
    count_ranks_among_captions,
    count_ranks_among_items,
    make_caption_ids,
    map_captions_to_videos,
)
from retrieval.evaluation.composite_intervals import compute_sum_interval
from retrieval.evaluation.direction_result import DirectionResult
from retrieval.evaluation.rank_counts import RankCounts, count_ranks
from retrieval.evaluation.rules import (
    DEFAULT_PROTOCOL,
    METRICS,
    RECALL_DEPTHS,
    RECALLS,
    EvaluationProtocol,
)
from retrieval.evaluation.similarity_blocks import Block, Similarity, as_similarity


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """The results of text to video and of video to text."""

    t2v: DirectionResult
    v2t: DirectionResult

    @property
    def rsum(self) -> float:
        """Sum of the six recalls in percent, by which JEMC and VSE++ select their model."""
        return sum(side.compute_metric(name) for side in (self.t2v, self.v2t) for name in RECALLS)

    def compute_rsum_interval(self) -> tuple[float, float]:
        """95 % interval of rsum by `compute_sum_interval`, an item's queries of both directions together."""
        sides = (self.t2v, self.v2t)
        hits = [side.compute_hits(k) for side in sides for k in RECALL_DEPTHS]
        groups = [
            np.asarray(side.groups)[side.rank_counts.list_query_indices(side.protocol.ties)]
            for side in sides
            for _ in RECALL_DEPTHS
        ]
        low, high = compute_sum_interval(hits, groups)
        return 100 * low, 100 * high

    def compute_metrics(self) -> dict[str, float]:
        """All metrics by name: "T2V R@1", ..., "rsum"."""
        metrics = {
            f"{side.name} {name}": side.compute_metric(name)
            for side in (self.t2v, self.v2t)
            for name in METRICS
        }
        return {**metrics, "rsum": self.rsum}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"t2v": self.t2v.to_dict(), "v2t": self.v2t.to_dict(), "rsum": self.rsum}

    def __str__(self) -> str:
        return f"{self.t2v}\n{self.v2t}\nrsum {self.rsum:.1f}"


def evaluate(
    similarity: Block | Similarity,
    caption_video_ids: Sequence[str],
    video_ids: Sequence[str],
    *,
    caption_ids: Sequence[str] | None = None,
    mask: Mask | None = None,
    protocol: EvaluationProtocol = DEFAULT_PROTOCOL,
) -> Evaluation:
    """Evaluate both directions of similarities (c, v): one row per caption, one column per video.

    caption_video_ids: (c,) the id of each caption's video, its target
    video_ids:         (v,) the id of each column
    caption_ids:       (c,) ids of the captions, by default "video#0", "video#1", ...
    mask:              (c,) bool, captions used as queries and gallery; a video without any is no query

    Raises ValueError for ids that are not unique or unknown, lengths that don't fit, or no captions.
    """
    table = as_similarity(similarity)
    owner = map_captions_to_videos(table.shape, caption_video_ids, video_ids)
    used = _validate_caption_mask(mask, owner)
    names = _validate_caption_ids(caption_ids, caption_video_ids)
    video_counts, videos = count_video_ranks(table, owner, used, protocol)
    query_videos = tuple(video_ids[number] for number in videos)
    return Evaluation(
        t2v=DirectionResult(
            name="T2V",
            query_ids=tuple(compress(names, used)),
            groups=tuple(compress(caption_video_ids, used)),
            rank_counts=count_ranks(table, owner).select_queries(used),
            protocol=protocol,
        ),
        v2t=DirectionResult(
            name="V2T",
            query_ids=query_videos,
            groups=query_videos,
            rank_counts=video_counts,
            protocol=protocol,
        ),
    )


def _validate_caption_ids(
    caption_ids: Sequence[str] | None, caption_video_ids: Sequence[str]
) -> tuple[str, ...]:
    names = tuple(caption_ids) if caption_ids is not None else make_caption_ids(caption_video_ids)
    count = len(caption_video_ids)
    if len(set(names)) != count:
        raise ValueError(f"{count} captions need as many different ids, not {len(set(names))}")
    return names


def _validate_caption_mask(mask: Mask | None, owner: npt.NDArray[np.int64]) -> Mask:
    used = np.ones(len(owner), bool) if mask is None else np.asarray(mask)
    if used.shape != owner.shape or used.dtype != np.bool_ or not used.any():
        raise ValueError(
            f"the mask must be bool {owner.shape} with captions left, not {used.dtype}{used.shape}"
        )
    return used


def count_video_ranks(
    similarity: Similarity, video_by_caption: npt.NDArray[np.int64], mask: Mask, protocol: EvaluationProtocol
) -> tuple[RankCounts, npt.NDArray[np.int64]]:
    """Rank counts of each video with captions, and the numbers of those videos; see `evaluate`."""
    if protocol.gallery == "captions":
        siblings_tie = protocol.siblings == "tie"
        counts = count_ranks_among_captions(
            similarity.transpose(), video_by_caption, mask, siblings_tie=siblings_tie
        )
    else:
        counts = count_ranks_among_items(similarity.transpose(), video_by_caption, mask)
    queries = np.unique(video_by_caption[mask])
    return counts.select_queries(queries), queries


def summarise_runs(evaluations: Sequence[Evaluation]) -> Mapping[str, tuple[float, float]]:
    """Mean and standard deviation (n - 1) of every metric over three or more runs, else ValueError."""
    if len(evaluations) < 3:
        raise ValueError(f"a spread needs three runs or more, not {len(evaluations)}")
    runs = [evaluation.compute_metrics() for evaluation in evaluations]
    values = {name: [run[name] for run in runs] for name in runs[0]}
    return {name: (float(np.mean(column)), float(np.std(column, ddof=1))) for name, column in values.items()}
