"""Rates, clipping, weight decay, and schedules that can't be."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import SHORT, equal, training, weights

from spaces.joint.schedule import PAPER_SCHEDULE, RELEASED_SCHEDULE, Schedule, compute_learning_rate


def test_clipping_bounds_the_gradient():
    def run(clip):
        one = training(schedule=replace(SHORT, clip=clip))
        one.run()
        norm = torch.stack([weight.grad.norm() for weight in one.model.parameters()]).norm().item()
        return weights(one), norm

    (free, large), (loose, same), (tight, small) = run(0), run(1e9), run(0.5)
    assert equal(free, loose) and large == same
    assert large > 1
    assert small == pytest.approx(0.5, rel=1e-4)
    assert not equal(free, tight)


def test_weight_decay_draws_weights_to_zero():
    def size(decay):
        one = training(schedule=replace(SHORT, weight_decay=decay))
        one.run()
        return sum(weight.square().sum().item() for weight in one.model.parameters())

    assert size(5.0) < size(0.0)


def test_rates_of_the_paper_and_of_the_released_code():
    assert [compute_learning_rate(PAPER_SCHEDULE, epoch) for epoch in (0, 14, 14.99)] == [0.002] * 3
    assert [compute_learning_rate(PAPER_SCHEDULE, epoch) for epoch in (15, 29.5)] == pytest.approx(
        [0.0002] * 2
    )
    halved = [compute_learning_rate(RELEASED_SCHEDULE, epoch) for epoch in (0, 9.9, 10, 19, 20, 29)]
    assert halved == pytest.approx([2e-4, 2e-4, 1e-4, 1e-4, 5e-5, 5e-5])


def test_one_cycle_rises_and_falls():
    """Torch's own OneCycleLR is the measure, whose steps are whole."""
    steps, schedule = 100, Schedule(epochs=10, rate=0.01, decay="one-cycle")
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.01, total_steps=steps + 1, pct_start=0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = [cycle.get_last_lr()[0] for _ in range(steps) if cycle.step() is None]
    found = [compute_learning_rate(schedule, step / 10) for step in range(1, steps + 1)]
    assert max(found) == found[19] == 0.01
    np.testing.assert_allclose(found, want, rtol=0.08, atol=1e-6)
    assert (np.diff(found[:20]) > 0).all() and (np.diff(found[19:]) < 0).all()
    assert compute_learning_rate(schedule, 0) == pytest.approx(0.01 / 25)


def test_the_rate_is_the_optimisers(monkeypatch):
    used = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda self: used.append(self.param_groups[0]["lr"]) or step(self)
    )
    schedule = replace(SHORT, decay="one-cycle")
    history = training(schedule=schedule).run()
    assert used == [compute_learning_rate(schedule, number / 5) for number in range(20)]
    assert [epoch.rate for epoch in history.epochs] == used[4::5]


@pytest.mark.parametrize(
    "bad",
    [{"epochs": 0}, {"batch": 1}, {"rate": 0}, {"every": 0}, {"rate": float("nan")}]
    + [{name: -1} for name in ("weight_decay", "clip", "warm", "patience", "factor")],
)
def test_schedules_that_cannot_be(bad):
    with pytest.raises(ValueError):
        Schedule(**bad)
