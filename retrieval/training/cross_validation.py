"""Fitting the heads of one space, and knowing how good they are.

Whatever is chosen or told here (the share of the untrained space, calibrations, gains) comes from items that
the heads it was measured with had not seen: parts are held out in turn, whole groups at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from encoders.base import Rows, is_missing_row
from fusion.late_fusion import Calibration, fit_calibration
from losses import LOSSES
from retrieval.evaluation import Difference, compare_paired
from retrieval.evaluation.splits import make_group_folds
from retrieval.search.calibration import MATCH_PRIOR
from spaces.base import Features, Space
from spaces.joint.ridge import fit_ridge_tower_pair
from spaces.joint.space import TEXT_ROLE, WORDS_VIEW, Heads, TextDomain, TowerPair
from spaces.joint.towers import JointModel, Projection, SentenceTower
from spaces.joint.training import Schedule, Trainer
from spaces.joint.training_set import Ints, TrainingSet

StepCallback = Callable[[float], None]  # called with the part of a training that was done since the last call
Floats = npt.NDArray[np.float64]

RIDGE_LOSS = "ridge"
MIN_COSINE_SD = 1e-6  # spread of cosines
RIDGE_WHITENING = 0.5  # of the words of a ridge: half-way to all directions alike
ZERO_SHOT_WEIGHTS = (
    0.0,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.8,
)  # of the untrained space, tried on what was held out
MAX_OUT_OF_DOMAIN_SHARE = 0.03  # share of held-out texts that may be taken for foreign


@dataclass(frozen=True, kw_only=True)
class EnsembleConfig:
    """What to train: one member for each of `losses`, each from another seed.

    losses:  names in `losses.LOSSES`, or "ridge" for least squares; with `warmup_loss` another loss leads
        the first part of the schedule
    dim:     of the joint space; where it is as wide as sentence vectors, texts begin with their own angles
    feature_power: of every media feature, see `spaces.joint.space.LinearInput`
    dropout, text_dropout: shares of the inputs left out in training
    fold_count: parts held out in turn
    rejects_out_of_domain: whether texts far from all training texts abstain
    required_roles: media roles without which an item abstains
    """

    losses: tuple[str, ...]
    schedule: Schedule
    warmup_loss: str = ""
    dim: int = 768
    feature_power: float = 1.0
    dropout: float = 0.7
    text_dropout: float = 0.1
    fold_count: int = 4
    rejects_out_of_domain: bool = False
    required_roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """What to learn from.

        training_set: items by role, in one view or more, and unit sentence vectors groups:    (items,) what
            is never torn apart between what is learnt and what is held out encoder_signatures: signatures
            by role, the text expert's too zero_shot_embeddings: unit rows of the untrained space, items
            (items, d) and texts (texts, d), if it has words
    out_of_domain_embeddings: (s, d) unit sentence vectors of words about something else, for a plan that is
        gated
    """

    training_set: TrainingSet
    groups: Sequence[str]
    encoder_signatures: Mapping[str, str]
    zero_shot_embeddings: tuple[Rows, Rows] | None = None
    out_of_domain_embeddings: Rows | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOutFold:
    """One fold that was held out: items and texts by number, cosines (texts, items) in both spaces."""

    item_indices: Ints
    text_indices: Ints
    is_match: npt.NDArray[np.bool_]  # (texts, items) which match
    member_similarities: tuple[Rows, ...]
    zero_shot_similarity: Rows | None

    @property
    def member_weights(self) -> Floats:
        """(members,) so that the cosines of each vary alike; they add up to 1."""
        inverse = 1 / np.array(
            [max(float(np.nanstd(one)), MIN_COSINE_SD) for one in self.member_similarities]
        )
        return np.asarray(inverse / inverse.sum())

    @cached_property
    def trained_similarity(self) -> Rows:
        """(texts, items) of the members together."""
        return np.asarray(
            np.average(self.member_similarities, axis=0, weights=self.member_weights), np.float32
        )

    def blend_with_zero_shot(self, zero_shot_weight: float) -> Rows:
        """(texts, items) with so much of the untrained space, where there is one."""
        if self.zero_shot_similarity is None or zero_shot_weight == 0:
            return self.trained_similarity
        return (1 - zero_shot_weight) * self.trained_similarity + zero_shot_weight * np.nan_to_num(
            self.zero_shot_similarity
        )  # 0 where that abstains

    def get_baseline_similarity(self) -> Rows:
        """(texts, items) of the untrained space, or of no knowledge at all: numbers drawn at random."""
        if self.zero_shot_similarity is not None:
            return self.zero_shot_similarity
        return np.random.default_rng(0).random(self.trained_similarity.shape, np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedHeads:
    """Heads trained on all items, the folds held out beforehand, and the (items,) groups they keep whole.

    The share of the untrained space was chosen on these folds, of eight, so figures with it are a little
    better than the truth.
    """

    heads: Heads
    held_out_folds: Sequence[HeldOutFold]
    groups: Sequence[str]

    def compute_held_out_precisions(self, *, use_trained: bool) -> Floats:
        """(queries,) average precision of every held-out text and item; untrained, or else by chance."""
        share = self.heads.zero_shot_weight if use_trained else 1.0
        return np.concatenate(
            [
                compute_average_precisions(
                    one.blend_with_zero_shot(share) if use_trained else one.get_baseline_similarity(),
                    one.is_match,
                )
                for one in self.held_out_folds
            ]
        )

    def estimate_gain(self, seed: int = 0) -> Difference:
        """Of mean average precision in percent: trained less untrained, or less chance where that is mute.

        Groups are drawn and swapped whole, with all their texts.
        """
        groups = np.asarray(self.groups)[
            np.concatenate([_map_queries_to_items(one) for one in self.held_out_folds])
        ]
        after, before = (
            100 * self.compute_held_out_precisions(use_trained=trained) for trained in (True, False)
        )
        return compare_paired(after, before, seed=seed, groups=groups)


def project_zero_shot(space: Space, features: Features, sentence_vectors: Rows) -> tuple[Rows, Rows] | None:
    """Where an untrained space puts items' features and raw sentence vectors; None without words."""
    seen, said = (
        space.project(features).get(WORDS_VIEW),
        space.project({TEXT_ROLE: sentence_vectors}).get(WORDS_VIEW),
    )
    return None if seen is None or said is None else (seen, said)


def fit_heads(
    training_data: TrainingData,
    config: EnsembleConfig,
    *,
    seed: int,
    on_step: StepCallback = lambda part: None,
) -> FittedHeads:
    """Heads for one space. `on_step` is called with parts that add up to (folds + 1) * members trainings.

    Raises ValueError where there is too little to learn from.
    """
    held = [
        _evaluate_fold(training_data, config, items, seed, on_step)
        for items in make_group_folds(training_data.groups, config.fold_count, seed)
    ]
    share = select_zero_shot_weight(held)
    found = fit_members(
        training_data, config, np.arange(training_data.training_set.item_count), seed, on_step
    )
    weights = np.mean([one.member_weights for one in held], axis=0)
    heads = Heads(
        members=tuple(replace(one, weight=float(weight)) for one, weight in zip(found, weights, strict=True)),
        encoder_signatures=training_data.encoder_signatures,
        required_roles=config.required_roles,
        zero_shot_weight=share,
        domain=_fit_domain(training_data, held) if config.rejects_out_of_domain else None,
        calibrations={TEXT_ROLE: calibrate_similarity(held, share).to_dict()},
    )
    return FittedHeads(heads=heads, held_out_folds=held, groups=training_data.groups)


def fit_members(
    training_data: TrainingData,
    config: EnsembleConfig,
    item_indices: Ints,
    seed: int,
    on_step: StepCallback = lambda part: None,
) -> list[TowerPair]:
    """One member for each loss of the plan, trained on these items alone."""
    material = training_data.training_set.select_items(item_indices)
    found = []
    for number, loss in enumerate(config.losses):
        if loss == RIDGE_LOSS:
            found.append(fit_ridge_tower_pair(material, whitening_strength=RIDGE_WHITENING))
            on_step(1.0)
        else:
            found.append(_train_member(material, config, loss, seed + 1000 * number, on_step))
    return found


def _train_member(
    training_set: TrainingSet,
    config: EnsembleConfig,
    loss_name: str,
    seed: int,
    on_step: StepCallback = lambda part: None,
) -> TowerPair:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        media = Projection(
            training_set.feature_dims, config.dim, dropout=config.dropout, power=config.feature_power
        )
        model = JointModel(
            media, SentenceTower(training_set.texts.shape[1], config.dim, dropout=config.text_dropout)
        )
    Trainer(
        model=model,
        training_set=training_set,
        loss=LOSSES[loss_name](),
        warmup_loss=LOSSES[config.warmup_loss]()
        if config.warmup_loss and config.warmup_loss != loss_name
        else None,
        schedule=config.schedule,
        seed=seed,
        on_epoch=lambda epoch: on_step(1 / config.schedule.epochs),
    ).run()
    return model.to_tower_pair()


def _evaluate_fold(
    training_data: TrainingData, config: EnsembleConfig, item_indices: Ints, seed: int, on_step: StepCallback
) -> HeldOutFold:
    """Train without these items; how they and their texts then lie."""
    rest = np.setdiff1d(np.arange(training_data.training_set.item_count), item_indices)
    found = fit_members(training_data, config, rest, seed, on_step)
    material = training_data.training_set
    part = material.select_items(item_indices)
    texts = np.flatnonzero(np.isin(material.item_by_text, item_indices))
    media, said = [one.media(part.first_views) for one in found], material.sentence_vectors[texts]
    cosines = [one.text({TEXT_ROLE: said}) @ rows.T for one, rows in zip(found, media, strict=True)]
    untrained = None
    if training_data.zero_shot_embeddings:
        untrained = (
            training_data.zero_shot_embeddings[1][texts]
            @ training_data.zero_shot_embeddings[0][item_indices].T
        )
    right = material.class_ids[material.item_by_text[texts]][:, None] == part.class_ids
    return HeldOutFold(
        item_indices=item_indices,
        text_indices=texts,
        is_match=right,
        member_similarities=tuple(cosines),
        zero_shot_similarity=untrained,
    )


def select_zero_shot_weight(held_out_folds: Sequence[HeldOutFold]) -> float:
    """The share of the untrained space with the best mean average precision, both ways."""
    if held_out_folds[0].zero_shot_similarity is None:
        return 0.0
    scores = [
        np.mean(
            [
                compute_average_precisions(one.blend_with_zero_shot(share), one.is_match).mean()
                for one in held_out_folds
            ]
        )
        for share in ZERO_SHOT_WEIGHTS
    ]
    return ZERO_SHOT_WEIGHTS[int(np.argmax(scores))]


def compute_average_precisions(similarity: Rows, is_match: npt.NDArray[np.bool_]) -> Floats:
    """(texts + items,) average precision of each text among the items, then of each item among the texts.

    With one right answer it is the reciprocal rank; without any it is 0. What is missing ranks last.
    """
    return np.concatenate(
        [
            _compute_row_average_precisions(similarity, is_match),
            _compute_row_average_precisions(similarity.T, is_match.T),
        ]
    )


def _compute_row_average_precisions(similarity: Rows, is_match: npt.NDArray[np.bool_]) -> Floats:
    order = np.argsort(-np.nan_to_num(similarity, nan=-np.inf), axis=1, kind="stable")
    hits = np.take_along_axis(is_match, order, axis=1)
    found = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((found * hits).sum(axis=1) / np.maximum(hits.sum(axis=1), 1), np.float64)


def calibrate_similarity(held_out_folds: Sequence[HeldOutFold], zero_shot_weight: float) -> Calibration:
    """How to read cosines of texts and items that the heads had not seen."""
    right = np.concatenate(
        [one.blend_with_zero_shot(zero_shot_weight)[one.is_match] for one in held_out_folds]
    )
    rest = np.concatenate(
        [one.blend_with_zero_shot(zero_shot_weight)[~one.is_match] for one in held_out_folds]
    )
    return fit_calibration(rest, right, MATCH_PRIOR)


def _map_queries_to_items(fold: HeldOutFold) -> Ints:
    """(texts + items,) the item each query of `compute_average_precisions` belongs to."""
    first = fold.is_match.argmax(axis=1)
    return np.concatenate([fold.item_indices[first], fold.item_indices])


def _fit_domain(training_data: TrainingData, held_out_folds: Sequence[HeldOutFold]) -> TextDomain:
    """All texts, and how near a text asked of what was held out has one of the rest, but for a few."""
    texts, owner = training_data.training_set.sentence_vectors, training_data.training_set.item_by_text
    nearest = [
        (texts[one.text_indices] @ texts[~np.isin(owner, one.item_indices)].T).max(axis=1)
        for one in held_out_folds
    ]
    least = float(np.nanquantile(np.concatenate(nearest), MAX_OUT_OF_DOMAIN_SHARE))
    kept = np.unique(texts[~is_missing_row(texts)], axis=0)
    return TextDomain(
        in_domain=kept, min_similarity=round(least, 4), out_of_domain=training_data.out_of_domain_embeddings
    )
