"""Training within a time."""

import math
from dataclasses import replace

import numpy as np
import pytest

from retrieval.training.cross_validation import RIDGE, Lesson
from retrieval.training.time_budget import (
    CLOSED_FORM,
    MARGIN,
    Budget,
    OutOfTimeError,
    cut_plan,
    plan_within,
    seconds_of_plan,
)
from retrieval.training.train_heads import learnt, plan_for
from spaces.joint.training_set import Material

ITEMS, DIM = 60, 12


class Clock:
    """Seconds that pass at every look."""

    def __init__(self, step=0.0):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def lesson():
    """Items whose rows are a turned copy of what is said of them."""
    rng = np.random.default_rng(0)
    said = rng.standard_normal((ITEMS, DIM)).astype(np.float32)
    said /= np.linalg.norm(said, axis=1, keepdims=True)
    rows = (said @ rng.standard_normal((DIM, DIM))).astype(np.float32)
    material = Material(media={"objects": rows}, texts=said, owner=np.arange(ITEMS))
    return Lesson(material=material, groups=[str(at) for at in range(ITEMS)], encoders={})


def test_without_minutes_there_is_no_end():
    budget = Budget(clock=Clock(1e9))
    budget.check()
    assert math.isinf(budget.left)
    plan = plan_for(ITEMS)
    assert plan_within(lesson(), plan, seed=0, left=math.inf) == (plan, "")


def test_the_time_is_over():
    clock = Clock()
    budget = Budget(2, clock)
    clock.now = 119
    budget.check()
    assert budget.left == 1
    clock.now = 121
    with pytest.raises(OutOfTimeError):
        budget.check()


@pytest.mark.parametrize(
    ("left", "epochs", "cut"),
    [
        (100 * MARGIN, 240, ""),
        (99 * MARGIN, 120, "50% of the epochs"),
        (49 * MARGIN, 48, "20% of the epochs"),
    ],
)
def test_fewer_epochs_where_time_is_short(left, epochs, cut):
    plan = plan_for(ITEMS)
    found, said = cut_plan(plan, 100, left)
    assert (found, said) == (replace(plan, schedule=replace(plan.schedule, epochs=epochs)), cut)


def test_least_squares_where_even_few_epochs_take_too_long():
    found, said = cut_plan(plan_for(ITEMS), 100, 19 * MARGIN)
    assert found.losses == (RIDGE,) and said == CLOSED_FORM


def test_an_estimate_is_seconds_an_epoch_by_epochs_and_folds():
    plan = plan_for(ITEMS)
    assert (
        seconds_of_plan(lesson(), plan, seed=0, clock=Clock(0.5)) == 0.5 * plan.schedule.epochs * plan.folds
    )


def test_time_that_ends_while_training_leaves_least_squares():
    outcome, fitted = learnt("object", lesson(), 0, lambda *step: None, Budget(1, Clock(1.0)))
    assert outcome.cut == CLOSED_FORM and outcome.gain is not None
    assert len(fitted.heads.members) == 1


def test_time_that_is_over_before_a_space_begins():
    outcome, fitted = learnt("object", lesson(), 0, lambda *step: None, Budget(1, Clock(61.0)))
    assert fitted is None and outcome.why == "not trained: the time given was over"
