"""SoundNet-8 (Aytar, Vondrick & Torralba 2016) up to its seventh convolution, in torch.

Layout, padding and pooling are those of main_train.lua in the authors' repository (cvondrick/soundnet).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """A convolution of stride 2 padded by half its width, then batch norm, ReLU and maximum over `pool`."""

    name: str
    width: int
    pool: int = 1


LAYERS = (
    LayerSpec(name="conv1", width=64, pool=8),
    LayerSpec(name="conv2", width=32, pool=8),
    LayerSpec(name="conv3", width=16),
    LayerSpec(name="conv4", width=8),
    LayerSpec(name="conv5", width=4, pool=4),
    LayerSpec(name="conv6", width=4),
    LayerSpec(name="conv7", width=4),
)
STRIDE = 2
BATCH_NORM_EPSILON = 1e-5  # torch's default, with which it was trained


def build_network(weights: Mapping[str, Mapping[str, Array]]) -> nn.Sequential:
    """Waveforms (n, 1, samples) in [-256, 256] to features (n, 1024, frames), not negative.

    weights: as `encoders.soundnet.weights.read_weights` gives them. Raises KeyError, RuntimeError if they
             are of another network.
    """
    layers: list[nn.Module] = []
    for spec in LAYERS:
        layers += _build_layer(spec, weights[spec.name])
    return nn.Sequential(*layers).eval()


def _build_layer(spec: LayerSpec, arrays: Mapping[str, Array]) -> list[nn.Module]:
    kernel = arrays["weights"].reshape(spec.width, *arrays["weights"].shape[-2:])
    _, inputs, outputs = kernel.shape
    convolution = nn.Conv1d(inputs, outputs, spec.width, STRIDE, padding=spec.width // 2)
    norm = nn.BatchNorm1d(outputs, BATCH_NORM_EPSILON)
    _load(convolution, {"weight": kernel.transpose(2, 1, 0), "bias": arrays["biases"]})
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}
    _load(norm, {part: arrays[theirs] for part, theirs in parts.items()})
    pool = [nn.MaxPool1d(spec.pool)] if spec.pool > 1 else []
    return [convolution, norm, nn.ReLU(), *pool]


def _load(layer: nn.Module, arrays: Mapping[str, Array]) -> None:
    state = {name: torch.from_numpy(np.array(array, order="C")) for name, array in arrays.items()}
    layer.load_state_dict(state, strict=False)  # a norm's number of batches seen is not there
