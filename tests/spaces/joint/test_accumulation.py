"""What training of larger towers adds: cosine rates, accumulated batches, groups of parameters."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from spaces.joint.schedule import Schedule, compute_learning_rate
from spaces.joint.trainable_model import TrainableModel
from spaces.joint.training import Trainer

COSINE = Schedule(epochs=10, rate=0.1, decay="cosine", rise=0.2)


@pytest.mark.parametrize(("epoch", "rate"), [(0, 0.0), (1, 0.05), (2, 0.1), (6, 0.05), (10, 0.0)])
def test_cosine_rises_linearly_and_falls_to_zero(epoch, rate):
    assert compute_learning_rate(COSINE, epoch) == pytest.approx(rate, abs=1e-12)


def test_cosine_without_a_rise_starts_at_the_rate():
    assert compute_learning_rate(Schedule(decay="cosine", rise=0.0), 0) == pytest.approx(0.002)


@pytest.mark.parametrize("bad", [{"rise": 1.0}, {"rise": -0.1}, {"accumulate": 0}])
def test_schedules_that_cannot_be(bad):
    with pytest.raises(ValueError, match="rise must be"):
        Schedule(**bad)


@dataclass(frozen=True)
class Numbers:
    """Pairs whose batch is a tensor of their numbers."""

    count: int = 8

    @property
    def item_by_text(self):
        return np.arange(self.count)

    usable_texts = item_by_text

    def make_batch(self, text_indices, generator):
        return text_indices.double()


class Line(TrainableModel):
    """Its loss is the mean of weight * number; what `loss` is makes no difference."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.zeros((), dtype=torch.float64)) for _ in range(2))

    def compute_loss(self, batch, loss):
        return (self.weight * batch + self.bias).mean()


def train(model=None, **options):
    names = ("epochs", "batch", "accumulate", "clip", "weight_decay")
    schedule = Schedule(**{"epochs": 1, "clip": 0, **{n: options.pop(n) for n in names if n in options}})
    model = model or Line()
    Trainer(
        model=model, training_set=Numbers(), loss=lambda table, same: 0, schedule=schedule, seed=0, **options
    ).run()  # fmt: skip
    return model


def test_accumulated_batches_make_the_step_of_one_large_batch():
    large, small, accumulated = train(batch=8), train(batch=2), train(batch=2, accumulate=4)
    assert accumulated.weight.item() == pytest.approx(large.weight.item(), abs=1e-12)
    assert small.weight.item() != pytest.approx(large.weight.item(), abs=1e-6)


def test_a_last_group_of_fewer_batches_is_a_step_too():
    assert train(batch=2, accumulate=3).weight.item() == pytest.approx(
        2 * train(batch=8).weight.item(), rel=0.1
    )


def test_groups_have_rates_and_decays_of_their_own():
    def group(module):
        line = module["model"]
        return [
            {"params": [line.weight], "rate_factor": 10.0},
            {"params": [line.bias], "weight_decay": 0.0},
        ]

    plain, grouped = (
        train(batch=8, weight_decay=0.1),
        train(batch=8, weight_decay=0.1, group_parameters=group),
    )
    assert grouped.weight.item() == pytest.approx(10 * plain.weight.item(), rel=1e-6)
    assert grouped.bias.item() == pytest.approx(plain.bias.item(), rel=1e-6)
