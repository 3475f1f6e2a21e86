"""Towers while they are trained (torch); for use they become the numpy of `spaces.joint.space`.

JEMC's media tower is a linear projection of pooled features, its text tower a GRU over word vectors learnt
along (Mithun et al. 2018, after VSE++, Faghri et al. 2018). Beside the GRU stands a projection of sentence
vectors that a language model has made.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from encoders.base import Rows
from spaces.joint.gru import compute_last_states, is_bfloat16_faster
from spaces.joint.space import MAX_Z_SCORE, TEXT_ROLE, Layer, LinearInput, Tower, TowerPair
from spaces.joint.training_set import Batch, TrainingSet, trim_padding
from spaces.standardisation import MIN_RELATIVE_SD

BatchLoss = Callable[
    [Tensor, Tensor | None], Tensor
]  # similarities (v, t), where pairs are of one item -> ()
MaskedFeatures = Mapping[str, tuple[Tensor, Tensor]]  # role -> rows (n, d), and where they are there (n,)

CHUNK_ROWS = 512  # texts or items embedded at a time


class InputLayer(nn.Module):
    """One role's way in: standardised, dropped out, mapped; a learnt row stands in where it is missing."""

    mean: Tensor
    scale: Tensor

    def __init__(self, input_dim: int, dim: int, dropout: float, power: float = 1.0) -> None:
        super().__init__()
        self.power = power
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("scale", torch.ones(input_dim))
        self.weight = nn.Parameter(torch.empty(input_dim, dim))
        self.absent = nn.Parameter(torch.zeros(dim))
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """(n, dim) of raw rows (n, d), 0 where missing, and where they are there (n,)."""
        standard = ((self._apply_power(rows) - self.mean) / self.scale).clamp(-MAX_Z_SCORE, MAX_Z_SCORE)
        return torch.where(mask[:, None], self.dropout(standard) @ self.weight, self.absent)

    @torch.no_grad()
    def fit_standardisation(self, rows: Tensor, *, per_column: bool = True) -> None:
        """Take mean and scale from rows (n, d): of each column, or one scale for all, which keeps angles."""
        if len(rows) == 0:
            return
        rows = self._apply_power(rows)
        self.mean.copy_(rows.mean(0))
        spread = rows.std(0, correction=0) if per_column else rows.std(0, correction=0).square().mean().sqrt()
        varies = spread > MIN_RELATIVE_SD * self.mean.abs().clamp(min=1)
        self.scale.copy_(torch.where(varies, spread, 1))

    def _apply_power(self, rows: Tensor) -> Tensor:
        return rows if self.power == 1 else rows.sign() * rows.abs().pow(self.power)


class Projection(nn.Module):
    """Raw rows of one or more roles to unit rows (n, dim): one linear map each, summed, then hidden layers.

    A sum of linear maps is the linear map of the rows side by side, as in JEMC, but lets a role be missing.
    """

    def __init__(
        self,
        input_dims: Mapping[str, int],
        dim: int,
        *,
        dropout: float = 0.0,
        hidden_dims: Sequence[int] = (),
        power: float = 1.0,
    ) -> None:
        super().__init__()
        sizes = [*hidden_dims, dim]
        self.inputs = nn.ModuleDict(
            {role: InputLayer(width, sizes[0], dropout, power) for role, width in input_dims.items()}
        )
        self.bias = nn.Parameter(torch.zeros(sizes[0]))
        self.layers = nn.ModuleList([nn.Linear(left, right) for left, right in itertools.pairwise(sizes)])
        self.hidden_dropout = nn.Dropout(dropout)

    @property
    def input_layers(self) -> dict[str, InputLayer]:
        """Each role's way in."""
        return {role: cast(InputLayer, way) for role, way in self.inputs.items()}

    @property
    def hidden_layers(self) -> list[nn.Linear]:
        """The layers behind the first."""
        return [cast(nn.Linear, layer) for layer in self.layers]

    def forward(self, features: MaskedFeatures) -> Tensor:
        """(n, dim) unit rows."""
        rows = self.bias + torch.stack([way(*features[role]) for role, way in self.input_layers.items()]).sum(
            0
        )
        for layer in self.hidden_layers:
            rows = layer(self.hidden_dropout(torch.relu(rows)))
        return normalize(rows, dim=1)

    def fit_standardisation(self, features: Mapping[str, Tensor], *, per_column: bool = True) -> None:
        """Take every role's mean and scale from rows (n, d) that are there."""
        for role, way in self.input_layers.items():
            way.fit_standardisation(features[role], per_column=per_column)

    @torch.no_grad()
    def init_orthogonal(self) -> None:
        """Begin with rows as they are, less the mean, turned at random: all angles between them are kept.

        Raises ValueError for more than one role, hidden layers, or a space narrower than the rows.
        """
        weights = [way.weight for way in self.input_layers.values()]
        if len(weights) != 1 or self.hidden_layers or weights[0].shape[0] > weights[0].shape[1]:
            raise ValueError("only one role, without hidden layers, in a space as wide, can keep its angles")
        nn.init.orthogonal_(weights[0])

    def to_tower(self) -> Tower:
        """The same in numpy."""
        return Tower(
            inputs={role: _to_linear_input(way) for role, way in self.input_layers.items()},
            bias=_to_numpy(self.bias),
            layers=tuple(
                Layer(weight=_to_numpy(layer.weight.T), bias=_to_numpy(layer.bias))
                for layer in self.hidden_layers
            ),
        )


class SentenceTower(nn.Module):
    """Sentence vectors (n, d) to unit rows (n, dim); a space wide enough begins with their angles."""

    def __init__(self, input_dim: int, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.projection = Projection({TEXT_ROLE: input_dim}, dim, dropout=dropout)
        if input_dim <= dim:
            self.projection.init_orthogonal()

    def forward(self, texts: Tensor) -> Tensor:
        """(n, dim) unit rows."""
        return self.projection({TEXT_ROLE: (texts, torch.ones(len(texts), dtype=torch.bool))})

    def fit_standardisation(self, texts: Tensor) -> None:
        """Centre on the training texts that are there."""
        self.projection.fit_standardisation({TEXT_ROLE: texts[~texts.isnan().any(1)]}, per_column=False)

    def to_tower(self) -> Tower:
        """The same in numpy."""
        return self.projection.to_tower()


class GRUTower(nn.Module):
    """Word numbers (n, length) to unit rows (n, dim): word vectors and a GRU, its last state.

    vectors:  (words, d) to begin with, NaN for words without; by default all drawn from (-.1, .1) as in VSE++
    bfloat16: the GRU's products round their factors to it, weights and sums stay float32; by default where
              that pays, a matter of `dim` and the CPU alone: a machine always gives the same bits
    """

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        *,
        word_dim: int = 300,
        word_vectors: Rows | None = None,
        use_bfloat16: bool | None = None,
    ) -> None:
        super().__init__()
        self.use_bfloat16 = is_bfloat16_faster(dim) if use_bfloat16 is None else use_bfloat16
        self.embedding = nn.Embedding(
            vocabulary_size, word_dim if word_vectors is None else word_vectors.shape[1], padding_idx=0
        )
        self.gru = nn.GRU(self.embedding.embedding_dim, dim, batch_first=True)
        with torch.no_grad():
            self.embedding.weight.uniform_(-0.1, 0.1)
            if word_vectors is not None:
                given = torch.from_numpy(word_vectors)
                self.embedding.weight.copy_(torch.where(given.isnan(), self.embedding.weight, given))
            self.embedding.weight[0] = 0

    def forward(self, texts: Tensor) -> Tensor:
        """(n, dim) unit rows."""
        return normalize(
            compute_last_states(self.gru, self.embedding, texts, use_bfloat16=self.use_bfloat16), dim=1
        )

    def fit_standardisation(self, texts: Tensor) -> None:
        """Nothing: all is learnt."""


class JointModel(nn.Module):
    """One space of its own: roles projected together, against words."""

    def __init__(self, media: Projection, text: SentenceTower | GRUTower) -> None:
        super().__init__()
        self.media, self.text = media, text

    def fit_standardisation(self, training_set: TrainingSet) -> None:
        """Take means and scales from the training items that are there, in every view."""
        there = {role: rows[here] for role, (rows, here) in training_set.feature_tensors.items()}
        self.media.fit_standardisation(there)
        self.text.fit_standardisation(training_set.text_tensor)

    def compute_loss(self, batch: Batch, loss: BatchLoss) -> Tensor:
        """() of a batch: every pair of item and text against the others."""
        return loss(self.media(batch.features) @ self.text(batch.texts).T, batch.same_class)

    @torch.no_grad()
    def encode_media(self, training_set: TrainingSet) -> Rows:
        """(items, dim) unit rows, of the first view; NaN where no role says anything."""
        return _encode_in_chunks(
            training_set.item_count,
            lambda at: _project_masked(self.media, _select_first_views(training_set, at)),
        )

    @torch.no_grad()
    def encode_texts(self, texts: Tensor) -> Rows:
        """(texts, dim) unit rows."""
        return _encode_in_chunks(len(texts), lambda at: self.text(trim_padding(texts[at])))

    def to_tower_pair(self, weight: float = 1.0) -> TowerPair:
        """For use. Raises TypeError for a text tower that reads words one by one."""
        if not isinstance(self.text, SentenceTower):
            raise TypeError("a GRU has no place in a library: train with sentence vectors")
        return TowerPair(media=self.media.to_tower(), text=self.text.to_tower(), weight=weight)


class SharedModel(nn.Module):
    """One space for all (JEMC's row 1.4, after Aytar et al. 2017): each role has its own projection.

    The first role is drawn to words, every other role to the first; a query meets the mean of what is there.
    """

    def __init__(self, media: Mapping[str, Projection], text: SentenceTower | GRUTower) -> None:
        super().__init__()
        self.media, self.text = nn.ModuleDict(dict(media)), text

    @property
    def projections(self) -> dict[str, Projection]:
        """Each role's projection."""
        return {role: cast(Projection, way) for role, way in self.media.items()}

    def fit_standardisation(self, training_set: TrainingSet) -> None:
        """As `Joint.prepare`."""
        for role, (rows, here) in training_set.feature_tensors.items():
            self.projections[role].fit_standardisation({role: rows[here]})
        self.text.fit_standardisation(training_set.text_tensor)

    def compute_loss(self, batch: Batch, loss: BatchLoss) -> Tensor:
        """() of a batch: words against the first role, the first role against the others."""
        first, *others = self.projections
        main, here = self.projections[first](batch.features), batch.features[first][1]
        total = 0 * main.sum()
        if here.any():
            total = loss((main @ self.text(batch.texts).T)[here][:, here], batch.same_class[here][:, here])
        for role in others:
            both = here & batch.features[role][1]
            if both.any():
                table = main[both] @ self.projections[role](batch.features)[both].T
                total = total + loss(table, batch.same_class[both][:, both])
        return total

    @torch.no_grad()
    def encode_media(self, training_set: TrainingSet) -> Rows:
        """As `Joint.media_rows`: the mean over the roles that say something, unit length."""

        def encode_slice(item_slice: slice) -> Tensor:
            found = _select_first_views(training_set, item_slice)
            apart = torch.stack(
                [_project_masked(way, {role: found[role]}) for role, way in self.projections.items()]
            )
            return normalize(apart.nanmean(0), dim=1)

        return _encode_in_chunks(training_set.item_count, encode_slice)

    @torch.no_grad()
    def encode_texts(self, texts: Tensor) -> Rows:
        """As `Joint.text_rows`."""
        return _encode_in_chunks(len(texts), lambda at: self.text(trim_padding(texts[at])))


Model = JointModel | SharedModel


def _select_first_views(training_set: TrainingSet, item_slice: slice) -> MaskedFeatures:
    return {
        role: (rows[item_slice, 0], there[item_slice, 0])
        for role, (rows, there) in training_set.feature_tensors.items()
    }


def _project_masked(projection: Projection, features: MaskedFeatures) -> Tensor:
    """Unit rows, NaN where nothing is there."""
    nothing = ~torch.stack([features[role][1] for role in projection.input_layers]).any(0)
    rows: Tensor = projection(features)
    return rows.masked_fill(nothing[:, None], math.nan)


def _encode_in_chunks(row_count: int, encode: Callable[[slice], Tensor]) -> Rows:
    parts = [encode(slice(start, start + CHUNK_ROWS)).numpy() for start in range(0, row_count, CHUNK_ROWS)]
    return np.concatenate(parts)


def _to_linear_input(layer: InputLayer) -> LinearInput:
    return LinearInput(
        mean=_to_numpy(layer.mean),
        scale=_to_numpy(layer.scale),
        weight=_to_numpy(layer.weight),
        absent=_to_numpy(layer.absent),
        power=layer.power,
    )


def _to_numpy(tensor: Tensor) -> Rows:
    return tensor.detach().numpy().astype(np.float32).copy()
