"""Evaluation protocols: the rules that papers leave open, and those of published evaluators.

The published protocols were taken from the code of niluthpol/multimodal_vtt (JEMC; its loops are those of
VSE++), albanie/collaborative-experts (MMT has the same), ArrowLuo/CLIP4Clip (CLIP-ViP and the emotion report
too).

A system that gives all items one similarity, by rule for ties; chance is R@1 10 and R@5 50 with 10 items:

| ties        | 10 items: R@1 | R@5 | MdR  | 1000 items: R@1 | R@5 | MdR   |
| ----------- | ------------- | --- | ---- | --------------- | --- | ----- |
| expected    | 10            | 50  | 5    | 0.1             | 0.5 | 500   |
| average     | 0             | 100 | 5    | 0               | 0   | 500   |
| argsort     | 10            | 50  | 5    | 0.1             | 0.5 | 500   |
| each        | 10            | 50  | 5    | 0.1             | 0.5 | 500   |
| optimistic  | 100           | 100 | 1    | 100             | 100 | 1     |
| pessimistic | 0             | 0   | 10   | 0               | 0   | 1000  |

MdR is that of median="floor". "argsort" and "each" agree with chance here only because each item is a target
once and all are tied; "each" weighs a query by the number of its ties.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from retrieval.evaluation.rank_counts import TIE_RULES, Floats, RankCounts, TieRule
from retrieval.evaluation.rank_metrics import (
    MedianRule,
    RecallAtOneRule,
    mean_rank,
    median_rank,
)
from retrieval.evaluation.tied_metrics import compute_expected_median_rank

Gallery = Literal["captions", "videos"]

RECALL_DEPTHS = (1, 5, 10)
RECALLS = tuple(f"R@{k}" for k in RECALL_DEPTHS)
METRICS = (*RECALLS, "MdR", "MnR", "Geom")


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """The rules of an evaluation. Raises ValueError for an unknown value.

    ties:     "expected": recalls and ranks in expectation over random orders of the ties; the others are
              those of published evaluators, as in `RankCounts.compute_ranks`
    median:   as in `median_rank`
    gallery:  of video to text: all captions (JEMC, CE, MMT), or one similarity per video, the largest over
              its captions (X-Pool, CLIP4Clip): R@1 is equal without ties, the other metrics are higher
    first:    as in `recall_at`
    siblings: "apart": further captions of a video that tie with its best do not count; "tie": they tie (CE)
    post:     postprocessing of the similarities that uses the query set (DSL, QB-Norm), or reranking
    """

    ties: TieRule = "expected"
    median: MedianRule = "floor"
    gallery: Gallery = "captions"
    first: RecallAtOneRule = "below"
    siblings: Literal["apart", "tie"] = "apart"
    post: str | None = None

    def __post_init__(self) -> None:
        allowed = {
            "ties": TIE_RULES,
            "median": get_args(MedianRule),
            "gallery": get_args(Gallery),
            "first": get_args(RecallAtOneRule),
            "siblings": ("apart", "tie"),
        }
        for field, choices in allowed.items():
            if getattr(self, field) not in choices:
                raise ValueError(f"no {field} {getattr(self, field)!r}; known: {', '.join(choices)}")

    def __str__(self) -> str:
        rules = f"ties={self.ties}, MdR={self.median}+1, gallery={self.gallery}".replace(
            "plain+1", "median+1"
        )
        rules += ", R@1=rank 0 exactly" * (self.first == "exact") + ", siblings tie" * (
            self.siblings == "tie"
        )
        return rules + (f", after {self.post}" if self.post else "")


DEFAULT_PROTOCOL = EvaluationProtocol()
ARGSORT_PROTOCOL = EvaluationProtocol(ties="argsort")
AVERAGE_TIES_PROTOCOL = EvaluationProtocol(ties="average", median="plain", first="exact", siblings="tie")
EACH_PLACE_PROTOCOL = EvaluationProtocol(ties="each", median="plain", gallery="videos", first="exact")
PUBLISHED_PROTOCOLS: dict[str, EvaluationProtocol] = {
    "jemc": ARGSORT_PROTOCOL,
    "vse++": ARGSORT_PROTOCOL,
    "ce": AVERAGE_TIES_PROTOCOL,
    "mmt": AVERAGE_TIES_PROTOCOL,
    "clip4clip": EACH_PLACE_PROTOCOL,
    "clip-vip": EACH_PLACE_PROTOCOL,
    "emotion-report": EACH_PLACE_PROTOCOL,
}


def compute_hits(counts: RankCounts, k: int, protocol: EvaluationProtocol) -> Floats:
    """(q,) hits of R@k, 0 to 1, more than q of them under ties="each". Raises ValueError for k < 1."""
    if protocol.first == "exact" and k == 1 and protocol.ties != "expected":
        return (counts.compute_ranks(protocol.ties) == 0).astype(np.float64)
    return counts.compute_hits(k, protocol.ties)


def compute_metric(counts: RankCounts, name: str, protocol: EvaluationProtocol) -> float:
    """One of METRICS, "MRR" (0 to 1) or any R@k (percent) of the queries, under `protocol`.

    Raises ValueError for another name or without queries.
    """
    if len(counts.ahead) == 0:
        raise ValueError("a metric needs one or more queries")
    if (depth := parse_recall_depth(name)) is not None:
        return 100 * float(compute_hits(counts, depth, protocol).mean())
    if name == "MdR" and protocol.ties == "expected":
        return compute_expected_median_rank(counts, protocol.median)
    if name == "MdR":
        return median_rank(counts.compute_ranks(protocol.ties), protocol.median)
    if name == "MnR":
        return mean_rank(counts.compute_ranks(protocol.ties))
    if name == "MRR":
        return float(counts.compute_reciprocal_ranks(protocol.ties).mean())
    if name == "Geom":
        recalls = [compute_metric(counts, recall, protocol) for recall in RECALLS]
        return math.prod(recalls) ** (1 / len(recalls))
    raise ValueError(f"no measure {name!r}; known: {', '.join(METRICS)}, MRR, any R@k")


def parse_recall_depth(name: str) -> int | None:
    """The k of "R@k"; None for another name."""
    return int(name[2:]) if name.startswith("R@") and name[2:].isdecimal() else None
