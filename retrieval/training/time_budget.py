"""Training within a time: what it would take is estimated, and less is trained where that is too long."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from retrieval.training.ensemble import RIDGE_LOSS, EnsembleConfig, TrainingData, fit_members

SAFETY_FACTOR = 1.25  # of an estimate: the machine may get busier
PROBE_EPOCHS = 3  # epochs that are timed, the first of which is not counted
EPOCH_SHARES = (1.0, 0.5, 0.2)  # of the epochs, tried in this order
CLOSED_FORM_NOTE = "least squares instead of training by steps"


class OutOfTimeError(Exception):
    """The time given is over."""


class TimeBudget:
    """Seconds that may be used, from now on; without minutes there is no end to them."""

    def __init__(self, minutes: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deadline = math.inf if minutes is None else clock() + 60 * minutes

    @property
    def seconds_left(self) -> float:
        """Seconds left, below 0 once the time is over."""
        return self._deadline - self._clock()

    def check(self) -> None:
        """Raise OutOfTimeError where the time is over."""
        if self.seconds_left < 0:
            raise OutOfTimeError


def estimate_training_seconds(
    training_data: TrainingData,
    config: EnsembleConfig,
    *,
    seed: int,
    clock: Callable[[], float] = time.monotonic,
) -> float:
    """About how long all trainings of a plan would take: a few epochs of each loss are timed.

    Raises ValueError as training does.
    """
    ends: list[float] = []
    short = replace(config, schedule=replace(config.schedule, epochs=PROBE_EPOCHS))
    fit_members(
        training_data,
        short,
        np.arange(training_data.training_set.item_count),
        seed,
        lambda part: ends.append(clock()),
    )
    gaps = [ends[at] - ends[at - 1] for at in range(1, len(ends)) if at % PROBE_EPOCHS]
    trainings = config.fold_count  # on all items but one part each, and one on all: as much as so many on all
    return trainings * len(config.losses) * config.schedule.epochs * sum(gaps) / len(gaps)


def shorten_to_budget(
    training_data: TrainingData, config: EnsembleConfig, *, seed: int, seconds_left: float
) -> tuple[EnsembleConfig, str]:
    """The best plan that is likely to fit into the seconds left, and how it was cut, see `shorten_config`.

    Raises ValueError as training does.
    """
    return (
        (config, "")
        if math.isinf(seconds_left)
        else shorten_config(config, estimate_training_seconds(training_data, config, seed=seed), seconds_left)
    )


def shorten_config(
    config: EnsembleConfig, estimated_seconds: float, seconds_left: float
) -> tuple[EnsembleConfig, str]:
    """The best plan that fits into the seconds left, where all of it takes `estimated_seconds`, and how it
    was cut.

    How is empty where nothing was.
    """
    for share in EPOCH_SHARES:
        if estimated_seconds * share * SAFETY_FACTOR <= seconds_left:
            return scale_epochs(config, share), "" if share == 1 else f"{share:.0%} of the epochs"
    return make_closed_form_config(config), CLOSED_FORM_NOTE


def scale_epochs(config: EnsembleConfig, share: float) -> EnsembleConfig:
    """A plan with a share of its epochs."""
    epochs = max(round(config.schedule.epochs * share), 2)
    return replace(config, schedule=replace(config.schedule, epochs=epochs))


def make_closed_form_config(config: EnsembleConfig) -> EnsembleConfig:
    """Least squares instead, which takes a second or two where training takes minutes."""
    return replace(config, losses=(RIDGE_LOSS,))
