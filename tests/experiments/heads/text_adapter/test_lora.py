"""Adapted layers."""

import torch

from experiments.heads.text_adapter.lora import add_lora


def test_only_the_adapters_of_the_blocks_learn():
    block = torch.nn.ModuleDict({"query": torch.nn.Linear(3, 3)})
    model = torch.nn.ModuleDict(
        {
            "encoder": torch.nn.ModuleDict({"layer": torch.nn.ModuleList([block])}),
            "pooler": torch.nn.Linear(3, 3),
        }
    )
    outer = torch.nn.ModuleDict({"model": model})
    assert list(add_lora(outer, 2, 1.0)) == ["model.encoder.layer.0.query"]
    assert {name.rpartition(".")[2] for name, one in outer.named_parameters() if one.requires_grad} == {
        "down",
        "up",
    }
