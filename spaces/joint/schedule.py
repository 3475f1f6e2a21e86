"""Schedules of training: its length, its batches and its learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Length and learning rate of training.

    decay: "step" multiplies the rate by `factor` every `every` epochs; "one-cycle" rises to the rate and
           falls to almost 0 over the whole run (Smith & Topin 2018); "cosine" rises linearly over the first
           `rise` of the run and falls to 0 (Loshchilov & Hutter 2017; CLIP-ViP)
    draw:  an epoch is every text once ("texts"), or every item once with one of its texts ("items")
    warm:  epochs on the warm-up loss (VSE's sum of hinges does not collapse where VSE++'s maximum may)
    clip:  largest norm of the gradient, 0 for no limit
    patience: epochs without a better score after which to stop, 0 for never
    rise:  share of the run over which the rate of "cosine" rises
    accumulate: batches whose mean gradient makes a step

    Raises ValueError for numbers out of range.
    """

    epochs: int = 30
    batch: int = 128
    rate: float = 0.002
    decay: Literal["step", "one-cycle", "cosine"] = "step"
    factor: float = 0.1
    every: int = 15
    draw: Literal["texts", "items"] = "texts"
    weight_decay: float = 0.0
    clip: float = 2.0
    warm: int = 0
    patience: int = 0
    rise: float = 0.01
    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 2 or not self.rate > 0 or self.every < 1:
            raise ValueError(f"epochs and every must be 1 or more, batch 2 or more, rate above 0: {self}")
        if min(self.weight_decay, self.clip, self.warm, self.patience) < 0 or not self.factor > 0:
            raise ValueError(f"nothing in a schedule may be negative: {self}")
        if not 0 <= self.rise < 1 or self.accumulate < 1:
            raise ValueError(f"rise must be from 0 to below 1, accumulate 1 or more: {self}")


PAPER_SCHEDULE = Schedule()  # section 4 of Mithun et al. 2018
RELEASED_SCHEDULE = Schedule(
    rate=0.0002, factor=0.5, every=10
)  # github.com/niluthpol/multimodal_vtt, train_vtt.py


def compute_learning_rate(schedule: Schedule, epoch: float) -> float:
    """The learning rate at a time in epochs from 0, with fractions."""
    if schedule.decay == "step":
        return schedule.rate * schedule.factor ** (int(epoch) // schedule.every)
    share, rising = epoch / schedule.epochs, 0.2
    if schedule.decay == "cosine":
        if share < schedule.rise:
            return schedule.rate * share / schedule.rise
        return _interpolate_cosine(schedule.rate, 0.0, (share - schedule.rise) / (1 - schedule.rise))
    if share < rising:
        return _interpolate_cosine(schedule.rate / 25, schedule.rate, share / rising)
    return _interpolate_cosine(schedule.rate, schedule.rate / 25e4, (share - rising) / (1 - rising))


def _interpolate_cosine(start: float, end: float, fraction: float) -> float:
    return float(end + (start - end) * (1 + np.cos(np.pi * fraction)) / 2)
