"""Which epoch is kept, when training ends, and what a collapse is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_runs import SHORT, Learnt, equal, linear, scored, training, weights, world

from losses import LOSSES
from losses.ranking import is_collapsed

MARGIN = 0.2


def snapshots(run):
    """Run, with the weights after each epoch."""
    kept = []
    judge = run.score_model

    def judging(model):
        kept.append(weights(run))
        return judge(model)

    return replace(run, score_model=judging).run(), kept


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((1, 7, 3, 5), 2),
        ((-4, -3, -2, -2), 3),
        ((0, -1, -2, -1), 1),  # 0 is a score
        ((0, 0, 0, 0), 1),  # the first of equals
        ((1, 2, 3, 4), 4),
    ],
)
def test_the_best_epoch_is_kept(scores, best):
    run = training(score_model=scored(*scores), loss=Learnt())
    history, kept = snapshots(run)
    assert history.best == best
    assert [epoch.score for epoch in history.epochs] == list(scores)
    assert equal(weights(run), kept[best - 1])
    assert not equal(kept[best - 1], kept[best % 4])
    assert not run.model.training


@pytest.mark.parametrize(
    ("warm", "best"),
    [
        (0, 1),
        (1, 3),
        (2, 3),
        (3, 4),
        (4, 4),  # a run that is all warm-up keeps its last
        (9, 4),
    ],
)
def test_an_epoch_of_the_warm_up_is_never_kept(warm, best):
    """Its weights were trained with another loss than the one the model is named by."""
    run = training(
        score_model=scored(9, 2, 7, 5),
        loss=LOSSES["vse++"](),
        warmup_loss=LOSSES["vse"](),
        schedule=replace(SHORT, warm=warm),
    )
    history, kept = snapshots(run)
    assert history.best == best
    assert equal(weights(run), kept[best - 1])


def test_patience_is_counted_from_the_end_of_the_warm_up():
    run = training(
        score_model=scored(9, 8, 7, 3, 2, 1, 0, 0),
        warmup_loss=LOSSES["vse"](),
        schedule=replace(SHORT, epochs=8, warm=3, patience=2),
    )
    history = run.run()
    assert (len(history.epochs), history.best) == (6, 4)


def test_a_warm_up_without_a_loss_of_its_own_counts_like_any_epoch():
    run = training(score_model=scored(9, 2, 7, 5), schedule=replace(SHORT, warm=2))
    assert run.run().best == 1


def test_without_a_judge_the_last_epoch_is_kept():
    free, short = training(), training(schedule=replace(SHORT, epochs=2))
    assert free.run().best == 4
    assert short.run().best == 2
    assert not equal(weights(free), weights(short))


def test_the_judge_sees_a_model_that_does_not_drop_out():
    data, seen = world(), []

    def judge(model):
        seen.append((model.training, np.array_equal(model.encode_media(data), model.encode_media(data))))
        return 0.0

    modes = []

    def loss(table, same):
        modes.append(run.model.training)
        return LOSSES["vse"]()(table, same)

    run = training(data, linear(data, dropout=0.5), score_model=judge, loss=loss)
    run.run()
    assert seen == [(False, True)] * 4
    assert modes == [True] * 20  # in every epoch, not in the first alone


@pytest.mark.parametrize(("patience", "epochs"), [(0, 8), (1, 2), (2, 5), (3, 6), (7, 8)])
def test_patience(patience, epochs):
    """So many epochs without a better score end the run."""
    run = training(
        score_model=scored(5, 4, 6, 6, 3, 1, 0, 0), schedule=replace(SHORT, epochs=8, patience=patience)
    )
    history = run.run()
    assert len(history.epochs) == epochs
    assert history.best == (1 if patience == 1 else 3)


@pytest.mark.parametrize("warm", [0, 1, 3, 4, 9])
def test_the_warm_up_loss_is_used_in_its_epochs_alone(warm):
    used = []

    def noted(name, loss):
        return lambda table, same: used.append(name) or loss(table, same)

    run = training(
        loss=noted("main", LOSSES["vse++"]()),
        warmup_loss=noted("warm", LOSSES["vse"]()),
        schedule=replace(SHORT, warm=warm),
    )
    run.run()
    warm_epochs = min(warm, 4)
    assert used == ["warm"] * 5 * warm_epochs + ["main"] * 5 * (4 - warm_epochs)


def stuck(loss, size):
    return is_collapsed(loss, 2 * size * MARGIN)


def frozen(data):
    """A model all of whose items and texts lie at one place, where equal pulls hold them."""
    model = linear(data)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(torch.ones_like(weight) if name.endswith("bias") else torch.zeros_like(weight))
    return model


def test_a_collapsed_run_is_told_and_ends():
    data = world(40)
    schedule = replace(SHORT, rate=1e-9)
    history = training(
        data, frozen(data), loss=LOSSES["vse++"](), collapse_test=stuck, schedule=schedule
    ).run()
    assert history.collapsed
    assert len(history.epochs) == 1
    assert history.epochs[0].loss == pytest.approx(2 * 8 * MARGIN, rel=0.02)


def test_collapse_counts_after_the_warm_up_only(tmp_path):
    data = world(40)

    def run():
        warmed = replace(SHORT, rate=1e-9, warm=2)
        return training(data, frozen(data), loss=LOSSES["vse++"](), collapse_test=stuck, schedule=warmed)

    history = run().run(tmp_path / "file")
    assert history.collapsed and len(history.epochs) == 3
    assert run().run(tmp_path / "file") == history  # and stays so
    assert not training(data, frozen(data), schedule=replace(SHORT, rate=1e-9)).run().collapsed


def test_a_healthy_run_is_not_called_collapsed():
    data = world(40)
    history = training(data, loss=LOSSES["vse++"](), collapse_test=stuck).run()
    assert not history.collapsed and len(history.epochs) == 4


def test_one_stuck_batch_may_be_chance():
    answers = iter([True] * 4 + [False] + [True] * 5 * 3)
    history = training(collapse_test=lambda loss, size: next(answers)).run()
    assert history.collapsed and len(history.epochs) == 2


def test_stuck_is_told_the_loss_and_the_size_of_each_batch():
    seen = []
    schedule = replace(SHORT, epochs=1, batch=12)
    history = training(collapse_test=lambda *batch: not seen.append(batch), schedule=schedule).run()
    losses, sizes = zip(*seen, strict=True)
    assert sizes == (12, 12, 12, 4)
    assert np.mean(losses) == history.epochs[0].loss
