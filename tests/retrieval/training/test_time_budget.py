"""Training within a time."""

import math
from dataclasses import replace

import numpy as np
import pytest

from retrieval.training.ensemble import RIDGE_LOSS, TrainingData
from retrieval.training.time_budget import (
    CLOSED_FORM_NOTE,
    SAFETY_FACTOR,
    OutOfTimeError,
    TimeBudget,
    estimate_training_seconds,
    shorten_config,
    shorten_to_budget,
)
from retrieval.training.train_heads import make_default_config, train_space
from spaces.joint.training_set import TrainingSet

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
    material = TrainingSet(features={"objects": rows}, texts=said, item_by_text=np.arange(ITEMS))
    return TrainingData(training_set=material, groups=[str(at) for at in range(ITEMS)], encoder_signatures={})


def test_without_minutes_there_is_no_end():
    budget = TimeBudget(clock=Clock(1e9))
    budget.check()
    assert math.isinf(budget.seconds_left)
    plan = make_default_config(ITEMS)
    assert shorten_to_budget(lesson(), plan, seed=0, seconds_left=math.inf) == (plan, "")


def test_the_time_is_over():
    clock = Clock()
    budget = TimeBudget(2, clock)
    clock.now = 119
    budget.check()
    assert budget.seconds_left == 1
    clock.now = 121
    with pytest.raises(OutOfTimeError):
        budget.check()


@pytest.mark.parametrize(
    ("left", "epochs", "cut"),
    [
        (100 * SAFETY_FACTOR, 240, ""),
        (99 * SAFETY_FACTOR, 120, "50% of the epochs"),
        (49 * SAFETY_FACTOR, 48, "20% of the epochs"),
    ],
)
def test_fewer_epochs_where_time_is_short(left, epochs, cut):
    plan = make_default_config(ITEMS)
    found, said = shorten_config(plan, 100, left)
    assert (found, said) == (replace(plan, schedule=replace(plan.schedule, epochs=epochs)), cut)


def test_least_squares_where_even_few_epochs_take_too_long():
    found, said = shorten_config(make_default_config(ITEMS), 100, 19 * SAFETY_FACTOR)
    assert found.losses == (RIDGE_LOSS,) and said == CLOSED_FORM_NOTE


def test_an_estimate_is_seconds_an_epoch_by_epochs_and_folds():
    plan = make_default_config(ITEMS)
    assert (
        estimate_training_seconds(lesson(), plan, seed=0, clock=Clock(0.5))
        == 0.5 * plan.schedule.epochs * plan.fold_count
    )


def test_time_that_ends_while_training_leaves_least_squares():
    outcome, fitted = train_space("object", lesson(), 0, lambda *step: None, TimeBudget(1, Clock(1.0)))
    assert outcome.shortening == CLOSED_FORM_NOTE and outcome.gain_interval is not None
    assert len(fitted.heads.members) == 1


def test_time_that_is_over_before_a_space_begins():
    outcome, fitted = train_space("object", lesson(), 0, lambda *step: None, TimeBudget(1, Clock(61.0)))
    assert fitted is None and outcome.reason == "not trained: the time given was over"
