"""Training of spaces, one by one and in parallel."""

from dataclasses import replace

import numpy as np
import pytest
from ablation_factory import SMALL, TRIAL, make_data, unit

from experiments.ablation import runner, trials
from experiments.ablation.baselines import fit_ridge
from experiments.ablation.dev_monitor import DevMonitor
from experiments.ablation.fused_ranks import compute_rsum
from experiments.ablation.runner import run_trials
from experiments.ablation.settings import apply_overrides
from experiments.ablation.space_spec import LossSpec, SpaceSpec
from experiments.ablation.table_rows import OBJECT_SPACE
from experiments.ablation.trials import (
    Trial,
    is_finished,
    load_embeddings,
    load_history,
    train_trial,
)
from losses import LOSSES


@pytest.fixture(scope="module")
def corpus():
    return make_data()


@pytest.mark.slow
@pytest.mark.parametrize(
    "space",
    [
        OBJECT_SPACE,
        replace(OBJECT_SPACE, text_tower="sentence"),
        SpaceSpec(roles=("objects", "sound")),
        SpaceSpec(roles=("objects", "sound"), shared=True),
        *(replace(OBJECT_SPACE, loss=LossSpec(name=name)) for name in LOSSES),
        replace(OBJECT_SPACE, loss=LossSpec(shape="linear", strength=4.0)),
        replace(OBJECT_SPACE, released=True),
    ],
    ids=str,
)
def test_every_kind_of_space_trains(space, corpus, tmp_path):
    train_trial(Trial(space=space.resolve(corpus.present_roles, "gru"), seed=0), corpus, SMALL, tmp_path)
    rows = load_embeddings(tmp_path)
    assert is_finished(tmp_path) and not (tmp_path / trials.CHECKPOINT_FILE).exists()
    for part in ("dev", "test"):
        media, texts = rows[part]
        assert media.shape == (10, 12) and texts.shape == (20, 12)
        np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-2)
    assert len(load_history(tmp_path).epochs) == 3


def test_items_without_features_are_missing(corpus, tmp_path):
    train_trial(Trial(space=SpaceSpec(roles=("sound",), text_tower="gru"), seed=0), corpus, SMALL, tmp_path)
    media, _ = load_embeddings(tmp_path)["test"]
    silent = np.isnan(corpus.features["sound"][corpus.select_items("test")]).any(1)
    np.testing.assert_array_equal(np.isnan(media).any(1), silent)
    assert silent.any()


@pytest.mark.slow
def test_training_beats_chance(corpus, tmp_path):
    settings = apply_overrides(SMALL, ["schedule.epochs=12"])
    train_trial(TRIAL, corpus, settings, tmp_path)
    media, texts = load_embeddings(tmp_path)["test"]
    chance = compute_rsum(unit(np.random.default_rng(0), 10, 12), texts, np.repeat(np.arange(10), 2))
    assert compute_rsum(media, texts, np.repeat(np.arange(10), 2)) > chance + 50


def test_interrupted_training_resumes_identically(corpus, tmp_path):
    train_trial(TRIAL, corpus, SMALL, tmp_path / "whole")
    epochs_done = 0

    def stop():
        nonlocal epochs_done
        epochs_done += 1
        if epochs_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_trial(TRIAL, corpus, SMALL, tmp_path / "cut", stop)
    assert (tmp_path / "cut" / trials.CHECKPOINT_FILE).exists() and not is_finished(tmp_path / "cut")
    train_trial(TRIAL, corpus, SMALL, tmp_path / "cut", stop)
    for part in ("dev", "test"):
        for one, other in zip(
            load_embeddings(tmp_path / "whole")[part], load_embeddings(tmp_path / "cut")[part], strict=True
        ):
            np.testing.assert_array_equal(one, other)
    histories = [load_history(tmp_path / name) for name in ("whole", "cut")]
    assert histories[0].best == histories[1].best
    assert [e.loss for e in histories[0].epochs] == [e.loss for e in histories[1].epochs]


def test_finished_trials_are_skipped(corpus, tmp_path, monkeypatch):
    trained = []

    def counting(trial, *rest):
        trained.append(trial)
        train_trial(trial, *rest)

    monkeypatch.setattr(runner, "train_trial", counting)
    both_trials = [TRIAL, replace(TRIAL, seed=2)]
    first = run_trials(both_trials[:1], corpus, SMALL, tmp_path, jobs=1, quiet=True)
    again = run_trials(both_trials, corpus, SMALL, tmp_path, jobs=1, quiet=True)
    assert trained == both_trials and first[TRIAL] == again[TRIAL]
    run_trials(both_trials, corpus, apply_overrides(SMALL, ["loss.margin=0.1"]), tmp_path, jobs=1, quiet=True)
    assert len(trained) == 4


def test_key_depends_on_data_and_settings(corpus):
    def key(trial=TRIAL, data=corpus, settings=SMALL):
        return trials.compute_trial_key(trial.to_json(data, settings))

    texts = {**corpus.texts, "gru": corpus.texts["gru"][::-1].copy()}
    others = [
        key(replace(TRIAL, seed=0)),
        key(replace(TRIAL, space=replace(TRIAL.space, loss=LossSpec(name="vse")))),
        key(replace(TRIAL, space=replace(TRIAL.space, text_tower="sentence"))),
        key(settings=apply_overrides(SMALL, ["heads.dim=13"])),
        key(settings=apply_overrides(SMALL, ["schedule.rate=0.1"])),
        key(data=replace(corpus, features={**corpus.features, "objects": corpus.features["objects"] * 2})),
        key(data=replace(corpus, texts=texts)),
        key(data=replace(corpus, item_splits=corpus.item_splits[::-1].copy())),
    ]
    assert len({key(), *others}) == 1 + len(others)
    assert key() == key(
        data=replace(corpus, features={**corpus.features, "sound": corpus.features["sound"] * 2})
    )


@pytest.mark.slow
def test_parallel_training_is_identical(corpus, tmp_path):
    both_trials = [TRIAL, Trial(space=SpaceSpec(roles=("sound",), text_tower="sentence"), seed=0)]
    alone = run_trials(both_trials, corpus, SMALL, tmp_path / "one", jobs=1, quiet=True)
    beside = run_trials(both_trials, corpus, SMALL, tmp_path / "two", jobs=2, quiet=True)
    for trial in both_trials:
        assert alone[trial].name == beside[trial].name
        for part in ("dev", "test"):
            for one, other in zip(
                load_embeddings(alone[trial])[part], load_embeddings(beside[trial])[part], strict=True
            ):
                np.testing.assert_array_equal(one, other)


class Alike:
    """A model whose rows are all one row, or all different."""

    def __init__(self, alike):
        rng = np.random.default_rng(0)
        self.make = (lambda n: np.tile(unit(rng, 1, 4), (n, 1))) if alike else (lambda n: unit(rng, n, 4))

    def encode_media(self, training_set):
        return self.make(training_set.item_count)

    def encode_texts(self, texts):
        return self.make(len(texts))


def test_collapse_detection(corpus):
    train_part, dev = (corpus.make_training_set(part, ("objects",), "gru") for part in ("train", "dev"))
    monitor = DevMonitor(TRIAL.space, train_part, dev, 0.2, lambda pair_count: 2 * pair_count * 0.2)
    monitor.score_dev(Alike(alike=True))
    assert monitor.is_collapsed(2 * 128 * 0.2, 128)
    assert not monitor.is_collapsed(2 * 128 * 0.1, 128)
    monitor.score_dev(Alike(alike=False))
    assert not monitor.is_collapsed(2 * 128 * 0.2, 128)


def test_ridge_gains_from_a_second_role(corpus):
    embeddings, _ = fit_ridge(corpus, ("objects", "sound"))
    media, texts = embeddings["test"]
    owner = np.repeat(np.arange(10), 2)
    assert compute_rsum(media, texts, owner) > compute_rsum(
        *fit_ridge(corpus, ("objects",))[0]["test"], owner
    )
    alone, _ = fit_ridge(corpus, ("sound",))
    silent = np.isnan(corpus.features["sound"][corpus.select_items("test")]).any(1)
    np.testing.assert_array_equal(np.isnan(alone["test"][0]).any(1), silent)
