"""Hinge losses over a table of similarities, in three words: which negatives, what weight, what margin.

For each true pair and in both directions, with own similarity s and those of the negatives s-:

    weight(rank) * [margin - s + s-]_+        summed over the negatives that count

VSE: every negative, no weight (Kiros et al. 2014). VSE++: the hardest one (Faghri et al. 2018). JEMC: the
hardest one with the weight 1 + 1 / (N - r + 1) (Mithun et al. 2018). The hinge has gradient 0 at its corner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from losses.negatives import Facing, facing

Negatives = Literal["every", "hardest", "semi_hard"]
Shape = Literal["jemc", "inverse", "log", "linear"]
Reduction = Literal["sum", "mean"]

REDUCTIONS = ("sum", "mean")
MARGIN = 0.2  # of a cosine, in JEMC, VSE and VSE++


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """A hinge ranking loss, callable as a `PairLoss`.

    `strength` scales the weight, 1 + strength * shape(rank): 0 is no weight, 1 with "jemc" the paper's.
    `reduction` "sum" adds up all pairs and both directions, as the papers do; "mean" divides by the pairs.

    Raises ValueError for unknown words, a margin or a strength below 0.
    """

    margin: float = MARGIN
    negatives: Negatives = "hardest"
    strength: float = 0.0
    shape: Shape = "jemc"
    reduction: Reduction = "sum"

    def __post_init__(self) -> None:
        for word, known in ((self.negatives, NEGATIVES), (self.shape, SHAPES), (self.reduction, REDUCTIONS)):
            if word not in known:
                raise ValueError(f"no {word!r} here; known: {', '.join(known)}")
        if not (self.margin >= 0 and self.strength >= 0):
            raise ValueError(f"margin and strength must be >= 0: {self}")

    def __call__(self, similarity: Tensor, same: Tensor | None = None, pairs: Tensor | None = None) -> Tensor:
        """The loss () of similarities (v, t); masks, pairs and what is raised are those of `pairs.facing`.

        A pair without negatives (N = 1, all masked) costs 0 and has gradient 0.
        """
        texts, videos = facing(similarity, same, pairs)
        cost = self.one_way(texts) + self.one_way(videos)  # (p,)
        return cost.sum() if self.reduction == "sum" else cost.mean()

    def one_way(self, side: Facing) -> Tensor:
        """(p,) weighted cost of each anchor in one direction."""
        cost = NEGATIVES[self.negatives](side, self.margin)  # (p,)
        if self.strength == 0:
            return cost
        return rank_weight(*ranks(side), strength=self.strength, shape=self.shape).to(cost) * cost


def every(side: Facing, margin: float) -> Tensor:
    """(p,) sum of the hinges of all negatives."""
    hinge = torch.relu(margin - side.own[:, None] + side.rivals)  # (p, m)
    return torch.where(side.allowed, hinge, 0).sum(1)


def hardest(side: Facing, margin: float) -> Tensor:
    """(p,) hinge of the most similar negative; equally similar ones share its gradient evenly."""
    return hinge_of_most(side, side.allowed, margin)


def semi_hard_one(side: Facing, margin: float) -> Tensor:
    """(p,) hinge of the most similar negative that lies below the true pair (Schroff et al. 2015).

    A pair without such a negative costs 0, so a batch whose similarities are all equal costs nothing: don't
    start with this one.
    """
    below = side.rivals < side.own[:, None]  # (p, m)
    return hinge_of_most(side, side.allowed & below, margin)


def hinge_of_most(side: Facing, counted: Tensor, margin: float) -> Tensor:
    """(p,) hinge of the most similar rival that is `counted` (p, m), 0 where none is."""
    most = side.rivals.masked_fill(~counted, -torch.inf).amax(1)  # (p,)
    return torch.relu(margin - side.own + most)


def ranks(side: Facing) -> tuple[Tensor, Tensor]:
    """(p,) 1-based rank r of the true pair among itself and its negatives, and (p,) their number N.

    Each direction has its own: a video's r and N count texts, a text's count videos. What is masked counts
    in neither. Of negatives as similar as the true pair half lie ahead, as in the evaluator, so that a table
    of equal values has r = (N + 1) / 2. There is no gradient through a rank.
    """
    own, rivals = side.own.detach()[:, None], side.rivals.detach()
    ahead = (side.allowed & (rivals > own)).sum(1)
    tied = (side.allowed & (rivals == own)).sum(1)
    return 1 + ahead + tied / 2, 1 + side.allowed.sum(1)


def rank_weight(rank: Tensor, among: Tensor, *, strength: float = 1.0, shape: Shape = "jemc") -> Tensor:
    """(p,) float64 weight 1 + strength * shape(r, N) of 1-based ranks (p,) among (p,) candidates.

    All shapes grow with the rank and stay within 0 and 1. "jemc" is the paper's L(r) at strength 1 and
    nearly inert: at N = 128 it is 1.008 at rank 1, 1.015 at rank 64, and 2 only at the very last.
    """
    return 1 + strength * SHAPES[shape](rank.double(), among.double())


SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "jemc": lambda r, n: 1 / (n - r + 1),  # 1/N at the first, 1 at the last
    "inverse": lambda r, n: 1 - 1 / r,  # 0 at the first, 1/2 at the second
    "log": lambda r, n: r.log() / n.clamp(min=2).log(),  # 0 at the first, 1 at the last
    "linear": lambda r, n: (r - 1) / (n - 1).clamp(min=1),  # 0 at the first, 1 at the last
}
NEGATIVES: dict[str, Callable[[Facing, float], Tensor]] = {
    "every": every,
    "hardest": hardest,
    "semi_hard": semi_hard_one,
}


def vse(margin: float = MARGIN) -> Ranking:
    """Sum over all negatives (Kiros et al. 2014); JEMC's row "VSE"."""
    return Ranking(margin=margin, negatives="every")


def vse_plus_plus(margin: float = MARGIN) -> Ranking:
    """The hardest negative (Faghri et al. 2018); JEMC's row "VSEPP"."""
    return Ranking(margin=margin, negatives="hardest")


def weighted(margin: float = MARGIN, strength: float = 1.0, shape: Shape = "jemc") -> Ranking:
    """The hardest negative, weighted by the true pair's rank: JEMC's own loss."""
    return Ranking(margin=margin, negatives="hardest", strength=strength, shape=shape)


def semi_hard(margin: float = MARGIN) -> Ranking:
    """The hardest of the negatives below the true pair (Schroff et al. 2015)."""
    return Ranking(margin=margin, negatives="semi_hard")


def collapsed(loss: float, n: int, margin: float, weight: float = 1.0, tolerance: float = 0.02) -> bool:
    """Whether a summed hardest-negative loss of n pairs lies where it does when all vectors are equal.

    There every hinge is the margin, so the loss is 2 * n * margin * weight, `weight` being `rank_weight` at
    (N + 1) / 2 (1 without weights; JEMC's 1.0155 at 128 is within the tolerance, which is a share of the
    loss). One such batch may be chance: training that stays there for many has collapsed and won't leave by
    itself, as equal vectors pull each other equally; warm up with `vse`, whose sum does not get stuck so.
    """
    stuck = 2 * n * margin * weight
    return abs(loss - stuck) <= tolerance * stuck
