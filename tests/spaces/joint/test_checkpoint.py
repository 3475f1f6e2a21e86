"""A run that was stopped goes on to the same bits, and what is no checkpoint of it is refused."""

from dataclasses import replace

import pytest
import torch
from training_runs import (
    SHORT,
    Learnt,
    apart,
    equal,
    linear,
    recurrent,
    scored,
    told,
    training,
    weights,
    world,
)

from encoders.base import AffectError
from losses import LOSSES


class Interrupted(Exception):
    pass


def message(raised):
    text = str(raised.value)
    assert "\n" not in text
    return text


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
