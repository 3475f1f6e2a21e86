"""Joint models while they are trained (torch): one projection of all roles, or one for each role."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from encoders import Rows
from spaces.joint.space import TowerPair
from spaces.joint.towers.projection import MaskedFeatures, Projection
from spaces.joint.towers.text_towers import GRUTower, SentenceTower
from spaces.joint.trainable_model import BatchLoss, TrainableModel
from spaces.joint.training_set import Batch, TrainingSet, trim_padding

CHUNK_ROWS = 512  # texts or items embedded at a time


class JointModel(TrainableModel):
    """One space: all roles in one projection, against texts."""

    def __init__(self, media: Projection, text: SentenceTower | GRUTower) -> None:
        super().__init__()
        self.media, self.text = media, text

    def fit_standardisation(self, training_set: TrainingSet) -> None:
        """Set means and scales from the present training items, in every view."""
        present = {role: rows[mask] for role, (rows, mask) in training_set.feature_tensors.items()}
        self.media.fit_standardisation(present)
        self.text.fit_standardisation(training_set.text_tensor)

    def compute_loss(self, batch: Batch, loss: BatchLoss) -> Tensor:
        """The loss () of a batch: each pair of item and text against the others."""
        return loss(self.media(batch.features) @ self.text(batch.texts).T, batch.same_class)

    @torch.no_grad()
    def encode_media(self, training_set: TrainingSet) -> Rows:
        """(items, dim) unit rows of the first views; NaN where every role is missing."""
        return _encode_in_chunks(
            training_set.item_count,
            lambda chunk: _project_masked(self.media, _select_first_views(training_set, chunk)),
        )

    @torch.no_grad()
    def encode_texts(self, texts: Tensor) -> Rows:
        """(texts, dim) unit rows."""
        return _encode_in_chunks(len(texts), lambda chunk: self.text(trim_padding(texts[chunk])))

    def to_tower_pair(self, weight: float = 1.0) -> TowerPair:
        """The towers in numpy. Raises TypeError for a GRU."""
        if not isinstance(self.text, SentenceTower):
            raise TypeError("a GRU has no place in a library: train with sentence vectors")
        return TowerPair(media=self.media.to_tower(), text=self.text.to_tower(), weight=weight)


class SharedModel(TrainableModel):
    """One space shared by all roles (JEMC's row 1.4, after Aytar et al. 2017), with a projection for each.

    Training pulls the first role towards the texts and every other role towards the first; an item's row is
    the mean over its present roles.
    """

    def __init__(self, media: Mapping[str, Projection], text: SentenceTower | GRUTower) -> None:
        super().__init__()
        self.media, self.text = nn.ModuleDict(dict(media)), text

    @property
    def projections(self) -> dict[str, Projection]:
        """The projection of each role."""
        return {role: cast(Projection, module) for role, module in self.media.items()}

    def fit_standardisation(self, training_set: TrainingSet) -> None:
        """As `JointModel.fit_standardisation`."""
        for role, (rows, mask) in training_set.feature_tensors.items():
            self.projections[role].fit_standardisation({role: rows[mask]})
        self.text.fit_standardisation(training_set.text_tensor)

    def compute_loss(self, batch: Batch, loss: BatchLoss) -> Tensor:
        """The loss () of a batch: texts against the first role, the first role against the others."""
        first, *others = self.projections
        main, has_first = self.projections[first](batch.features), batch.features[first][1]
        total = 0 * main.sum()
        if has_first.any():
            similarity = (main @ self.text(batch.texts).T)[has_first][:, has_first]
            total = loss(similarity, batch.same_class[has_first][:, has_first])
        for role in others:
            has_both = has_first & batch.features[role][1]
            if has_both.any():
                similarity = main[has_both] @ self.projections[role](batch.features)[has_both].T
                total = total + loss(similarity, batch.same_class[has_both][:, has_both])
        return total

    @torch.no_grad()
    def encode_media(self, training_set: TrainingSet) -> Rows:
        """As `JointModel.encode_media`: the mean over the present roles, unit length."""

        def encode_slice(item_slice: slice) -> Tensor:
            views = _select_first_views(training_set, item_slice)
            rows_by_role = [
                _project_masked(projection, {role: views[role]})
                for role, projection in self.projections.items()
            ]
            return normalize(torch.stack(rows_by_role).nanmean(0), dim=1)

        return _encode_in_chunks(training_set.item_count, encode_slice)

    @torch.no_grad()
    def encode_texts(self, texts: Tensor) -> Rows:
        """As `JointModel.encode_texts`."""
        return _encode_in_chunks(len(texts), lambda chunk: self.text(trim_padding(texts[chunk])))


Model = JointModel | SharedModel


def _select_first_views(training_set: TrainingSet, item_slice: slice) -> MaskedFeatures:
    return {
        role: (rows[item_slice, 0], mask[item_slice, 0])
        for role, (rows, mask) in training_set.feature_tensors.items()
    }


def _project_masked(projection: Projection, features: MaskedFeatures) -> Tensor:
    """Unit rows, NaN where every role is missing."""
    is_missing = ~torch.stack([features[role][1] for role in projection.input_layers]).any(0)
    rows: Tensor = projection(features)
    return rows.masked_fill(is_missing[:, None], math.nan)


def _encode_in_chunks(row_count: int, encode: Callable[[slice], Tensor]) -> Rows:
    chunks = [encode(slice(start, start + CHUNK_ROWS)).numpy() for start in range(0, row_count, CHUNK_ROWS)]
    return np.concatenate(chunks)
