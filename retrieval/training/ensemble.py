"""The members of one space's heads: what they are trained on, and their training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from encoders import Rows
from losses import LOSSES
from spaces import Features, Space
from spaces.joint import (
    TEXT_ROLE,
    WORDS_VIEW,
    Ints,
    KernelRidgeConfig,
    Schedule,
    TowerPair,
    Trainer,
    TrainingSet,
    fit_kernel_ridge_tower_pair,
    fit_ridge_tower_pair,
    fit_two_sided_tower_pair,
)
from spaces.joint.towers import JointModel, Projection, SentenceTower

StepCallback = Callable[[float], None]  # called with the part of a training done since the last call

RIDGE_LOSS = "ridge"
KERNEL_RIDGE_LOSS = "kernel ridge"
TWO_SIDED_LOSS = "two-sided kernel ridge"
RIDGE_WHITENING = 0.5  # of the texts of a ridge: half-way to all directions alike
TWO_SIDED_WIDTH = 1.0  # of its kernels: items of 2 a column apart, as unrelated ones are, have exp(-2)


@dataclass(frozen=True, kw_only=True)
class EnsembleConfig:
    """The members to train, one for each of `losses`, each with its own seed.

    losses:        names in `losses.LOSSES`, or in `CLOSED_FORMS`
    warmup_loss:   name of the loss of the first epochs of the schedule, "" for none
    dim:           of the joint space of a member; of one trained by gradient at least as wide as sentence
        vectors, as texts start with their own angles; a closed form onto texts has the width of these
    feature_power: of every media feature, see `spaces.joint.space.LinearInput`
    dropout, text_dropout: shares of the inputs dropped in training
    fold_count:    number of folds held out in turn
    min_landmark_items: least number of items that a landmark of a kernel averages; 1 stores items as they are
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
    min_landmark_items: int = 2
    rejects_out_of_domain: bool = False
    required_roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """Training data of one space.

    training_set: items by role, in one view or more, and unit sentence vectors
    groups:       (items,) groups that are never split between training and held-out data
    encoder_signatures: by role, the text encoder's included
    zero_shot_embeddings: unit rows of items (items, d) and texts (texts, d) in the untrained space, if it has
    text
    out_of_domain_embeddings: (s, d) unit sentence vectors of out-of-domain texts, for `rejects_out_of_domain`
    descriptions: unit sentence vectors (n, d) of further texts and (n,) the item of each: what two-sided
        kernel ridge maps to, beside captions; they are no held-out queries
    """

    training_set: TrainingSet
    groups: Sequence[str]
    encoder_signatures: Mapping[str, str]
    zero_shot_embeddings: tuple[Rows, Rows] | None = None
    out_of_domain_embeddings: Rows | None = None
    descriptions: tuple[Rows, Ints] | None = None

    @property
    def described_set(self) -> TrainingSet | None:
        """The items with their descriptions as texts, None without any."""
        if self.descriptions is None:
            return None
        rows, item_by_text = self.descriptions
        return replace(self.training_set, texts=rows, item_by_text=item_by_text)


def project_zero_shot(space: Space, features: Features, sentence_vectors: Rows) -> tuple[Rows, Rows] | None:
    """Unit rows of items' features and of raw sentence vectors in an untrained space; None without text."""
    items = space.project(features).get(WORDS_VIEW)
    texts = space.project({TEXT_ROLE: sentence_vectors}).get(WORDS_VIEW)
    return None if items is None or texts is None else (items, texts)


def fit_members(
    training_data: TrainingData,
    config: EnsembleConfig,
    item_indices: Ints,
    seed: int,
    on_step: StepCallback = lambda part: None,
) -> list[TowerPair]:
    """One member for each loss, trained on these items only."""
    training_set = training_data.training_set.select_items(item_indices)
    described_set = training_data.described_set
    if described_set is not None:
        described_set = described_set.select_items(item_indices)
    members = []
    for number, loss in enumerate(config.losses):
        if loss in CLOSED_FORMS:
            members.append(CLOSED_FORMS[loss](training_set, described_set, config))
            on_step(1.0)
        else:
            members.append(_train_member(training_set, config, loss, seed + 1000 * number, on_step))
    return members


def _fit_ridge(
    training_set: TrainingSet, described_set: TrainingSet | None, config: EnsembleConfig
) -> TowerPair:
    return fit_ridge_tower_pair(training_set, whitening_strength=RIDGE_WHITENING)


def _fit_kernel_ridge(
    training_set: TrainingSet, described_set: TrainingSet | None, config: EnsembleConfig
) -> TowerPair:
    kernel = _make_kernel_config(training_set, config)
    return fit_kernel_ridge_tower_pair(training_set, kernel, whitening_strength=RIDGE_WHITENING)


def _fit_two_sided(
    training_set: TrainingSet, described_set: TrainingSet | None, config: EnsembleConfig
) -> TowerPair:
    kernel = replace(_make_kernel_config(training_set, config), width=TWO_SIDED_WIDTH)
    return fit_two_sided_tower_pair(
        training_set, described_set, kernel, dim=config.dim, whitening_strength=RIDGE_WHITENING
    )


def _make_kernel_config(training_set: TrainingSet, config: EnsembleConfig) -> KernelRidgeConfig:
    powers = dict.fromkeys(training_set.features, config.feature_power)
    return KernelRidgeConfig(powers=powers, min_landmark_items=config.min_landmark_items)


CLOSED_FORMS: dict[str, Callable[[TrainingSet, TrainingSet | None, EnsembleConfig], TowerPair]] = {
    RIDGE_LOSS: _fit_ridge,
    KERNEL_RIDGE_LOSS: _fit_kernel_ridge,
    TWO_SIDED_LOSS: _fit_two_sided,
}


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
    has_warmup = config.warmup_loss not in ("", loss_name)
    Trainer(
        model=model,
        training_set=training_set,
        loss=LOSSES[loss_name](),
        warmup_loss=LOSSES[config.warmup_loss]() if has_warmup else None,
        schedule=config.schedule,
        seed=seed,
        on_epoch=lambda epoch: on_step(1 / config.schedule.epochs),
    ).run()
    return model.to_tower_pair()
