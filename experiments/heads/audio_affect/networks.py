"""Small networks on one encoder's features, trained with augmented copies, as towers that numpy runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from encoders import Rows
from spaces import use_single_thread
from spaces.joint import Tower
from spaces.joint.space import Layer, LinearInput

Floats = npt.NDArray[np.float64]

MIN_SD = 1e-6
MAX_ABS_Z = 6.0  # standard deviations to which a column is clipped in training


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Training of networks with one hidden layer.

    n_networks: networks, whose outputs are averaged (Hansen & Salamon 1990)
    hidden_size: units with ReLU
    epochs:  passes over the items, each in one of its copies
    learning_rate, weight_decay: of AdamW (Loshchilov & Hutter 2019), one cycle (Smith & Topin 2018)
    dropout: shares of columns and of hidden units (Srivastava et al. 2014)
    mixup_alpha: of the beta distribution of mixing weights (mixup, Zhang et al. 2018); 0 for no mixing
    unaugmented_probability: of the item itself rather than an augmented copy
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
    """Towers from rows of `role` to logits of classes with the shares `targets` (n, k), by cross-entropy.

    features: (n, v, d) rows of each item, the plain one first; NaN for a missing copy
    weights:  (n,) of the items
    """
    plain = features[:, 0].astype(np.float64)
    mean, spread = plain.mean(axis=0), plain.std(axis=0)
    scale = np.where(spread > MIN_SD, spread, 1)
    standard = np.clip((features - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z).astype(np.float32)
    item_weights = np.ones(len(plain)) if weights is None else weights / weights.mean()
    with use_single_thread():
        networks = [
            _train_network(standard, targets, item_weights, config, seed=seed * 1000 + number)
            for number in range(config.n_networks)
        ]
    return tuple(_make_tower(network, role, mean, scale) for network in networks)


def _make_tower(network: nn.Sequential, role: str, mean: Floats, scale: Floats) -> Tower:
    first, last = (layer for layer in network if isinstance(layer, nn.Linear))
    reader = LinearInput(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weight=_to_numpy(first.weight.T),
        absent=np.zeros(first.out_features, np.float32),
    )
    layer = Layer(weight=_to_numpy(last.weight.T), bias=_to_numpy(last.bias))
    return Tower(inputs={role: reader}, bias=_to_numpy(first.bias), layers=(layer,))


def scale_outputs(towers: Sequence[Tower], factor: float) -> tuple[Tower, ...]:
    """The same networks with outputs times `factor`."""
    return tuple(replace(tower, layers=(_scale_layer(tower.layers[0], factor),)) for tower in towers)


def _scale_layer(layer: Layer, factor: float) -> Layer:
    return Layer(weight=layer.weight * np.float32(factor), bias=layer.bias * np.float32(factor))


def _train_network(
    features: Rows, targets: Floats, weights: Floats, config: NetworkConfig, *, seed: int
) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = _build_network(features.shape[2], targets.shape[1], config)
        steps = max(len(features) // config.batch_size, 1)
        optimiser = torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, config.learning_rate, total_steps=config.epochs * steps
        )
        target_shares = torch.from_numpy(targets.astype(np.float32))
        item_weights = torch.from_numpy(weights.astype(np.float32))
        is_present = np.asarray(~np.isnan(features).any(axis=2))
        for _ in range(config.epochs):
            copies = _draw_copies(is_present, config.unaugmented_probability, rng)
            rows = torch.from_numpy(features[np.arange(len(features)), copies])
            order = torch.from_numpy(rng.permutation(len(features)))
            for batch in torch.tensor_split(order, steps):
                loss = _compute_mixup_loss(network, rows, target_shares, item_weights, batch, config, rng)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    return network.eval()


def _build_network(input_size: int, n_classes: int, config: NetworkConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(config.dropout[0]),
        nn.Linear(input_size, config.hidden_size),
        nn.ReLU(),
        nn.Dropout(config.dropout[1]),
        nn.Linear(config.hidden_size, n_classes),
    )


def _compute_mixup_loss(
    network: nn.Sequential, rows: Tensor, targets: Tensor, weights: Tensor, batch: Tensor,
    config: NetworkConfig, rng: np.random.Generator,
) -> Tensor:  # fmt: skip
    """Weighted cross-entropy of a batch of indices, each item mixed with another of the batch."""
    share, order = _draw_mixup(len(batch), config.mixup_alpha, rng)
    partner = batch[order]
    logits = network(share * rows[batch] + (1 - share) * rows[partner])
    target = share * targets[batch] + (1 - share) * targets[partner]
    weight = (share * weights[batch, None] + (1 - share) * weights[partner, None])[:, 0]
    return (weight * -(target * logits.log_softmax(dim=1)).sum(dim=1)).mean()


def _draw_copies(
    is_present: npt.NDArray[np.bool_], unaugmented_probability: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """(n,) the index of one of the copies (n, v) of each item; 0, the item itself, with that probability."""
    scores = is_present * rng.random(is_present.shape)
    scores[:, 0] = 0
    augmented = scores.argmax(axis=1)
    return np.where(rng.random(len(is_present)) < unaugmented_probability, 0, augmented)


def _draw_mixup(count: int, alpha: float, rng: np.random.Generator) -> tuple[float, Tensor]:
    share = float(rng.beta(alpha, alpha)) if alpha else 1.0
    return share, torch.from_numpy(rng.permutation(count))


def _to_numpy(tensor: Tensor) -> Rows:
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)
