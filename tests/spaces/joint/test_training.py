import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from encoders.base import AffectError
from losses import LOSSES
from losses.contrastive import info_nce
from losses.ranking import is_collapsed
from spaces.joint.schedule import PAPER_SCHEDULE, RELEASED_SCHEDULE, Schedule, compute_learning_rate
from spaces.joint.towers import GRUTower, JointModel, Projection, SentenceTower, SharedModel
from spaces.joint.training import Trainer
from spaces.joint.training_set import TrainingSet

MARGIN = 0.2
SHORT = Schedule(epochs=4, batch=8, rate=0.01, every=2)
SIZES = 7
WORDS = 4 + 4 * SIZES + 1


class Learnt(nn.Module):
    """InfoNCE with its temperature learnt."""

    def __init__(self):
        super().__init__()
        self.logarithm = nn.Parameter(torch.tensor(-2.0))

    def forward(self, table, same):
        return info_nce(table, self.logarithm.exp(), same)


class Interrupted(Exception):
    pass


def world(items=20, *, texts_each=2, views=0, noise=0.3, words=False, seed=0):
    """Items with four causes, seen linearly in two roles and told linearly, or by a word each, in texts."""
    random = np.random.default_rng(seed)
    causes, owner = random.standard_normal((items, 4)), np.repeat(np.arange(items), texts_each)

    def seen(width, shape):
        clean = causes @ random.standard_normal((4, width))
        clean = clean[:, None] if len(shape) == 3 else clean
        return (5 + clean + noise * random.standard_normal(shape)).astype(np.float32)

    extra = (views,) if views else ()
    media = {role: seen(width, (items, *extra, width)) for role, width in (("objects", 7), ("sound", 5))}
    if words:
        sizes = np.argsort(np.argsort(causes, axis=0), axis=0) * SIZES // items  # (items, 4), 0 the smallest
        said = (4 + SIZES * np.arange(4) + sizes)[owner]
        texts = np.zeros((len(owner), 7), np.int64)
        texts[:, 0], texts[:, 1:5], texts[:, 5] = 2, said, 3
        texts[::2, 1], texts[::2, 2:6], texts[::2, 6] = WORDS - 1, said[::2], 3  # every other one is longer
    else:
        texts = (causes[owner] @ random.standard_normal((4, 6))).astype(np.float32)
        texts += noise * random.standard_normal(texts.shape).astype(np.float32)
    return TrainingSet(features=media, texts=texts, item_by_text=owner)


def linear(data, *, seed=0, dropout=0.0, dim=6):
    torch.manual_seed(seed)
    return JointModel(
        Projection(data.feature_dims, dim, dropout=dropout), SentenceTower(6, dim, dropout=dropout)
    )


def recurrent(data, *, seed=0, dropout=0.0, dim=6, bfloat16=False):
    torch.manual_seed(seed)
    text = GRUTower(WORDS, dim, word_dim=8, use_bfloat16=bfloat16)
    return JointModel(Projection(data.feature_dims, dim, dropout=dropout, hidden_dims=[16]), text)


def apart(data, *, seed=0, dropout=0.0, dim=6):
    torch.manual_seed(seed)
    media = {
        role: Projection({role: width}, dim, dropout=dropout) for role, width in data.feature_dims.items()
    }
    return SharedModel(media, SentenceTower(6, dim))


def training(data=None, model=None, **more):
    """A short run on a small world, unless told otherwise."""
    data = world() if data is None else data
    told = {"loss": LOSSES["vse"](), "schedule": SHORT, "seed": 0, **more}
    return Trainer(model=linear(data) if model is None else model, training_set=data, **told)


def weights(run):
    return {name: tensor.clone() for name, tensor in run.make_trainable_module().state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def told(history):
    """All of a history but the seconds."""
    return [(e.number, e.loss, e.score, e.rate) for e in history.epochs], history.best, history.collapsed


def message(raised):
    text = str(raised.value)
    assert "\n" not in text
    return text


def scored(*scores):
    """A judge that gives these scores in turn."""
    left = iter(scores)
    return lambda model: next(left)


def ranks(model, data):
    """(texts,) how many items lie nearer to each text than its own."""
    table = model.encode_texts(data.text_tensor) @ model.encode_media(data).T
    own = table[np.arange(len(table)), data.item_by_text]
    return (table > own[:, None]).sum(1)


class Watched(JointModel):
    """Remembers the first columns of every batch's texts and, over the roles that are there, items."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.batches = []

    def compute_loss(self, batch, loss):
        items = torch.stack([rows[:, 0] for rows, _ in batch.features.values()]).amax(0)
        self.batches.append((batch.texts[:, 0].int().tolist(), items.int().tolist()))
        return super().compute_loss(batch, loss)


def watched(data, schedule, **more):
    """The batches of a run, epoch by epoch: numbers of texts, numbers of items."""
    data = TrainingSet(
        features={role: numbered(rows) for role, rows in data.features.items()},
        texts=numbered(data.texts),
        item_by_text=data.item_by_text,
    )
    torch.manual_seed(0)
    model = Watched(Projection(data.feature_dims, 6), SentenceTower(6, 6))
    training(data, model, schedule=schedule, **more).run()
    each = len(model.batches) // schedule.epochs
    return [model.batches[start : start + each] for start in range(0, len(model.batches), each)]


def numbered(rows):
    """Rows that begin with their number."""
    return np.concatenate([np.arange(len(rows), dtype=np.float32)[:, None], rows[:, 1:]], axis=1)


# resuming

RUNS = {
    "linear": lambda: training(
        world(views=3),
        linear(world(views=3), dropout=0.3),
        loss=Learnt(),
        score_model=lambda model: model.encode_media(world(views=3))[0, 0],
    ),
    "gru": lambda: training(
        world(views=2, words=True),
        recurrent(world(views=2, words=True), dropout=0.3, bfloat16=True),
        loss=LOSSES["vse++"](),
        warmup_loss=LOSSES["vse"](),
        schedule=replace(SHORT, warm=2, draw="items", weight_decay=0.01, batch=5),
        score_model=scored(1, 3, 2, 0),
    ),
    "shared": lambda: training(
        model=apart(world(), dropout=0.2),
        loss=LOSSES["weighted"](),
        schedule=replace(SHORT, decay="one-cycle"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_a_resumed_run_is_bit_equal(kind, tmp_path):
    whole = RUNS[kind]()
    history = whole.run(tmp_path / "whole")
    for stop in (0, 1, 2, 3, 4):
        file = tmp_path / f"stopped{stop}"

        def stopping(epoch, stop=stop):
            if epoch.number > stop:
                raise Interrupted

        first = replace(RUNS[kind](), on_epoch=stopping)
        if stop < 4:
            with pytest.raises(Interrupted):
                first.run(file)
        else:
            first.run(file)
        assert file.exists() == (stop > 0)
        second = RUNS[kind]()
        if kind == "gru":
            second = replace(second, score_model=scored(*[1, 3, 2, 0][stop:]))
        torch.rand(stop)  # the process has drawn something else before
        assert told(second.run(file)) == told(history)
        assert equal(weights(second), weights(whole))


def test_a_run_stopped_within_an_epoch_resumes_bit_equal(tmp_path):
    calls = []

    def failing(table, same):
        calls.append(1)
        if len(calls) == 13:
            raise Interrupted
        return LOSSES["vse"]()(table, same)

    data = world(views=2)
    whole = training(data, linear(data, dropout=0.3))
    history = whole.run()
    with pytest.raises(Interrupted):
        training(data, linear(data, dropout=0.3), loss=failing).run(tmp_path / "file")
    second = training(data, linear(data, dropout=0.3))
    assert told(second.run(tmp_path / "file")) == told(history)
    assert equal(weights(second), weights(whole))


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = training(score_model=scored(1, 9, 3, 4))
    history = first.run(tmp_path / "file")
    second = training(score_model=scored(), model=linear(world(), seed=5))
    assert second.run(tmp_path / "file") == history  # the seconds as well
    assert equal(weights(second), weights(first))
    assert not second.model.training


def test_checkpoints_change_nothing(tmp_path):
    with_one, without = training(), training()
    assert told(with_one.run(tmp_path / "folder" / "file")) == told(without.run())
    assert equal(weights(with_one), weights(without))
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["file"]


@pytest.mark.parametrize(("views", "dropout"), [(0, 0.0), (0, 0.3), (2, 0.0)])
def test_the_same_seed_gives_the_same_bits_and_another_others(views, dropout):
    data = world(views=views)

    def run(seed, drawn):
        one = training(data, linear(data, dropout=dropout), seed=seed)
        torch.rand(drawn)  # the seed alone decides, not what the process has drawn before
        return told(one.run()), weights(one)

    (history, bits), (again, same), (different, others) = run(1, 0), run(1, 5), run(2, 0)
    assert history == again and equal(bits, same)
    assert history != different and not equal(bits, others)


def test_the_random_state_of_the_process_stays(tmp_path):
    def stop(epoch):
        raise Interrupted

    whole, stopped = (training(model=linear(world(), dropout=0.5)) for _ in range(2))
    before = torch.random.get_rng_state()
    whole.run(tmp_path / "file")
    whole.run(tmp_path / "file")  # loads a state as well
    assert torch.equal(torch.random.get_rng_state(), before)
    with pytest.raises(Interrupted):
        replace(stopped, on_epoch=stop).run()
    assert torch.equal(torch.random.get_rng_state(), before)


# checkpoints that can't be taken up


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    file = tmp_path / "file"
    training(run_key="one").run(file)
    kept = file.read_bytes()
    with pytest.raises(AffectError) as raised:
        training(run_key="other").run(file)
    assert "file: of another run" in message(raised)
    assert file.read_bytes() == kept


def test_a_checkpoint_of_another_model_under_the_same_key_is_refused(tmp_path):
    data, file = world(), tmp_path / "file"
    training(data, linear(data)).run(file)
    for other in (linear(data, dim=5), apart(data)):
        with pytest.raises(AffectError) as raised:
            training(data, other).run(file)
        assert "file: of another run" in message(raised)


@pytest.mark.parametrize("content", [b"", b"\xff" * 7, b"garbage " * 100, b"\x09" + bytes(7) + b"{" * 9])
def test_garbage_is_no_checkpoint(tmp_path, content):
    file = tmp_path / "odd\nname"
    file.write_bytes(content)
    with pytest.raises(AffectError) as raised:
        training().run(file)
    assert "odd\\x0aname: no checkpoint" in message(raised)
    assert file.read_bytes() == content


def test_a_truncated_checkpoint_is_none(tmp_path):
    file = tmp_path / "file"
    training().run(file)
    content = file.read_bytes()
    for length in (4, 8, 100, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(AffectError) as raised:
            training().run(file)
        assert "file: no checkpoint" in message(raised)
    with pytest.raises(AffectError) as raised:
        training().run(tmp_path)
    assert "no checkpoint" in message(raised)


# which epoch is kept, and when to stop


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


# collapse


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


# steps


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


# what is drawn


def test_texts_are_drawn_once_an_epoch_each():
    data = world(10, texts_each=3)
    epochs = watched(data, replace(SHORT, batch=7))
    assert [[len(texts) for texts, _ in epoch] for epoch in epochs] == [[7, 7, 7, 7, 2]] * 4
    for epoch in epochs:
        texts = [text for drawn, _ in epoch for text in drawn]
        assert sorted(texts) == list(range(30)) and texts != sorted(texts)
        assert [item for _, items in epoch for item in items] == [data.item_by_text[text] for text in texts]
    assert epochs[0] != epochs[1]


def test_items_are_drawn_once_an_epoch_each_with_one_of_their_texts():
    data = world(10, texts_each=3)
    epochs = watched(data, replace(SHORT, batch=4, epochs=20, draw="items"))
    drawn = set()
    for epoch in epochs:
        assert [len(items) for _, items in epoch] == [4, 4, 2]
        items = [item for _, items in epoch for item in items]
        texts = [text for texts, _ in epoch for text in texts]
        assert sorted(items) == list(range(10)) and items != sorted(items)
        assert items == [data.item_by_text[text] for text in texts]
        drawn.update(texts)
    assert drawn == set(range(30))


def test_a_last_batch_of_one_is_left_out():
    epochs = watched(world(5, texts_each=3), replace(SHORT, batch=7))
    assert [[len(texts) for texts, _ in epoch] for epoch in epochs] == [[7, 7]] * 4


@pytest.mark.parametrize("draw", ["texts", "items"])
def test_items_that_say_nothing_and_texts_that_are_missing_are_left_out(draw):
    data = world(10, texts_each=3)
    data.features["objects"][[2, 5]] = np.nan
    data.features["sound"][[2, 6]] = np.nan
    data.texts[[0, 10, 27, 28, 29], 3] = np.nan
    out = {0, 6, 7, 8, 10, 27, 28, 29}
    assert set(data.usable_texts.tolist()) == set(range(30)) - out
    for epoch in watched(data, replace(SHORT, draw=draw)):
        texts = [text for texts, _ in epoch for text in texts]
        assert not out & set(texts)
        assert {data.item_by_text[text] for text in texts} == {0, 1, 3, 4, 5, 6, 7, 8}


@pytest.mark.parametrize("draw", ["texts", "items"])
def test_nothing_to_train_on(draw):
    data = world(3)
    for items in ([], [1]):  # two texts of one item are no negatives of each other
        for rows in data.features.values():
            rows[[item for item in range(3) if item not in items]] = np.nan
        fresh = TrainingSet(features=data.features, texts=data.texts, item_by_text=data.item_by_text)
        with pytest.raises(ValueError, match="nothing to train on"):
            training(fresh, schedule=replace(SHORT, draw=draw)).run()
        data = world(3)


# learning


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
