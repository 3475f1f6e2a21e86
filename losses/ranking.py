"""Hinge ranking losses over a table of similarities, by choice of negatives, rank weight and margin.

For each true pair with similarity s, and in both directions, over the chosen negatives with similarities s-:

    sum of weight(rank) * [margin - s + s-]_+

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

    strength:  of the weight 1 + strength * shape(rank); 0 is no weight, 1 with "jemc" is JEMC's
    reduction: "sum" adds up all pairs and both directions, as in the papers; "mean" divides by the pairs

    Raises ValueError for unknown names, a margin or a strength below 0.
    """

    margin: float = MARGIN
    negatives: NegativeMining = "hardest"
    strength: float = 0.0
    shape: WeightShape = "jemc"
    reduction: Reduction = "sum"

    def __post_init__(self) -> None:
        for name, choices in (
            (self.negatives, NEGATIVE_MINING),
            (self.shape, WEIGHT_SHAPES),
            (self.reduction, REDUCTIONS),
        ):
            if name not in choices:
                raise ValueError(f"no {name!r} here; known: {', '.join(choices)}")
        if not (self.margin >= 0 and self.strength >= 0):
            raise ValueError(f"margin and strength must be >= 0: {self}")

    def __call__(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """The loss () of similarities (v, t); arguments and errors as in `negatives.split_directions`.

        A pair without negatives (N = 1, all masked) has loss 0 and gradient 0.
        """
        texts, videos = split_directions(similarity, same_item, pairs)
        losses = self.compute_one_direction(texts) + self.compute_one_direction(videos)  # (p,)
        return losses.sum() if self.reduction == "sum" else losses.mean()

    def compute_one_direction(self, anchors: AnchorSimilarities) -> Tensor:
        """(p,) weighted hinge of each anchor in one direction."""
        hinges = NEGATIVE_MINING[self.negatives](anchors, self.margin)  # (p,)
        if self.strength == 0:
            return hinges
        weights = compute_rank_weight(*compute_ranks(anchors), strength=self.strength, shape=self.shape)
        return weights.to(hinges) * hinges


def sum_negative_hinges(anchors: AnchorSimilarities, margin: float) -> Tensor:
    """(p,) sum of the hinges of all negatives."""
    hinge = torch.relu(margin - anchors.positive[:, None] + anchors.candidates)  # (p, m)
    return torch.where(anchors.negative_mask, hinge, 0).sum(1)


def hardest_negative_hinge(anchors: AnchorSimilarities, margin: float) -> Tensor:
    """(p,) hinge of the most similar negative; equally similar ones share the gradient evenly."""
    return max_hinge(anchors, anchors.negative_mask, margin)


def semi_hard_hinge(anchors: AnchorSimilarities, margin: float) -> Tensor:
    """(p,) hinge of the most similar negative that lies below the true pair (Schroff et al. 2015).

    A pair without such a negative has loss 0, so a batch of equal similarities has no gradient: training
    needs a warm-up with another loss.
    """
    below = anchors.candidates < anchors.positive[:, None]  # (p, m)
    return max_hinge(anchors, anchors.negative_mask & below, margin)


def max_hinge(anchors: AnchorSimilarities, mask: Tensor, margin: float) -> Tensor:
    """(p,) hinge of the most similar candidate in `mask` (p, m), 0 where there is none."""
    hardest = anchors.candidates.masked_fill(~mask, -torch.inf).amax(1)  # (p,)
    return torch.relu(margin - anchors.positive + hardest)


def compute_ranks(anchors: AnchorSimilarities) -> tuple[Tensor, Tensor]:
    """(p,) 1-based rank r of the true pair among itself and its negatives, and (p,) their number N.

    A video's r and N count texts, a text's count videos; masked candidates do not count. Half of the
    negatives as similar as the true pair count as ranked above it, as in the evaluator, so that a table of
    equal values has r = (N + 1) / 2. There is no gradient through a rank.
    """
    positive, candidates = anchors.positive.detach()[:, None], anchors.candidates.detach()
    above = (anchors.negative_mask & (candidates > positive)).sum(1)
    tied = (anchors.negative_mask & (candidates == positive)).sum(1)
    return 1 + above + tied / 2, 1 + anchors.negative_mask.sum(1)


def compute_rank_weight(
    ranks: Tensor, candidate_counts: Tensor, *, strength: float = 1.0, shape: WeightShape = "jemc"
) -> Tensor:
    """(p,) float64 weight 1 + strength * shape(r, N) of 1-based ranks (p,) among (p,) candidates.

    All shapes grow with the rank and stay within 0 and 1. "jemc" at strength 1 is the paper's L(r), which is
    nearly constant: at N = 128 it is 1.008 at rank 1, 1.015 at rank 64, and 2 only at the last rank.
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


def compute_collapsed_loss(loss: RankingLoss, pair_count: int) -> float:
    """The summed hardest-negative loss of n pairs where all vectors are equal: 2 n margin weight.

    There every hinge is the margin and every rank (n + 1) / 2. Equal vectors pull each other equally, so
    training can get stuck there; `vse`, which sums over all negatives, does not.
    """
    middle_rank, candidate_count = torch.tensor([(pair_count + 1) / 2]), torch.tensor([pair_count])
    weight = compute_rank_weight(middle_rank, candidate_count, strength=loss.strength, shape=loss.shape)
    return 2 * pair_count * loss.margin * float(weight)


def is_collapsed(loss: float, collapsed_loss: float, tolerance: float = 0.02) -> bool:
    """Whether the loss of a batch is within a relative `tolerance` of that of equal vectors.

    See `compute_collapsed_loss`. A single such batch may be chance; training whose batches all are has
    collapsed.
    """
    return abs(loss - collapsed_loss) <= tolerance * collapsed_loss
