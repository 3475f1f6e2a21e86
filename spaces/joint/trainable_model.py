"""What `Trainer` trains."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

BatchLoss = Callable[[Tensor, Tensor | None], Tensor]
"""Similarities (v, t), and a mask (v, t) of pairs of one class, to the loss ()."""


class TrainableModel(nn.Module):
    """A model of two towers, trained by the similarities of a batch.

    Training sets and batches are of any kind that both the model and its training set know.
    """

    def fit_standardisation(self, training_set: Any) -> None:
        """Set constants from the training set before training; by default there are none."""

    @abstractmethod
    def compute_loss(self, batch: Any, loss: BatchLoss) -> Tensor:
        """The loss () of a batch."""
