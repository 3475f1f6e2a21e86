"""Projections of encoder features into a joint space while they are trained (torch)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from encoders import Rows
from spaces.joint.space import MAX_Z_SCORE, Layer, LinearInput, Tower
from spaces.standardisation import MIN_RELATIVE_SD

MaskedFeatures = Mapping[str, tuple[Tensor, Tensor]]  # role -> rows (n, d), and a mask of those present (n,)


class InputLayer(nn.Module):
    """The input of one role: standardisation, dropout, a linear map; a trained row where it is missing."""

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
        """(n, dim) of raw rows (n, d), 0 where missing, and a mask of those present (n,)."""
        standard = ((self._apply_power(rows) - self.mean) / self.scale).clamp(-MAX_Z_SCORE, MAX_Z_SCORE)
        return torch.where(mask[:, None], self.dropout(standard) @ self.weight, self.absent)

    @torch.no_grad()
    def fit_standardisation(self, rows: Tensor, *, per_column: bool = True) -> None:
        """Set mean and scale from rows (n, d): of each column, or one scale for all, which preserves angles.

        The rule of `spaces.standardisation.compute_scale` in torch: numpy sums float32 in another order.
        """
        if len(rows) == 0:
            return
        rows = self._apply_power(rows)
        self.mean.copy_(rows.mean(0))
        sds = rows.std(0, correction=0)
        if not per_column:
            sds = sds.square().mean().sqrt()
        varies = sds > MIN_RELATIVE_SD * self.mean.abs().clamp(min=1)
        self.scale.copy_(torch.where(varies, sds, 1))

    def _apply_power(self, rows: Tensor) -> Tensor:
        return rows if self.power == 1 else rows.sign() * rows.abs().pow(self.power)


class Projection(nn.Module):
    """Raw rows of one or more roles to unit rows (n, dim): one linear map each, summed, then hidden layers.

    The sum equals one linear map of the concatenated rows, as in JEMC, but allows missing roles.
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
        """The input layer of each role."""
        return {role: cast(InputLayer, layer) for role, layer in self.inputs.items()}

    @property
    def hidden_layers(self) -> list[nn.Linear]:
        """The layers after the first."""
        return [cast(nn.Linear, layer) for layer in self.layers]

    def forward(self, features: MaskedFeatures) -> Tensor:
        """(n, dim) unit rows."""
        parts = [layer(*features[role]) for role, layer in self.input_layers.items()]
        rows = self.bias + torch.stack(parts).sum(0)
        for layer in self.hidden_layers:
            rows = layer(self.hidden_dropout(torch.relu(rows)))
        return normalize(rows, dim=1)

    def fit_standardisation(self, features: Mapping[str, Tensor], *, per_column: bool = True) -> None:
        """Set every role's mean and scale from its present rows (n, d)."""
        for role, layer in self.input_layers.items():
            layer.fit_standardisation(features[role], per_column=per_column)

    @torch.no_grad()
    def init_orthogonal(self) -> None:
        """Start from a random orthogonal map, which preserves the angles between centred rows.

        Raises ValueError for more than one role, hidden layers, or a space narrower than the rows.
        """
        weights = [layer.weight for layer in self.input_layers.values()]
        if len(weights) != 1 or self.hidden_layers or weights[0].shape[0] > weights[0].shape[1]:
            raise ValueError("only one role, without hidden layers, in a space as wide, can keep its angles")
        nn.init.orthogonal_(weights[0])

    def to_tower(self) -> Tower:
        """The projection in numpy."""
        return Tower(
            inputs={role: _to_linear_input(layer) for role, layer in self.input_layers.items()},
            bias=_to_numpy(self.bias),
            layers=tuple(
                Layer(weight=_to_numpy(layer.weight.T), bias=_to_numpy(layer.bias))
                for layer in self.hidden_layers
            ),
        )


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
