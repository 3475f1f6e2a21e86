"""What training learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_runs import SHORT, Learnt, apart, linear, recurrent, training, weights, world

from losses import LOSSES
from spaces.joint.schedule import Schedule
from spaces.joint.training_set import TrainingSet


def ranks(model, data):
    """(texts,) how many items lie nearer to each text than its own."""
    table = model.encode_texts(data.text_tensor) @ model.encode_media(data).T
    own = table[np.arange(len(table)), data.item_by_text]
    return (table > own[:, None]).sum(1)


@pytest.mark.parametrize("model", [linear, apart])
def test_missing_rows_leave_the_weights_finite(model):
    data = world(20, views=2)
    data.features["objects"][[0, 3]] = np.nan
    data.features["sound"][[0, 4, 5]] = np.nan
    data.features["sound"][6, 1, 2] = np.nan
    data.texts[7] = np.nan
    run = training(data, model(data, dropout=0.2), loss=LOSSES["vse++"]())
    history = run.run()
    assert all(torch.isfinite(tensor).all() for tensor in weights(run).values())
    assert all(np.isfinite(epoch.loss) for epoch in history.epochs)
    assert np.isnan(run.model.encode_media(data)).all(1).nonzero()[0].tolist() == [0]


def test_a_learnt_loss_learns():
    run = training(loss=Learnt())
    run.run()
    assert run.loss.logarithm.item() != -2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "words", "loss"),
    [
        (linear, False, "vse++"),
        (linear, False, "infonce"),
        (apart, False, "weighted"),
        (recurrent, True, "vse"),
    ],
)
def test_a_separable_world_is_learnt(make, words, loss):
    data = world(40, noise=0.02, words=words)
    model = make(data, dim=12) if make is not linear else linear(data, dim=8)
    schedule = Schedule(epochs=50 if words else 30, batch=16, rate=0.01, every=40 if words else 20)
    warm = replace(schedule, warm=5)
    before = (ranks(model.eval(), data) == 0).mean()
    history = training(data, model, loss=LOSSES[loss](), warmup_loss=LOSSES["vse"](), schedule=warm).run()
    assert before < 0.2
    assert (ranks(model, data) == 0).mean() > 0.9
    assert (ranks(model, data) < 5).all()
    assert history.epochs[-1].loss < history.epochs[6].loss


def test_what_is_learnt_holds_for_items_not_seen():
    data = world(200, noise=0.02)
    model = linear(data, dim=8)
    training(
        data.select_items(np.arange(150)), model, schedule=replace(SHORT, epochs=30, every=20, batch=32)
    ).run()
    rest = data.select_items(np.arange(150, 200))
    assert (ranks(model, rest) == 0).mean() > 0.8
    shuffled = TrainingSet(
        features=rest.features, texts=rest.texts, item_by_text=rest.item_by_text[::-1].copy()
    )
    assert (ranks(model, shuffled) == 0).mean() < 0.1
