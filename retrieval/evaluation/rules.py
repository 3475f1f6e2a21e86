"""The rules papers leave unsaid, together, and the habits of published evaluators as such rules.

The habits were read in the code: niluthpol/multimodal_vtt (JEMC; its loops are those of VSE++),
albanie/collaborative-experts (MMT has the same), ArrowLuo/CLIP4Clip (CLIP-ViP and the emotion report too).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy.typing as npt

from retrieval.evaluation.rank_counts import TIES, Ties
from retrieval.evaluation.rank_metrics import FirstRule, MedianRule, geometric, mean_rank, median_rank, recall

Gallery = Literal["captions", "videos"]

MEASURES = ("R@1", "R@5", "R@10", "MdR", "MnR", "Geom")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What papers leave unsaid. Raises ValueError for an unknown word.

    `ties` as in `Standing.ranks`, `median` and `first` as in `median_rank` and `recall`. `gallery` is what a
    video is sought in: all captions (JEMC, CE, MMT), or one similarity a video, the largest over its
    captions (X-Pool, CLIP4Clip): R@1 is equal without ties, the rest easier. With `siblings` "apart" a
    video's further captions that tie with its best are no rivals; in CE they tie. `post` names what was done
    to the similarities with knowledge of the query set (DSL, QB-Norm) or by reranking.
    """

    ties: Ties = "average"
    median: MedianRule = "floor"
    gallery: Gallery = "captions"
    first: FirstRule = "below"
    siblings: Literal["apart", "tie"] = "apart"
    post: str | None = None

    def __post_init__(self) -> None:
        words = {
            "ties": TIES,
            "median": get_args(MedianRule),
            "gallery": get_args(Gallery),
            "first": get_args(FirstRule),
            "siblings": ("apart", "tie"),
        }
        for field, known in words.items():
            if getattr(self, field) not in known:
                raise ValueError(f"no {field} {getattr(self, field)!r}; known: {', '.join(known)}")

    def __str__(self) -> str:
        told = f"ties={self.ties}, MdR={self.median}+1, gallery={self.gallery}".replace("plain+1", "median+1")
        told += ", R@1=rank 0 exactly" * (self.first == "exact") + ", siblings tie" * (self.siblings == "tie")
        return told + (f", after {self.post}" if self.post else "")


PROTOCOL = Rules()
ARGSORT = Rules(ties="argsort")
AVERAGED = Rules(ties="average", median="plain", first="exact", siblings="tie")
EACH_PLACE = Rules(ties="each", median="plain", gallery="videos", first="exact")
HABITS: dict[str, Rules] = {
    "jemc": ARGSORT,
    "vse++": ARGSORT,
    "ce": AVERAGED,
    "mmt": AVERAGED,
    "clip4clip": EACH_PLACE,
    "clip-vip": EACH_PLACE,
    "emotion-report": EACH_PLACE,
}


def measured(ranks: npt.ArrayLike, name: str, rules: Rules) -> float:
    """The measure `name` of ranks under `rules`. Raises ValueError for another name or without ranks."""
    if name.startswith("R@") and name[2:].isdecimal():
        return recall(ranks, int(name[2:]), rules.first)
    if name == "MdR":
        return median_rank(ranks, rules.median)
    if name == "MnR":
        return mean_rank(ranks)
    if name == "Geom":
        return geometric(ranks, rules.first)
    raise ValueError(f"no measure {name!r}; known: {', '.join(MEASURES)}, any R@k")
