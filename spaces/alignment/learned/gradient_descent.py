"""Gradient descent on batches of networks: Adam with a learning rate that falls along a cosine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spaces.alignment.learned.network_batch import NetworkBatch
from spaces.alignment.steps import Floats
from spaces.single_thread import use_single_thread


@dataclass(frozen=True, kw_only=True)
class DescentConfig:
    """Parameters of training.

    hidden_units: of a network, 0 for a linear one
    weight_decay: of the hidden layers' weights

    Raises ValueError for numbers out of range.
    """

    hidden_units: int = 16
    steps: int = 250
    learning_rate: float = 0.02
    weight_decay: float = 1e-3

    def __post_init__(self) -> None:
        if self.hidden_units < 0 or self.steps < 1 or not self.learning_rate > 0 or self.weight_decay < 0:
            raise ValueError(f"hidden and decay must be >= 0, steps 1 or more, rate above 0: {self}")


DEFAULT_DESCENT = DescentConfig()


def minimise(
    compute_losses: Callable[[], tuple[Tensor, Tensor]],
    networks: Sequence[NetworkBatch],
    config: DescentConfig,
    copy_count: int,
) -> Floats:
    """Minimise the sum of two losses (), means over copies; returns the first at every step (steps,)."""
    with use_single_thread():
        return _run_descent(compute_losses, networks, config, copy_count)


def _run_descent(
    compute_losses: Callable[[], tuple[Tensor, Tensor]],
    networks: Sequence[NetworkBatch],
    config: DescentConfig,
    copy_count: int,
) -> Floats:
    weights = [weight for network in networks for weight in network.parameters()]
    optimiser = torch.optim.Adam(weights, lr=config.learning_rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    losses = []
    for _ in range(config.steps):
        optimiser.zero_grad()
        main_loss, side_loss = compute_losses()
        penalty = torch.stack([network.compute_penalty() for network in networks]).sum()
        # losses are means over copies: times their number each copy trains as it would alone
        total = copy_count * (main_loss + side_loss) + config.weight_decay * penalty
        total.backward()
        optimiser.step()
        scheduler.step()
        losses.append(float(main_loss.detach()))
    return np.array(losses)
