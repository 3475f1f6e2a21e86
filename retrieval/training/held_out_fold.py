"""Cosines of held-out texts and items, and what is chosen and measured on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders import Rows
from fusion import Calibration, fit_calibration
from retrieval.evaluation import compute_expected_average_precisions
from retrieval.search import MATCH_PRIOR
from spaces.joint import Ints

Floats = npt.NDArray[np.float64]

MIN_COSINE_SD = 1e-6  # standard deviation of cosines below which a member's weight is capped
ZERO_SHOT_WEIGHTS = (
    0.0,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.8,
)  # candidates for the weight of the untrained space


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOutFold:
    """One held-out fold: its items and texts, and cosines (texts, items) of members and untrained space.

    partial_similarities: cosines of the members by a role of media that items may lack, as if all lacked it
    """

    item_indices: Ints
    text_indices: Ints
    is_match: npt.NDArray[np.bool_]  # (texts, items)
    member_similarities: tuple[Rows, ...]
    zero_shot_similarity: Rows | None
    partial_similarities: Mapping[str, tuple[Rows, ...]] = field(default_factory=dict)

    @property
    def member_weights(self) -> Floats:
        """(members,) weights that equalise the spread of the members' cosines; they sum to 1."""
        sds = [max(float(np.nanstd(cosines)), MIN_COSINE_SD) for cosines in self.member_similarities]
        inverse = 1 / np.array(sds)
        return np.asarray(inverse / inverse.sum())

    @cached_property
    def trained_similarity(self) -> Rows:
        """(texts, items) weighted mean of the members' cosines."""
        return self._average_members(self.member_similarities)

    def compute_similarity_without(self, role: str) -> Rows:
        """(texts, items) as `trained_similarity`, as if all items lacked a role of `partial_similarities`."""
        return self._average_members(self.partial_similarities[role])

    def _average_members(self, similarities: Sequence[Rows]) -> Rows:
        return np.asarray(np.average(similarities, axis=0, weights=self.member_weights), np.float32)

    def blend_with_zero_shot(self, zero_shot_weight: float) -> Rows:
        """(texts, items) mean of trained and untrained cosines, the latter 0 where that space abstains."""
        if self.zero_shot_similarity is None or zero_shot_weight == 0:
            return self.trained_similarity
        zero_shot = np.nan_to_num(self.zero_shot_similarity)
        return (1 - zero_shot_weight) * self.trained_similarity + zero_shot_weight * zero_shot

    def get_baseline_similarity(self) -> Rows:
        """(texts, items) of the untrained space, or random numbers where there is none."""
        if self.zero_shot_similarity is not None:
            return self.zero_shot_similarity
        return np.random.default_rng(0).random(self.trained_similarity.shape, np.float32)


def select_zero_shot_weight(held_out_folds: Sequence[HeldOutFold]) -> float:
    """The weight of the untrained space, by mean average precision over both directions.

    The largest within one standard error of the best (Breiman et al. 1984, "Classification and regression
    trees"): the untrained space knows what the training items have none of. Mean average precision by theme
    of OASIS' photos, which no head was trained on: .300, .333 and .355 at the weights .3, .4 and .5 of the
    packaged heads, of which .3 is the best by a hair on their own held-out photos.
    """
    return _select_largest_weight(_score_zero_shot_weights(held_out_folds))


def select_weights_without_fold(held_out_folds: Sequence[HeldOutFold]) -> tuple[float, ...]:
    """For each fold, the weight selected on the others: what it scores there was not chosen on it.

    A nested selection without further training (Varma & Simon 2006, "Bias in error estimation when using
    cross-validation for model selection"). Raises ValueError for fewer than two folds.
    """
    if len(held_out_folds) < 2:
        raise ValueError(f"{len(held_out_folds)} folds; a weight is chosen on one and measured on another")
    scores = _score_zero_shot_weights(held_out_folds)
    return tuple(
        _select_largest_weight(np.delete(scores, fold, axis=1)) for fold in range(len(held_out_folds))
    )


def _score_zero_shot_weights(held_out_folds: Sequence[HeldOutFold]) -> Floats:
    """(weights, folds) mean average precision by candidate; one row of 0 without an untrained space."""
    if held_out_folds[0].zero_shot_similarity is None:
        return np.zeros((1, len(held_out_folds)))
    return np.array(
        [
            [
                compute_average_precisions(fold.blend_with_zero_shot(weight), fold.is_match).mean()
                for fold in held_out_folds
            ]
            for weight in ZERO_SHOT_WEIGHTS
        ]
    )


def _select_largest_weight(scores: Floats) -> float:
    """The largest candidate within one standard error of the best; scores (weights, folds)."""
    means = scores.mean(axis=1)
    best = scores[np.argmax(means)]
    standard_error = best.std(ddof=1) / len(best) ** 0.5 if len(best) > 1 else 0.0
    return ZERO_SHOT_WEIGHTS[int(np.flatnonzero(means >= best.mean() - standard_error)[-1])]


def compute_average_precisions(similarity: Rows, is_match: npt.NDArray[np.bool_]) -> Floats:
    """(texts + items,) average precision of each text among the items, then of each item among the texts.

    With one match it is the reciprocal rank; without any it is 0. Missing similarities rank last; ties are
    taken in expectation over their orders.
    """
    return np.concatenate(
        [
            compute_expected_average_precisions(similarity, is_match),
            compute_expected_average_precisions(similarity.T, is_match.T),
        ]
    )


def calibrate_similarity(held_out_folds: Sequence[HeldOutFold], zero_shot_weight: float) -> Calibration:
    """Calibration of cosines from held-out texts and items."""
    similarities = [fold.blend_with_zero_shot(zero_shot_weight) for fold in held_out_folds]
    pairs = list(zip(similarities, held_out_folds, strict=True))
    matching = np.concatenate([similarity[fold.is_match] for similarity, fold in pairs])
    background = np.concatenate([similarity[~fold.is_match] for similarity, fold in pairs])
    return fit_calibration(background, matching, MATCH_PRIOR)


def map_queries_to_items(fold: HeldOutFold) -> Ints:
    """(texts + items,) the item each query of `compute_average_precisions` belongs to."""
    first_match = fold.is_match.argmax(axis=1)
    return np.concatenate([fold.item_indices[first_match], fold.item_indices])
