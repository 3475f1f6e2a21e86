"""Heads of one space, and their quality by cross-validation.

Everything chosen or reported (weight of the untrained space, calibrations, gains) comes from held-out items:
folds are held out in turn, by whole groups. What is reported of a fold, and whether the heads are used, does
not depend on what was chosen on that fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from retrieval.evaluation import Difference, compare_paired, make_group_folds
from retrieval.training.ensemble import EnsembleConfig, StepCallback, TrainingData, fit_members
from retrieval.training.held_out_fold import (
    HeldOutFold,
    calibrate_similarity,
    compute_average_precisions,
    map_queries_to_items,
    select_weights_without_fold,
    select_zero_shot_weight,
)
from spaces import Features
from spaces.joint import TEXT_ROLE, Heads, Ints, TextDomain, TowerPair

Floats = npt.NDArray[np.float64]

MAX_OUT_OF_DOMAIN_SHARE = 0.03  # share of held-out texts that may be rejected as out of domain


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedHeads:
    """Heads trained on all items, the held-out folds, and the (items,) groups that folds do not split.

    The heads' weight of the untrained space was chosen on all folds, the one a fold is measured with on the
    others, so that no metric is measured where its weight was chosen.
    """

    heads: Heads
    held_out_folds: Sequence[HeldOutFold]
    groups: Sequence[str]

    @cached_property
    def held_out_similarities(self) -> tuple[Rows, ...]:
        """By fold, (texts, items) cosines; the weight of the untrained space is chosen on the other folds."""
        weights = select_weights_without_fold(self.held_out_folds)
        return tuple(
            fold.blend_with_zero_shot(weight)
            for fold, weight in zip(self.held_out_folds, weights, strict=True)
        )

    def compute_held_out_precisions(self, *, use_trained: bool) -> Floats:
        """(queries,) average precision of every held-out text and item, with the heads or the baseline."""
        similarities = (
            self.held_out_similarities
            if use_trained
            else [fold.get_baseline_similarity() for fold in self.held_out_folds]
        )
        return np.concatenate(
            [
                compute_average_precisions(similarity, fold.is_match)
                for similarity, fold in zip(similarities, self.held_out_folds, strict=True)
            ]
        )

    def estimate_gain(self, seed: int = 0) -> Difference:
        """Difference in mean average precision, in percent, to the untrained space or to chance.

        Groups are resampled and swapped whole, with all their texts.
        """
        items = np.concatenate([map_queries_to_items(fold) for fold in self.held_out_folds])
        trained, baseline = (
            100 * self.compute_held_out_precisions(use_trained=use_trained) for use_trained in (True, False)
        )
        return compare_paired(trained, baseline, seed=seed, groups=np.asarray(self.groups)[items])


def fit_heads(
    training_data: TrainingData,
    config: EnsembleConfig,
    *,
    seed: int,
    on_step: StepCallback = lambda part: None,
) -> FittedHeads:
    """Train heads for one space. `on_step` is called with parts that add up to (folds + 1) * members.

    Raises ValueError for too little training data.
    """
    folds = [
        _evaluate_fold(training_data, config, items, seed, on_step)
        for items in make_group_folds(training_data.groups, config.fold_count, seed)
    ]
    zero_shot_weight = select_zero_shot_weight(folds)
    all_items = np.arange(training_data.training_set.item_count)
    members = fit_members(training_data, config, all_items, seed, on_step)
    weights = np.mean([fold.member_weights for fold in folds], axis=0)
    heads = Heads(
        members=tuple(
            replace(member, weight=float(weight)) for member, weight in zip(members, weights, strict=True)
        ),
        encoder_signatures=training_data.encoder_signatures,
        required_roles=config.required_roles,
        zero_shot_weight=zero_shot_weight,
        domain=_fit_domain(training_data, folds) if config.rejects_out_of_domain else None,
        calibrations={TEXT_ROLE: calibrate_similarity(folds, zero_shot_weight).to_dict()},
    )
    return FittedHeads(heads=heads, held_out_folds=folds, groups=training_data.groups)


def _evaluate_fold(
    training_data: TrainingData, config: EnsembleConfig, item_indices: Ints, seed: int, on_step: StepCallback
) -> HeldOutFold:
    """Train members without these items, and compute the cosines of these items and their texts."""
    data = training_data.training_set
    training_items = np.setdiff1d(np.arange(data.item_count), item_indices)
    members = fit_members(training_data, config, training_items, seed, on_step)
    held_out = data.select_items(item_indices)
    texts = np.flatnonzero(np.isin(data.item_by_text, item_indices))
    media = held_out.first_views
    optional_roles = [role for role in media if config.required_roles and role not in config.required_roles]
    sentences = {TEXT_ROLE: data.sentence_vectors[texts]}
    text_rows_by_member = [member.text(sentences) for member in members]
    zero_shot = None
    if training_data.zero_shot_embeddings:
        item_rows, text_rows = training_data.zero_shot_embeddings
        zero_shot = text_rows[texts] @ item_rows[item_indices].T
    return HeldOutFold(
        item_indices=item_indices,
        text_indices=texts,
        # of the whole set: where items have no classes, each part numbers its own
        is_match=data.class_ids[data.item_by_text[texts]][:, None] == data.class_ids[item_indices],
        member_similarities=_compute_similarities(members, text_rows_by_member, media),
        zero_shot_similarity=zero_shot,
        partial_similarities={
            role: _compute_similarities(
                members, text_rows_by_member, {other: media[other] for other in media if other != role}
            )
            for role in optional_roles
        },
    )


def _compute_similarities(
    members: Sequence[TowerPair], text_rows_by_member: Sequence[Rows], media: Features
) -> tuple[Rows, ...]:
    """(texts, items) cosines of each member."""
    return tuple(
        text_rows @ member.media(media).T
        for member, text_rows in zip(members, text_rows_by_member, strict=True)
    )


def _fit_domain(training_data: TrainingData, held_out_folds: Sequence[HeldOutFold]) -> TextDomain:
    """The domain of all texts, with a threshold that accepts all but a few held-out texts."""
    texts, owner = training_data.training_set.sentence_vectors, training_data.training_set.item_by_text
    nearest = [
        (texts[fold.text_indices] @ texts[~np.isin(owner, fold.item_indices)].T).max(axis=1)
        for fold in held_out_folds
    ]
    min_similarity = float(np.nanquantile(np.concatenate(nearest), MAX_OUT_OF_DOMAIN_SHARE))
    in_domain = np.unique(texts[~is_missing_row(texts)], axis=0)
    return TextDomain(
        in_domain=in_domain,
        min_similarity=round(min_similarity, 4),
        out_of_domain=training_data.out_of_domain_embeddings,
    )
