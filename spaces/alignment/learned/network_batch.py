"""Copies of one small network, trained side by side (torch)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from spaces.alignment.learned.standardised_points import Float32Points, StandardisedPoints
from spaces.alignment.steps import Floats, NetworkMap


class NetworkBatch(nn.Module):
    """Copies of `spaces.alignment.steps.NetworkMap`, from standardised points (b, n, p) to (b, n, q)."""

    def __init__(self, straight: Float32Points, hidden_units: int) -> None:
        super().__init__()
        copies, inside, outside = straight.shape
        inner = torch.randn(1, inside, hidden_units) / max(1, inside) ** 0.5
        self.straight = nn.Parameter(torch.tensor(np.ascontiguousarray(straight), dtype=torch.float32))
        self.inner = nn.Parameter(inner.repeat(copies, 1, 1))
        self.offset = nn.Parameter((0.5 * torch.randn(1, 1, hidden_units)).repeat(copies, 1, 1))
        self.outer = nn.Parameter(torch.zeros(copies, hidden_units, outside))
        self.bias = nn.Parameter(torch.zeros(copies, 1, outside))

    def forward(self, rows: Tensor) -> Tensor:
        """(b, n, q) of standardised points (b, n, p)."""
        straight = torch.baddbmm(self.bias, rows, self.straight)
        if self.outer.shape[1] == 0:
            return straight
        return straight + torch.tanh(torch.baddbmm(self.offset, rows, self.inner)) @ self.outer

    def compute_penalty(self) -> Tensor:
        """() sum of squares of the hidden layers' weights."""
        return self.inner.square().sum() + self.outer.square().sum()

    def to_network(self, copy_index: int, points: StandardisedPoints) -> NetworkMap:
        """One copy as a map of points that are not standardised."""
        return self._make_network(copy_index, points.mean[copy_index], points.scale[copy_index])

    def to_unscaled_network(self, copy_index: int) -> NetworkMap:
        """One copy as a map without standardisation."""
        inside = self.straight.shape[1]
        return self._make_network(copy_index, np.zeros(inside), np.ones(inside))

    def _make_network(self, copy_index: int, mean: Floats, scale: Floats) -> NetworkMap:
        def to_float64(values: Tensor) -> Floats:
            return values[copy_index].detach().numpy().astype(np.float64)

        return NetworkMap(
            mean=mean, scale=scale, straight=to_float64(self.straight), inner=to_float64(self.inner),
            offset=to_float64(self.offset)[0], outer=to_float64(self.outer), bias=to_float64(self.bias)[0],
        )  # fmt: skip
