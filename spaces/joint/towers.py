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
from spaces.joint.gru import bfloat16_pays, last_states
from spaces.joint.space import FARTHEST, LEAST_SPREAD, TEXT, Layer, Member, Reader, Tower
from spaces.joint.training_set import Batch, Material, trimmed

Loss = Callable[[Tensor, Tensor | None], Tensor]  # similarities (v, t), where pairs are of one item -> ()
Present = Mapping[str, tuple[Tensor, Tensor]]  # role -> rows (n, d), and where they are there (n,)

CHUNK = 512  # texts or items embedded at a time


class Input(nn.Module):
    """One role's way in: standardised, dropped out, mapped; a learnt row stands in where it is missing."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, dim: int, dropout: float, power: float = 1.0) -> None:
        super().__init__()
        self.power = power
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.weight = nn.Parameter(torch.empty(width, dim))
        self.absent = nn.Parameter(torch.zeros(dim))
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        """(n, dim) of raw rows (n, d), 0 where missing, and where they are there (n,)."""
        standard = ((self._powered(rows) - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)
        return torch.where(there[:, None], self.dropout(standard) @ self.weight, self.absent)

    @torch.no_grad()
    def standardise(self, rows: Tensor, *, each: bool = True) -> None:
        """Take mean and scale from rows (n, d): of each column, or one scale for all, which keeps angles."""
        if len(rows) == 0:
            return
        rows = self._powered(rows)
        self.mean.copy_(rows.mean(0))
        spread = rows.std(0, correction=0) if each else rows.std(0, correction=0).square().mean().sqrt()
        varies = spread > LEAST_SPREAD * self.mean.abs().clamp(min=1)
        self.scale.copy_(torch.where(varies, spread, 1))

    def _powered(self, rows: Tensor) -> Tensor:
        return rows if self.power == 1 else rows.sign() * rows.abs().pow(self.power)


class Projection(nn.Module):
    """Raw rows of one or more roles to unit rows (n, dim): one linear map each, summed, then hidden layers.

    A sum of linear maps is the linear map of the rows side by side, as in JEMC, but lets a role be missing.
    """

    def __init__(
        self,
        widths: Mapping[str, int],
        dim: int,
        *,
        dropout: float = 0.0,
        hidden: Sequence[int] = (),
        power: float = 1.0,
    ) -> None:
        super().__init__()
        sizes = [*hidden, dim]
        self.inputs = nn.ModuleDict(
            {role: Input(width, sizes[0], dropout, power) for role, width in widths.items()}
        )
        self.bias = nn.Parameter(torch.zeros(sizes[0]))
        self.layers = nn.ModuleList([nn.Linear(left, right) for left, right in itertools.pairwise(sizes)])
        self.between = nn.Dropout(dropout)

    @property
    def ways(self) -> dict[str, Input]:
        """Each role's way in."""
        return {role: cast(Input, way) for role, way in self.inputs.items()}

    @property
    def deeper(self) -> list[nn.Linear]:
        """The layers behind the first."""
        return [cast(nn.Linear, layer) for layer in self.layers]

    def forward(self, media: Present) -> Tensor:
        """(n, dim) unit rows."""
        rows = self.bias + torch.stack([way(*media[role]) for role, way in self.ways.items()]).sum(0)
        for layer in self.deeper:
            rows = layer(self.between(torch.relu(rows)))
        return normalize(rows, dim=1)

    def standardise(self, media: Mapping[str, Tensor], *, each: bool = True) -> None:
        """Take every role's mean and scale from rows (n, d) that are there."""
        for role, way in self.ways.items():
            way.standardise(media[role], each=each)

    @torch.no_grad()
    def start_as_rotation(self) -> None:
        """Begin with rows as they are, less the mean, turned at random: all angles between them are kept.

        Raises ValueError for more than one role, hidden layers, or a space narrower than the rows.
        """
        weights = [way.weight for way in self.ways.values()]
        if len(weights) != 1 or self.deeper or weights[0].shape[0] > weights[0].shape[1]:
            raise ValueError("only one role, without hidden layers, in a space as wide, can keep its angles")
        nn.init.orthogonal_(weights[0])

    def tower(self) -> Tower:
        """The same in numpy."""
        return Tower(
            readers={role: _reader(way) for role, way in self.ways.items()},
            bias=_array(self.bias),
            layers=tuple(
                Layer(weight=_array(layer.weight.T), bias=_array(layer.bias)) for layer in self.deeper
            ),
        )


class Sentences(nn.Module):
    """Sentence vectors (n, d) to unit rows (n, dim); a space wide enough begins with their angles."""

    def __init__(self, width: int, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.projection = Projection({TEXT: width}, dim, dropout=dropout)
        if width <= dim:
            self.projection.start_as_rotation()

    def forward(self, texts: Tensor) -> Tensor:
        """(n, dim) unit rows."""
        return self.projection({TEXT: (texts, torch.ones(len(texts), dtype=torch.bool))})

    def prepare(self, texts: Tensor) -> None:
        """Centre on the training texts that are there."""
        self.projection.standardise({TEXT: texts[~texts.isnan().any(1)]}, each=False)

    def tower(self) -> Tower:
        """The same in numpy."""
        return self.projection.tower()


class Words(nn.Module):
    """Word numbers (n, length) to unit rows (n, dim): word vectors and a GRU, its last state.

    vectors:  (words, d) to begin with, NaN for words without; by default all drawn from (-.1, .1) as in VSE++
    bfloat16: the GRU's products round their factors to it, weights and sums stay float32; by default where
              that pays, a matter of `dim` and the CPU alone: a machine always gives the same bits
    """

    def __init__(
        self,
        count: int,
        dim: int,
        *,
        width: int = 300,
        vectors: Rows | None = None,
        bfloat16: bool | None = None,
    ) -> None:
        super().__init__()
        self.rounds = bfloat16_pays(dim) if bfloat16 is None else bfloat16
        self.embedding = nn.Embedding(count, width if vectors is None else vectors.shape[1], padding_idx=0)
        self.gru = nn.GRU(self.embedding.embedding_dim, dim, batch_first=True)
        with torch.no_grad():
            self.embedding.weight.uniform_(-0.1, 0.1)
            if vectors is not None:
                given = torch.from_numpy(vectors)
                self.embedding.weight.copy_(torch.where(given.isnan(), self.embedding.weight, given))
            self.embedding.weight[0] = 0

    def forward(self, texts: Tensor) -> Tensor:
        """(n, dim) unit rows."""
        return normalize(last_states(self.gru, self.embedding, texts, bfloat16=self.rounds), dim=1)

    def prepare(self, texts: Tensor) -> None:
        """Nothing: all is learnt."""


class Joint(nn.Module):
    """One space of its own: roles projected together, against words."""

    def __init__(self, media: Projection, text: Sentences | Words) -> None:
        super().__init__()
        self.media, self.text = media, text

    def prepare(self, material: Material) -> None:
        """Take means and scales from the training items that are there, in every view."""
        there = {role: rows[here] for role, (rows, here) in material.tensors.items()}
        self.media.standardise(there)
        self.text.prepare(material.text_tensor)

    def cost(self, batch: Batch, loss: Loss) -> Tensor:
        """() of a batch: every pair of item and text against the others."""
        return loss(self.media(batch.media) @ self.text(batch.texts).T, batch.same)

    @torch.no_grad()
    def media_rows(self, material: Material) -> Rows:
        """(items, dim) unit rows, of the first view; NaN where no role says anything."""
        return _in_chunks(material.items, lambda at: _masked(self.media, _first(material, at)))

    @torch.no_grad()
    def text_rows(self, texts: Tensor) -> Rows:
        """(texts, dim) unit rows."""
        return _in_chunks(len(texts), lambda at: self.text(trimmed(texts[at])))

    def member(self, weight: float = 1.0) -> Member:
        """For use. Raises TypeError for a text tower that reads words one by one."""
        if not isinstance(self.text, Sentences):
            raise TypeError("a GRU has no place in a library: train with sentence vectors")
        return Member(media=self.media.tower(), text=self.text.tower(), weight=weight)


class Shared(nn.Module):
    """One space for all (JEMC's row 1.4, after Aytar et al. 2017): each role has its own projection.

    The first role is drawn to words, every other role to the first; a query meets the mean of what is there.
    """

    def __init__(self, media: Mapping[str, Projection], text: Sentences | Words) -> None:
        super().__init__()
        self.media, self.text = nn.ModuleDict(dict(media)), text

    @property
    def ways(self) -> dict[str, Projection]:
        """Each role's projection."""
        return {role: cast(Projection, way) for role, way in self.media.items()}

    def prepare(self, material: Material) -> None:
        """As `Joint.prepare`."""
        for role, (rows, here) in material.tensors.items():
            self.ways[role].standardise({role: rows[here]})
        self.text.prepare(material.text_tensor)

    def cost(self, batch: Batch, loss: Loss) -> Tensor:
        """() of a batch: words against the first role, the first role against the others."""
        first, *others = self.ways
        main, here = self.ways[first](batch.media), batch.media[first][1]
        total = 0 * main.sum()
        if here.any():
            total = loss((main @ self.text(batch.texts).T)[here][:, here], batch.same[here][:, here])
        for role in others:
            both = here & batch.media[role][1]
            if both.any():
                table = main[both] @ self.ways[role](batch.media)[both].T
                total = total + loss(table, batch.same[both][:, both])
        return total

    @torch.no_grad()
    def media_rows(self, material: Material) -> Rows:
        """As `Joint.media_rows`: the mean over the roles that say something, unit length."""

        def rows(at: slice) -> Tensor:
            found = _first(material, at)
            apart = torch.stack([_masked(way, {role: found[role]}) for role, way in self.ways.items()])
            return normalize(apart.nanmean(0), dim=1)

        return _in_chunks(material.items, rows)

    @torch.no_grad()
    def text_rows(self, texts: Tensor) -> Rows:
        """As `Joint.text_rows`."""
        return _in_chunks(len(texts), lambda at: self.text(trimmed(texts[at])))


Model = Joint | Shared


def _first(material: Material, at: slice) -> Present:
    return {role: (rows[at, 0], there[at, 0]) for role, (rows, there) in material.tensors.items()}


def _masked(projection: Projection, media: Present) -> Tensor:
    """Unit rows, NaN where nothing is there."""
    nothing = ~torch.stack([media[role][1] for role in projection.ways]).any(0)
    rows: Tensor = projection(media)
    return rows.masked_fill(nothing[:, None], math.nan)


def _in_chunks(count: int, rows: Callable[[slice], Tensor]) -> Rows:
    parts = [rows(slice(start, start + CHUNK)).numpy() for start in range(0, count, CHUNK)]
    return np.concatenate(parts)


def _reader(way: Input) -> Reader:
    return Reader(
        mean=_array(way.mean),
        scale=_array(way.scale),
        weight=_array(way.weight),
        absent=_array(way.absent),
        power=way.power,
    )


def _array(tensor: Tensor) -> Rows:
    return tensor.detach().numpy().astype(np.float32).copy()
