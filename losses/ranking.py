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

from losses.negatives import AnchorSimilarities, split_directions

NegativeMining = Literal["every", "hardest", "semi_hard"]
WeightShape = Literal["jemc", "inverse", "log", "linear"]
Reduction = Literal["sum", "mean"]

REDUCTIONS = ("sum", "mean")
MARGIN = 0.2  # of a cosine, in JEMC, VSE and VSE++


@dataclass(frozen=True, kw_only=True)
class RankingLoss:
    """A hinge ranking loss, callable as a `PairLoss`.

    `strength` scales the weight, 1 + strength * shape(rank): 0 is no weight, 1 with "jemc" the paper's.
    `reduction` "sum" adds up all pairs and both directions, as the papers do; "mean" divides by the pairs.

    Raises ValueError for unknown words, a margin or a strength below 0.
    """

    margin: float = MARGIN
    negatives: NegativeMining = "hardest"
    strength: float = 0.0
    shape: WeightShape = "jemc"
    reduction: Reduction = "sum"

    def __post_init__(self) -> None:
        for word, known in (
            (self.negatives, NEGATIVE_MINING),
            (self.shape, WEIGHT_SHAPES),
            (self.reduction, REDUCTIONS),
        ):
            if word not in known:
                raise ValueError(f"no {word!r} here; known: {', '.join(known)}")
        if not (self.margin >= 0 and self.strength >= 0):
            raise ValueError(f"margin and strength must be >= 0: {self}")

    def __call__(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """The loss () of similarities (v, t); masks, pairs and what is raised are those of
        `negatives.split_directions`.

        A pair without negatives (N = 1, all masked) costs 0 and has gradient 0.
        """
        texts, videos = split_directions(similarity, same_item, pairs)
        cost = self.compute_one_direction(texts) + self.compute_one_direction(videos)  # (p,)
        return cost.sum() if self.reduction == "sum" else cost.mean()

    def compute_one_direction(self, anchors: AnchorSimilarities) -> Tensor:
        """(p,) weighted cost of each anchor in one direction."""
        cost = NEGATIVE_MINING[self.negatives](anchors, self.margin)  # (p,)
        if self.strength == 0:
            return cost
        return (
            compute_rank_weight(*compute_ranks(anchors), strength=self.strength, shape=self.shape).to(cost)
            * cost
        )


def sum_negative_hinges(anchors: AnchorSimilarities, margin: float) -> Tensor:
    """(p,) sum of the hinges of all negatives."""
    hinge = torch.relu(margin - anchors.positive[:, None] + anchors.candidates)  # (p, m)
    return torch.where(anchors.negative_mask, hinge, 0).sum(1)


def hardest_negative_hinge(anchors: AnchorSimilarities, margin: float) -> Tensor:
    """(p,) hinge of the most similar negative; equally similar ones share its gradient evenly."""
    return max_hinge(anchors, anchors.negative_mask, margin)


def semi_hard_hinge(anchors: AnchorSimilarities, margin: float) -> Tensor:
    """(p,) hinge of the most similar negative that lies below the true pair (Schroff et al. 2015).

    A pair without such a negative costs 0, so a batch whose similarities are all equal costs nothing: don't
    start with this one.
    """
    below = anchors.candidates < anchors.positive[:, None]  # (p, m)
    return max_hinge(anchors, anchors.negative_mask & below, margin)


def max_hinge(anchors: AnchorSimilarities, mask: Tensor, margin: float) -> Tensor:
    """(p,) hinge of the most similar rival that is `mask` (p, m), 0 where none is."""
    most = anchors.candidates.masked_fill(~mask, -torch.inf).amax(1)  # (p,)
    return torch.relu(margin - anchors.positive + most)


def compute_ranks(anchors: AnchorSimilarities) -> tuple[Tensor, Tensor]:
    """(p,) 1-based rank r of the true pair among itself and its negatives, and (p,) their number N.

    Each direction has its own: a video's r and N count texts, a text's count videos. What is masked counts
    in neither. Of negatives as similar as the true pair half lie ahead, as in the evaluator, so that a table
    of equal values has r = (N + 1) / 2. There is no gradient through a rank.
    """
    own, rivals = anchors.positive.detach()[:, None], anchors.candidates.detach()
    ahead = (anchors.negative_mask & (rivals > own)).sum(1)
    tied = (anchors.negative_mask & (rivals == own)).sum(1)
    return 1 + ahead + tied / 2, 1 + anchors.negative_mask.sum(1)


def compute_rank_weight(
    ranks: Tensor, candidate_counts: Tensor, *, strength: float = 1.0, shape: WeightShape = "jemc"
) -> Tensor:
    """(p,) float64 weight 1 + strength * shape(r, N) of 1-based ranks (p,) among (p,) candidates.

    All shapes grow with the rank and stay within 0 and 1. "jemc" is the paper's L(r) at strength 1 and
    nearly inert: at N = 128 it is 1.008 at rank 1, 1.015 at rank 64, and 2 only at the very last.
    """
    return 1 + strength * WEIGHT_SHAPES[shape](ranks.double(), candidate_counts.double())


WEIGHT_SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "jemc": lambda r, n: 1 / (n - r + 1),  # 1/N at the first, 1 at the last
    "inverse": lambda r, n: 1 - 1 / r,  # 0 at the first, 1/2 at the second
    "log": lambda r, n: r.log() / n.clamp(min=2).log(),  # 0 at the first, 1 at the last
    "linear": lambda r, n: (r - 1) / (n - 1).clamp(min=1),  # 0 at the first, 1 at the last
}
NEGATIVE_MINING: dict[str, Callable[[AnchorSimilarities, float], Tensor]] = {
    "every": sum_negative_hinges,
    "hardest": hardest_negative_hinge,
    "semi_hard": semi_hard_hinge,
}


def vse(margin: float = MARGIN) -> RankingLoss:
    """Sum over all negatives (Kiros et al. 2014); JEMC's row "VSE"."""
    return RankingLoss(margin=margin, negatives="every")


def vse_plus_plus(margin: float = MARGIN) -> RankingLoss:
    """The hardest negative (Faghri et al. 2018); JEMC's row "VSEPP"."""
    return RankingLoss(margin=margin, negatives="hardest")


def weighted_ranking(
    margin: float = MARGIN, strength: float = 1.0, shape: WeightShape = "jemc"
) -> RankingLoss:
    """The hardest negative, weighted by the true pair's rank: JEMC's own loss."""
    return RankingLoss(margin=margin, negatives="hardest", strength=strength, shape=shape)


def semi_hard(margin: float = MARGIN) -> RankingLoss:
    """The hardest of the negatives below the true pair (Schroff et al. 2015)."""
    return RankingLoss(margin=margin, negatives="semi_hard")


def is_collapsed(
    loss: float, pair_count: int, margin: float, weight: float = 1.0, tolerance: float = 0.02
) -> bool:
    """Whether a summed hardest-negative loss of n pairs lies where it does when all vectors are equal.

    There every hinge is the margin, so the loss is 2 * n * margin * weight, `weight` being `rank_weight` at
    (N + 1) / 2 (1 without weights; JEMC's 1.0155 at 128 is within the tolerance, which is a share of the
    loss). One such batch may be chance: training that stays there for many has collapsed and won't leave by
    itself, as equal vectors pull each other equally; warm up with `vse`, whose sum does not get stuck so.
    """
    stuck = 2 * pair_count * margin * weight
    return abs(loss - stuck) <= tolerance * stuck
