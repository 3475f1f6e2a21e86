"""Both directions of a text-video benchmark under named rules; a result says which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from retrieval.evaluation.rank_counts import Floats, RankCounts, count_ranks
from retrieval.evaluation.resampling import Difference, bootstrap_interval, compare_paired
from retrieval.evaluation.rules import DEFAULT_PROTOCOL, METRICS, EvaluationProtocol, compute_rank_metric
from retrieval.evaluation.similarity_blocks import Block, Similarity, as_similarity


@dataclass(frozen=True, eq=False, kw_only=True)
class DirectionResult:
    """One direction, query by query: `query_ids` names the queries, `groups` the video each belongs to."""

    name: str
    query_ids: tuple[str, ...]
    groups: tuple[str, ...]
    rank_counts: RankCounts
    protocol: EvaluationProtocol

    @property
    def ranks(self) -> Floats:
        """0-based ranks under the rules: (q,), or more under ties="each"."""
        return self.rank_counts.compute_ranks(self.protocol.ties)

    def compute_metric(self, name: str) -> float:
        """One of MEASURES, or any R@k. Raises ValueError for another name or without queries."""
        return compute_rank_metric(self.ranks, name, self.protocol)

    def compute_bounds(self, name: str) -> tuple[float, float]:
        """The measure with ties all against (pessimistic) and all for the right item (optimistic)."""
        against, in_favour = (self.rank_counts.compute_ranks(ties) for ties in ("pessimistic", "optimistic"))
        return compute_rank_metric(against, name, self.protocol), compute_rank_metric(
            in_favour, name, self.protocol
        )

    def compute_interval(self, name: str, *, seed: int, draws: int = 2000) -> tuple[float, float]:
        """95 % bootstrap interval of a measure; a video's queries are drawn together."""
        groups = np.asarray(self.groups)[self.rank_counts.list_query_indices(self.protocol.ties)]
        return bootstrap_interval(
            self.ranks,
            lambda drawn: compute_rank_metric(drawn, name, self.protocol),
            seed=seed,
            draws=draws,
            groups=groups,
        )

    def compare_with(self, other: DirectionResult, name: str, *, seed: int, draws: int = 2000) -> Difference:
        """How much the measure is above that of `other`, over the same queries, paired.

        Raises ValueError for other queries or rules, or ties="each", which has no one rank a query.
        """
        if (self.query_ids, self.protocol, self.name) != (other.query_ids, other.protocol, other.name):
            raise ValueError("rows of different queries, rules or directions can't be compared")
        if self.protocol.ties == "each":
            raise ValueError("ties='each' has no one rank a query; compare under another rule")
        return compare_paired(
            self.ranks,
            other.ranks,
            lambda drawn: compute_rank_metric(drawn, name, self.protocol),
            seed=seed,
            draws=draws,
            groups=self.groups,
        )

    def select_queries(self, query_ids: Collection[str]) -> DirectionResult:
        """Some queries by id, in the order they have here; ranked among everything as before.

        Raises ValueError for ids that were not asked.
        """
        wanted = set(query_ids)
        if unknown := sorted(wanted - set(self.query_ids)):
            raise ValueError(f"{self.name}: {len(unknown)} ids were not asked: {', '.join(unknown[:3])} ...")
        places = [place for place, one in enumerate(self.query_ids) if one in wanted]
        return replace(
            self,
            query_ids=tuple(self.query_ids[place] for place in places),
            groups=tuple(self.groups[place] for place in places),
            rank_counts=self.rank_counts.select_queries(np.array(places, np.int64)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Measures, bounds, rules and ranks by query for JSON."""
        return {
            "direction": self.name,
            "rules": asdict(self.protocol),
            "queries": len(self.query_ids),
            "entries": len(self.ranks),
            **{name: self.compute_metric(name) for name in METRICS},
            "bounds": {name: list(self.compute_bounds(name)) for name in METRICS},
            "ranks": dict(
                zip(self.query_ids, self.rank_counts.compute_ranks("average").tolist(), strict=True)
            ),
        }

    def __str__(self) -> str:
        told = " ".join(f"{name} {self.compute_metric(name):.1f}" for name in METRICS)
        return f"{self.name} of {len(self.query_ids)} queries: {told} ({self.protocol})"


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """Text to video and video to text."""

    t2v: DirectionResult
    v2t: DirectionResult

    @property
    def rsum(self) -> float:
        """Sum of the six recalls in percent, by which JEMC and VSE++ select their model."""
        return sum(side.compute_metric(name) for side in (self.t2v, self.v2t) for name in METRICS[:3])

    def compute_metrics(self) -> dict[str, float]:
        """All measures by name: "T2V R@1", ..., "rsum"."""
        told = {
            f"{side.name} {name}": side.compute_metric(name)
            for side in (self.t2v, self.v2t)
            for name in METRICS
        }
        return {**told, "rsum": self.rsum}

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
    """Both directions of similarities (c, v): one row a caption, one column a video.

    `caption_video_ids` (c,) and `video_ids` (v,) are ids: the target of a caption is found by id, wherever
    its column stands. `caption_ids` (c,) are ids of the captions, "video#0", "video#1" without any. `mask`
    (c,) bool says which captions are there: the others are no queries and nobody's gallery, and a video
    that loses all of them is no query either.

    Raises ValueError for ids that are not unique or unknown, lengths that don't fit, or no captions.
    """
    table = as_similarity(similarity)
    owner = map_captions_to_videos(table.shape, caption_video_ids, video_ids)
    names = tuple(caption_ids) if caption_ids is not None else make_caption_ids(caption_video_ids)
    kept = np.ones(len(owner), bool) if mask is None else np.asarray(mask)
    if kept.shape != owner.shape or kept.dtype != np.bool_ or not kept.any():
        raise ValueError(
            f"the mask must be bool {owner.shape} with captions left, not {kept.dtype}{kept.shape}"
        )
    if len(set(names)) != len(owner):
        raise ValueError(f"{len(owner)} captions need as many different ids, not {len(set(names))}")
    forth = count_ranks(table, owner).select_queries(kept)
    back, asked = count_video_ranks(table, owner, kept, protocol)
    t2v_asked = tuple(name for name, there in zip(names, kept, strict=True) if there)
    t2v_groups = tuple(video for video, there in zip(caption_video_ids, kept, strict=True) if there)
    return Evaluation(
        t2v=DirectionResult(
            name="T2V", query_ids=t2v_asked, groups=t2v_groups, rank_counts=forth, protocol=protocol
        ),
        v2t=DirectionResult(
            name="V2T",
            query_ids=tuple(video_ids[number] for number in asked),
            groups=tuple(video_ids[number] for number in asked),
            rank_counts=back,
            protocol=protocol,
        ),
    )


def count_video_ranks(
    similarity: Similarity, video_by_caption: npt.NDArray[np.int64], mask: Mask, protocol: EvaluationProtocol
) -> tuple[RankCounts, npt.NDArray[np.int64]]:
    """The standing of each video that has captions, and which those are; see `evaluate`."""
    if protocol.gallery == "captions":
        tie = protocol.siblings == "tie"
        everyone = count_ranks_among_captions(
            similarity.transpose(), video_by_caption, mask, siblings_tie=tie
        )
    else:
        everyone = count_ranks_among_items(similarity.transpose(), video_by_caption, mask)
    asked = np.unique(video_by_caption[mask])
    return everyone.select_queries(asked), asked


def summarise_runs(evaluations: Sequence[Evaluation]) -> Mapping[str, tuple[float, float]]:
    """Mean and standard deviation (n - 1) of every measure over seeds or draws; ValueError below three."""
    if len(evaluations) < 3:
        raise ValueError(f"a spread needs three runs or more, not {len(evaluations)}")
    told = [one.compute_metrics() for one in evaluations]
    values = {name: [one[name] for one in told] for name in told[0]}
    return {name: (float(np.mean(runs)), float(np.std(runs, ddof=1))) for name, runs in values.items()}
