"""Training within a time: what it would take is estimated, and less is trained where that is too long."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from retrieval.fitting import Lesson, Plan, members
from retrieval.progress_lines import format_seconds

MARGIN = 1.25  # of an estimate: the machine may get busier
PROBE = 3  # epochs that are timed, the first of which is not counted
CUTS = ((2, 1.0), (2, 1 / 3), (1, 1 / 3), (1, 1 / 8))  # losses kept, share of the epochs; what is best first


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
            raise OutOfTimeError("not trained to the end: the time given is over")


def seconds_of_plan(
    lesson: Lesson, plan: Plan, *, seed: int, clock: Callable[[], float] = time.monotonic
) -> float:
    """About how long all trainings of a plan would take: a few epochs of each loss are timed.

    Raises ValueError as training does.
    """
    ends: list[float] = []
    short = replace(plan, schedule=replace(plan.schedule, epochs=PROBE, warm=0))
    members(lesson, short, np.arange(lesson.material.items), seed, lambda part: ends.append(clock()))
    gaps = [ends[at] - ends[at - 1] for at in range(1, len(ends)) if at % PROBE]
    trainings = plan.folds  # on all items but one part each, and one on all: as much as so many on all
    return trainings * len(plan.losses) * plan.schedule.epochs * sum(gaps) / len(gaps)


def plan_within(lesson: Lesson, plan: Plan, seed: int, left: float) -> tuple[Plan, str]:
    """The best plan that fits into the seconds left, and what was cut, in words; empty where nothing was.

    Raises OutOfTimeError where none fits.
    """
    seconds = seconds_of_plan(lesson, plan, seed=seed)
    for losses, share in CUTS:
        takes = seconds * share * min(losses, len(plan.losses)) / len(plan.losses)
        if takes * MARGIN <= left:
            cut = (
                ""
                if (losses, share) == CUTS[0]
                else f"{losses} of {len(plan.losses)} losses, {share:.0%} of the epochs"
            )
            return cut_plan(plan, losses, share), cut
    least, given = format_seconds(takes * MARGIN), format_seconds(max(left, 0))
    raise OutOfTimeError(f"not trained: the least takes about {least}, {given} were left")


def cut_plan(plan: Plan, losses: int, share: float) -> Plan:
    """A plan with its first losses alone and a share of its epochs."""
    epochs = max(round(plan.schedule.epochs * share), 2)
    warm = round(plan.schedule.warm * share)
    return replace(
        plan, losses=plan.losses[:losses], schedule=replace(plan.schedule, epochs=epochs, warm=warm)
    )
