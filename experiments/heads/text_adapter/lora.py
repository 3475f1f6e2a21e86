"""Low-rank adapters of linear layers (LoRA, Hu et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """A frozen linear layer, plus scaling * up(down(x)), which is trained; up starts at 0."""

    def __init__(self, layer: nn.Linear, rank: int, scaling: float) -> None:
        super().__init__()
        self.layer, self.scaling = layer, scaling
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., out) of rows (..., in)."""
        return self.layer(inputs) + self.scaling * ((inputs @ self.down.T) @ self.up.T)


def add_lora(model: nn.Module, rank: int, scaling: float) -> dict[str, LoRALinear]:
    """Replace every linear layer of the encoder blocks by a LoRALinear and freeze all else; by layer name."""
    for weight in model.parameters():
        weight.requires_grad_(False)
    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and ".encoder.layer." in name
    }
    adapted = {name: LoRALinear(layer, rank, scaling) for name, layer in layers.items()}
    for name, layer in adapted.items():
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, layer)
    return adapted
