"""Small networks from one encoder's rows, taught with altered versions, as towers that numpy runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from encoders.base import Rows
from spaces.joint.space import Layer, Reader, Tower

Floats = npt.NDArray[np.float64]

LEAST_SPREAD = 1e-6
FARTHEST = 6.0  # standard deviations a column is let to lie off in teaching


@dataclass(frozen=True, kw_only=True)
class How:
    """How to teach a network of one hidden layer.

    count:   networks, the mean of which is taken (Hansen & Salamon 1990)
    hidden:  units with ReLU
    epochs:  times that every item is met, each time in one of its versions
    rate, decay: of AdamW (Loshchilov & Hutter 2019), one cycle (Smith & Topin 2018)
    dropped: shares of columns and of hidden units left out at random (Srivastava et al. 2014)
    mixed:   of the beta distribution by which two items are mixed (mixup, Zhang et al. 2018); 0 mixes none
    plain:   how often the item itself is met rather than an altered version of it
    """

    count: int = 8
    hidden: int = 128
    epochs: int = 60
    rate: float = 2e-3
    decay: float = 1e-2
    dropped: tuple[float, float] = (0.3, 0.5)
    mixed: float = 0.3
    batch: int = 64
    plain: float = 0.15


def networks(
    versions: npt.NDArray[np.floating], wanted: Floats, how: How, *, role: str, seed: int,
    weights: Floats | None = None,
) -> tuple[Tower, ...]:  # fmt: skip
    """Towers from rows of `role` to logits of classes whose shares are `wanted` (n, k), by cross-entropy.

    versions: (n, v, d) rows of each item, the plain one first; NaN for a version that is not there
    weights:  (n,) how much an item counts
    """
    plain = versions[:, 0].astype(np.float64)
    mean, spread = plain.mean(axis=0), plain.std(axis=0)
    scale = np.where(spread > LEAST_SPREAD, spread, 1)
    standard = np.clip((versions - mean) / scale, -FARTHEST, FARTHEST).astype(np.float32)
    counts = np.ones(len(plain)) if weights is None else weights / weights.mean()
    found = []
    for number in range(how.count):
        network = _taught(standard, wanted, counts, how, seed=seed * 1000 + number)
        first, last = (layer for layer in network if isinstance(layer, nn.Linear))
        found.append(
            Tower(
                readers={
                    role: Reader(
                        mean=mean.astype(np.float32),
                        scale=scale.astype(np.float32),
                        weight=_array(first.weight.T),
                        absent=np.zeros(how.hidden, np.float32),
                    )
                },
                bias=_array(first.bias),
                layers=(Layer(weight=_array(last.weight.T), bias=_array(last.bias)),),
            )
        )
    return tuple(found)


def scaled(towers: Sequence[Tower], factor: float) -> tuple[Tower, ...]:
    """The same networks with what comes out times `factor`."""
    return tuple(replace(one, layers=(_scaled(one.layers[0], factor),)) for one in towers)


def _scaled(layer: Layer, factor: float) -> Layer:
    return Layer(weight=layer.weight * np.float32(factor), bias=layer.bias * np.float32(factor))


def _taught(rows: Rows, wanted: Floats, weights: Floats, how: How, *, seed: int) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Dropout(how.dropped[0]),
            nn.Linear(rows.shape[2], how.hidden),
            nn.ReLU(),
            nn.Dropout(how.dropped[1]),
            nn.Linear(how.hidden, wanted.shape[1]),
        )
        steps = max(len(rows) // how.batch, 1)
        teacher = torch.optim.AdamW(network.parameters(), how.rate, weight_decay=how.decay)
        course = torch.optim.lr_scheduler.OneCycleLR(teacher, how.rate, total_steps=how.epochs * steps)
        goals = torch.from_numpy(wanted.astype(np.float32))
        counts = torch.from_numpy(weights.astype(np.float32))
        there = np.asarray(~np.isnan(rows).any(axis=2))
        for _ in range(how.epochs):
            met = torch.from_numpy(rows[np.arange(len(rows)), _versions(there, how.plain, rng)])
            order = torch.from_numpy(rng.permutation(len(rows)))
            for part in torch.tensor_split(order, steps):
                share, other = _mixing(len(part), how.mixed, rng)
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


def _versions(there: npt.NDArray[np.bool_], plain: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(n,) a version of each item that is there (n, v), the first as often as `plain` says."""
    chance = there * rng.random(there.shape)
    chance[:, 0] = 0
    altered = chance.argmax(axis=1)
    return np.where(rng.random(len(there)) < plain, 0, altered)


def _mixing(count: int, mixed: float, rng: np.random.Generator) -> tuple[float, Tensor]:
    share = float(rng.beta(mixed, mixed)) if mixed else 1.0
    return share, torch.from_numpy(rng.permutation(count))


def _array(values: Tensor) -> Rows:
    return np.ascontiguousarray(values.detach().numpy(), np.float32)
