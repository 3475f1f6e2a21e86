"""Small networks from one encoder's rows, taught with altered versions, as towers that numpy runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from encoders.base import Rows
from spaces.joint.space import Layer, LinearInput, Tower

Floats = npt.NDArray[np.float64]

MIN_SD = 1e-6
MAX_ABS_Z = 6.0  # standard deviations a column is let to lie off in teaching


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """How to teach a network of one hidden layer.

    n_networks: networks, the mean of which is taken (Hansen & Salamon 1990)
    hidden_size: units with ReLU
    epochs:  times that every item is met, each time in one of its versions
    learning_rate, weight_decay: of AdamW (Loshchilov & Hutter 2019), one cycle (Smith & Topin 2018)
    dropout: shares of columns and of hidden units left out at random (Srivastava et al. 2014)
    mixup_alpha: of the beta distribution by which two items are mixed (mixup, Zhang et al. 2018); 0 mixes
        none
    unaugmented_probability: how often the item itself is met rather than an altered version of it
    """

    n_networks: int = 8
    hidden_size: int = 128
    epochs: int = 60
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: tuple[float, float] = (0.3, 0.5)
    mixup_alpha: float = 0.3
    batch_size: int = 64
    unaugmented_probability: float = 0.15


def train_networks(
    features: npt.NDArray[np.floating], targets: Floats, config: NetworkConfig, *, role: str, seed: int,
    weights: Floats | None = None,
) -> tuple[Tower, ...]:  # fmt: skip
    """Towers from rows of `role` to logits of classes whose shares are `targets` (n, k), by cross-entropy.

    features: (n, v, d) rows of each item, the plain one first; NaN for a version that is not there
    weights:  (n,) how much an item counts
    """
    plain = features[:, 0].astype(np.float64)
    mean, spread = plain.mean(axis=0), plain.std(axis=0)
    scale = np.where(spread > MIN_SD, spread, 1)
    standard = np.clip((features - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z).astype(np.float32)
    counts = np.ones(len(plain)) if weights is None else weights / weights.mean()
    found = []
    for number in range(config.n_networks):
        network = _train_network(standard, targets, counts, config, seed=seed * 1000 + number)
        first, last = (layer for layer in network if isinstance(layer, nn.Linear))
        found.append(
            Tower(
                inputs={
                    role: LinearInput(
                        mean=mean.astype(np.float32),
                        scale=scale.astype(np.float32),
                        weight=_to_numpy(first.weight.T),
                        absent=np.zeros(config.hidden_size, np.float32),
                    )
                },
                bias=_to_numpy(first.bias),
                layers=(Layer(weight=_to_numpy(last.weight.T), bias=_to_numpy(last.bias)),),
            )
        )
    return tuple(found)


def scale_outputs(towers: Sequence[Tower], factor: float) -> tuple[Tower, ...]:
    """The same networks with what comes out times `factor`."""
    return tuple(replace(one, layers=(_scale_layer(one.layers[0], factor),)) for one in towers)


def _scale_layer(layer: Layer, factor: float) -> Layer:
    return Layer(weight=layer.weight * np.float32(factor), bias=layer.bias * np.float32(factor))


def _train_network(
    features: Rows, targets: Floats, weights: Floats, config: NetworkConfig, *, seed: int
) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Dropout(config.dropout[0]),
            nn.Linear(features.shape[2], config.hidden_size),
            nn.ReLU(),
            nn.Dropout(config.dropout[1]),
            nn.Linear(config.hidden_size, targets.shape[1]),
        )
        steps = max(len(features) // config.batch_size, 1)
        teacher = torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        course = torch.optim.lr_scheduler.OneCycleLR(
            teacher, config.learning_rate, total_steps=config.epochs * steps
        )
        goals = torch.from_numpy(targets.astype(np.float32))
        counts = torch.from_numpy(weights.astype(np.float32))
        there = np.asarray(~np.isnan(features).any(axis=2))
        for _ in range(config.epochs):
            met = torch.from_numpy(
                features[np.arange(len(features)), _draw_versions(there, config.unaugmented_probability, rng)]
            )
            order = torch.from_numpy(rng.permutation(len(features)))
            for part in torch.tensor_split(order, steps):
                share, other = _draw_mixup(len(part), config.mixup_alpha, rng)
                partner = part[other]
                said = network(share * met[part] + (1 - share) * met[partner])
                goal = share * goals[part] + (1 - share) * goals[partner]
                count = (share * counts[part, None] + (1 - share) * counts[partner, None])[:, 0]
                error = (count * -(goal * said.log_softmax(dim=1)).sum(dim=1)).mean()
                teacher.zero_grad()
                error.backward()
                teacher.step()
                course.step()
    return network.eval()


def _draw_versions(
    is_present: npt.NDArray[np.bool_], unaugmented_probability: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """(n,) a version of each item there (n, v), the first as often as `unaugmented_probability` says."""
    chance = is_present * rng.random(is_present.shape)
    chance[:, 0] = 0
    altered = chance.argmax(axis=1)
    return np.where(rng.random(len(is_present)) < unaugmented_probability, 0, altered)


def _draw_mixup(count: int, alpha: float, rng: np.random.Generator) -> tuple[float, Tensor]:
    share = float(rng.beta(alpha, alpha)) if alpha else 1.0
    return share, torch.from_numpy(rng.permutation(count))


def _to_numpy(tensor: Tensor) -> Rows:
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)
