"""Training within a time: what it would take is estimated, and less is trained where that is too long."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from retrieval.training.cross_validation import RIDGE, Lesson, Plan, members

MARGIN = 1.25  # of an estimate: the machine may get busier
PROBE = 3  # epochs that are timed, the first of which is not counted
SHARES = (1.0, 0.5, 0.2)  # of the epochs, tried in this order
CLOSED_FORM = "least squares instead of training by steps"


class OutOfTimeError(Exception):
    """The time given is over."""


class Budget:
    """Seconds that may be used, from now on; without minutes there is no end to them."""

    def __init__(self, minutes: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = math.inf if minutes is None else clock() + 60 * minutes

    @property
    def left(self) -> float:
        """Seconds left, below 0 once the time is over."""
        return self._end - self._clock()

    def check(self) -> None:
        """Raise OutOfTimeError where the time is over."""
        if self.left < 0:
            raise OutOfTimeError


def seconds_of_plan(
    lesson: Lesson, plan: Plan, *, seed: int, clock: Callable[[], float] = time.monotonic
) -> float:
    """About how long all trainings of a plan would take: a few epochs of each loss are timed.

    Raises ValueError as training does.
    """
    ends: list[float] = []
    short = replace(plan, schedule=replace(plan.schedule, epochs=PROBE))
    members(lesson, short, np.arange(lesson.material.items), seed, lambda part: ends.append(clock()))
    gaps = [ends[at] - ends[at - 1] for at in range(1, len(ends)) if at % PROBE]
    trainings = plan.folds  # on all items but one part each, and one on all: as much as so many on all
    return trainings * len(plan.losses) * plan.schedule.epochs * sum(gaps) / len(gaps)


def plan_within(lesson: Lesson, plan: Plan, *, seed: int, left: float) -> tuple[Plan, str]:
    """The best plan that is likely to fit into the seconds left, and how it was cut, see `cut_plan`.

    Raises ValueError as training does.
    """
    return (plan, "") if math.isinf(left) else cut_plan(plan, seconds_of_plan(lesson, plan, seed=seed), left)


def cut_plan(plan: Plan, seconds: float, left: float) -> tuple[Plan, str]:
    """The best plan that fits into the seconds left, where all of it takes `seconds`, and how it was cut.

    How is empty where nothing was.
    """
    for share in SHARES:
        if seconds * share * MARGIN <= left:
            return cut_epochs(plan, share), "" if share == 1 else f"{share:.0%} of the epochs"
    return closed_form(plan), CLOSED_FORM


def cut_epochs(plan: Plan, share: float) -> Plan:
    """A plan with a share of its epochs."""
    epochs = max(round(plan.schedule.epochs * share), 2)
    return replace(plan, schedule=replace(plan.schedule, epochs=epochs))


def closed_form(plan: Plan) -> Plan:
    """Least squares instead, which takes a second or two where training takes minutes."""
    return replace(plan, losses=(RIDGE,))
