"""Evaluation protocols: the rules that papers leave open, and those of published evaluators.

The published protocols were taken from the code of niluthpol/multimodal_vtt (JEMC; its loops are those of
VSE++), albanie/collaborative-experts (MMT has the same), ArrowLuo/CLIP4Clip (CLIP-ViP and the emotion report
too).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy.typing as npt

from retrieval.evaluation.rank_counts import TIE_RULES, TieRule
from retrieval.evaluation.rank_metrics import (
    MedianRule,
    RecallAtOneRule,
    geometric_mean_recall,
    mean_rank,
    median_rank,
    recall_at,
)

Gallery = Literal["captions", "videos"]

METRICS = ("R@1", "R@5", "R@10", "MdR", "MnR", "Geom")


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """The rules of an evaluation. Raises ValueError for an unknown value.

    ties:     as in `RankCounts.compute_ranks`
    median:   as in `median_rank`
    gallery:  of video to text: all captions (JEMC, CE, MMT), or one similarity per video, the largest over
              its captions (X-Pool, CLIP4Clip): R@1 is equal without ties, the other metrics are higher
    first:    as in `recall_at`
    siblings: "apart": further captions of a video that tie with its best do not count; "tie": they tie (CE)
    post:     postprocessing of the similarities that uses the query set (DSL, QB-Norm), or reranking
    """

    ties: TieRule = "average"
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


def compute_rank_metric(ranks: npt.ArrayLike, name: str, protocol: EvaluationProtocol) -> float:
    """The metric `name` of ranks under `protocol`. Raises ValueError for another name or without ranks."""
    if name.startswith("R@") and name[2:].isdecimal():
        return recall_at(ranks, int(name[2:]), protocol.first)
    if name == "MdR":
        return median_rank(ranks, protocol.median)
    if name == "MnR":
        return mean_rank(ranks)
    if name == "Geom":
        return geometric_mean_recall(ranks, protocol.first)
    raise ValueError(f"no measure {name!r}; known: {', '.join(METRICS)}, any R@k")
