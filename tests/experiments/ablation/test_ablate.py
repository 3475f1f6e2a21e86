"""The ablation command: its rows, its settings, that nothing is done twice, and what it writes."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from repository import ROOT
from rich.console import Console

from encoders.base import AffectError
from experiments import ablate
from experiments.ablation import plots, runner, tables, trials
from experiments.ablation.baselines import fit_ridge
from experiments.ablation.fused_ranks import compute_rsum, evaluate_similarity, fuse_similarities
from experiments.ablation.prepared_data import PreparedData, ensure_splits
from experiments.ablation.results import measure_rows
from experiments.ablation.row_statistics import (
    METRIC_NAMES,
    RowRanks,
    bootstrap_median_ranks,
    draw_resamples,
)
from experiments.ablation.runner import run_trials
from experiments.ablation.settings import AblationSettings, apply_overrides, flatten_settings
from experiments.ablation.table_rows import (
    ACTIVITY_AUDIO_SPACE,
    EMOTION_SPACE,
    OBJECT_SPACE,
    ROLES,
    TABLE_ROWS,
    LossSpec,
    SpaceSpec,
    plan_rows,
)
from experiments.ablation.trials import (
    DevMonitor,
    Trial,
    is_finished,
    load_embeddings,
    load_history,
    train_trial,
)
from experiments.datasets import CaptionDataset, DatasetItem
from experiments.statistics.holm import adjust_holm
from losses import LOSSES
from retrieval.evaluation import bootstrap_interval, compare_paired, median_rank

SMALL = apply_overrides(
    AblationSettings(),
    [
        "schedule.epochs=3",
        "schedule.warm=1",
        "schedule.batch=16",
        "heads.dim=12",
        "words.width=8",
        "schedule.patience=0",
    ],
)
TRIAL = Trial(space=OBJECT_SPACE.resolve(ROLES, "gru"), seed=1)


@pytest.fixture(scope="module")
def corpus():
    return made_up()


def made_up(items=50, captions=2, seed=0):
    """Objects and sound that each know a part of what captions say; every seventh item is silent."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(items, 6)).astype(np.float32)
    owner = np.repeat(np.arange(items), captions)
    words = 4 + 2 * np.arange(6) + (truth[owner] > 0)
    sound = truth[:, 3:] @ rng.normal(size=(3, 7)).astype(np.float32)
    sound[::7] = np.nan
    return PreparedData(
        features={"objects": truth[:, :3] @ rng.normal(size=(3, 9)).astype(np.float32), "sound": sound},
        texts={
            "gru": words.astype(np.int64),
            "sentence": truth[owner] + 0.1 * rng.normal(size=(len(owner), 6)).astype(np.float32),
        },
        caption_items=owner,
        item_splits=np.array([0, 0, 0, 1, 2] * (items // 5)),
        vocabulary_size=16,
    )


def unit(rng, *shape):
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


# rows


def test_the_table_is_consistent():
    names = [row.name for row in TABLE_ROWS]
    assert len(set(names)) == len(names)
    for row in TABLE_ROWS:
        assert bool(row.spaces) != bool(row.baseline)
        assert set(row.against) <= set(names)
        assert {space.loss.name for space in row.spaces} <= set(LOSSES)
        assert {role for space in row.spaces for role in space.roles} <= set(ROLES)
    assert {row.group for row in TABLE_ROWS} >= {"1.1", "1.2", "1.3", "1.4", "1.5"}


def test_every_row_can_be_had_with_every_role():
    plan = plan_rows(ROLES, "gru")
    assert set(plan.left_out) == {"2.1 object, GRU", "2.1 object + [activity, audio], GRU"}
    assert plan_rows(ROLES, "sentence").left_out.keys() == {
        name.replace("GRU", "sentence vectors") for name in plan.left_out
    }


def test_shared_spaces_are_trained_once():
    plan = plan_rows(ROLES, "gru", prefixes=["1.1 weighted", "1.2", "1.5"])
    assert len(plan.spaces) == len(set(plan.spaces))
    assert sum(space.roles == ("objects",) and space.loss == LossSpec() for space in plan.spaces) == 1


def test_rows_without_their_roles_are_left_out():
    plan = plan_rows(("objects", "sound"), "gru")
    assert plan.left_out["1.2 activity"] == "needs activity"
    assert plan.left_out["1.5 object + emotion"] == "is the same as 1.5 object + audio here"
    assert "1.4 shared: object, audio" in {row.name for row in plan.rows}
    silent = plan_rows(("objects",), "gru", has_zero_shot=False)
    assert silent.left_out["1.5 object + emotion"].startswith("needs one of")
    assert silent.left_out["2.3 zero-shot"].startswith("needs the engine's")


def test_a_row_brings_what_it_is_compared_with():
    rows = {row.name: row for row in plan_rows(ROLES, "gru", prefixes=["1.5 object + [a"]).rows}
    assert {"1.2 object", "1.5 object + activity", "1.5 object + [activity, audio]"} <= set(rows)
    assert all(base in rows for row in rows.values() for base in row.against)


def test_unknown_rows_are_told():
    with pytest.raises(AffectError, match=r"no row '9'; groups: 1\.1, 1\.2"):
        plan_rows(ROLES, "gru", prefixes=["9"])


def test_the_best_needs_others():
    with pytest.raises(AffectError, match="best of which rows"):
        plan_rows(ROLES, "gru", prefixes=["2.4"])


def test_a_space_takes_what_is_there():
    assert EMOTION_SPACE.resolve(("objects", "faces"), "gru").roles == ("faces",)
    assert ACTIVITY_AUDIO_SPACE.resolve(("sound",), "gru") is None
    assert str(ACTIVITY_AUDIO_SPACE.resolve(ROLES, "sentence")) == "[activity, audio], sentence"


# settings


def test_settings_are_typed():
    settings = apply_overrides(
        AblationSettings(), ["loss.margin=0.1", "schedule.epochs = 7", "text=sentence"]
    )
    assert (settings.loss.margin, settings.schedule.epochs, settings.text) == (0.1, 7, "sentence")
    assert settings.schedule.rate == AblationSettings().schedule.rate
    assert flatten_settings(settings)["schedule.epochs"] == 7


@pytest.mark.parametrize(
    "pair",
    ["schedule.warm=40", "loss.margn=1", "loss=1", "loss.margin", "schedule.epochs=1.5", "loss.margin=x",
     "loss.margin=-1", "schedule.decay=slow", "text=lstm", "schedule.batch=1", "heads.dropout=1", "fps=0",
     "loss.margin=nan"],
)  # fmt: skip
def test_bad_settings_are_one_line(pair):
    with pytest.raises(AffectError) as bad:
        apply_overrides(AblationSettings(), [pair])
    assert "\n" not in str(bad.value)


def test_an_unknown_setting_lists_the_known():
    with pytest.raises(AffectError, match=r"no setting 'x'; known: loss\.margin, .*words\.width.*text"):
        apply_overrides(AblationSettings(), ["x=1"])


# splits


def items(splits):
    return CaptionDataset(
        name="set",
        items=tuple(
            DatasetItem(id=str(n), captions=("a",), split=split, group=f"g{n // 2}")
            for n, split in enumerate(splits)
        ),
    )


def test_a_set_without_test_is_reported_on_its_dev():
    data = ensure_splits(items(["train"] * 40 + ["dev"] * 10), 0.1)
    found = {item.id: item.split for item in data.items}
    assert {found[str(n)] for n in range(40, 50)} == {"test"}
    assert sum(split == "dev" for split in found.values()) == 4
    assert all(found[str(n)] == found[str(n + 1)] for n in range(0, 40, 2))
    assert len(data.notes) == 2


def test_a_set_without_parts_is_split():
    data = ensure_splits(items(["train"] * 40), 0.1)
    assert {item.split for item in data.items} == {"train", "dev", "test"}
    with pytest.raises(AffectError, match="too small"):
        ensure_splits(items(["train"] * 2), 0.1)


# scoring


def test_spaces_are_added_up_as_the_paper_does():
    rng = np.random.default_rng(0)
    spaces = [(unit(rng, 9, 4), unit(rng, 18, 4)) for _ in range(2)]
    owner = np.repeat(np.arange(9), 2)
    summed = sum(texts @ media.T for media, texts in spaces)
    ours = evaluate_similarity(fuse_similarities(spaces), owner)
    stacked = evaluate_similarity(
        fuse_similarities([tuple(np.hstack(pair) for pair in zip(*spaces, strict=True))]), owner
    )
    np.testing.assert_array_equal(ours.t2v.ranks, stacked.t2v.ranks)
    np.testing.assert_array_equal(ours.v2t.ranks, stacked.v2t.ranks)
    assert ours.t2v.ranks[0] == (summed[0] > summed[0, 0]).sum()


def test_a_silent_space_abstains():
    rng = np.random.default_rng(1)
    first, second = ((unit(rng, 5, 4), unit(rng, 5, 4)) for _ in range(2))
    second[0][2] = np.nan
    table = fuse_similarities([first, second]).rows(slice(0, 5))
    alone = first[1] @ first[0].T
    np.testing.assert_allclose(table[:, 2], alone[:, 2], atol=1e-6)
    both = (alone + second[1] @ second[0].T) / 2
    np.testing.assert_allclose(table[:, [0, 1, 3, 4]], both[:, [0, 1, 3, 4]], atol=1e-6)


def test_an_item_nobody_speaks_of_ranks_last():
    rng = np.random.default_rng(2)
    spaces = [(unit(rng, 6, 4), unit(rng, 6, 4)) for _ in range(2)]
    for media, _ in spaces:
        media[3] = np.nan
    found = evaluate_similarity(fuse_similarities(spaces), np.arange(6))
    assert found.t2v.ranks[3] == 5
    assert (np.delete(found.t2v.ranks, 3) < 5).all()


# figures


@pytest.fixture(scope="module")
def standings():
    """Two rows of three seeds over the same 30 items of 3 captions."""
    rng, owner = np.random.default_rng(3), np.repeat(np.arange(30), 3)
    made = []
    for noise in (1.0, 2.5):
        media = unit(rng, 30, 8)
        seeds = [media[owner] + noise * rng.normal(size=(90, 8)).astype(np.float32) for _ in range(3)]
        made.append([evaluate_similarity(fuse_similarities([(media, texts)]), owner) for texts in seeds])
    return made


def test_figures_are_those_of_the_evaluator(standings):
    good, _ = standings
    weights, _ = draw_resamples(30, seed=0)
    found = RowRanks.from_evaluations(good).estimate_metrics(good, weights)
    for name in METRIC_NAMES:
        values = [one.compute_metrics()[name] for one in good]
        assert found[name].mean == pytest.approx(np.mean(values))
        assert found[name].sd == pytest.approx(np.std(values, ddof=1))
        assert found[name].low <= found[name].mean + 1 and found[name].high >= found[name].mean - 1
    direction = good[0].t2v
    one = RowRanks.from_evaluations(good[:1]).estimate_metrics(good[:1], weights)["T2V R@10"]
    assert one.sd is None
    low, high = bootstrap_interval(100.0 * (direction.ranks < 10), seed=0, groups=direction.groups)
    assert (one.low, one.high) == pytest.approx((low, high), abs=2)


def test_medians_are_those_of_what_was_drawn():
    rng = np.random.default_rng(4)
    ranks, item = rng.integers(20, size=15).astype(float), np.repeat(np.arange(5), 3)
    weights, _ = draw_resamples(5, seed=1, draw_count=20)
    expected = [median_rank(np.repeat(ranks, w[item].astype(int))) for w in weights]
    np.testing.assert_array_equal(bootstrap_median_ranks(ranks, item, weights), expected)


def test_differences_are_paired(standings):
    good, bad = standings
    weights, signs = draw_resamples(30, seed=0)
    mine, theirs = RowRanks.from_evaluations(good), RowRanks.from_evaluations(bad)
    gap = mine.compare_rsum(theirs, "bad", weights, signs)
    assert gap.value == pytest.approx(np.mean([a.rsum - b.rsum for a, b in zip(good, bad, strict=True)]))
    assert gap.low < gap.value < gap.high and gap.p < 0.01
    back = theirs.compare_rsum(mine, "good", weights, signs)
    assert (back.value, back.p) == (pytest.approx(-gap.value), gap.p)
    same = mine.compare_rsum(mine, "itself", weights, signs)
    assert (same.value, same.p, same.low, same.high) == (0, 1, 0, 0)


def test_the_permutation_test_is_the_evaluators():
    rng, owner = np.random.default_rng(5), np.arange(40)
    first, second = (
        [
            evaluate_similarity(
                fuse_similarities([(m := unit(rng, 40, 4), m + n * rng.normal(size=(40, 4)).astype("f4"))]),
                owner,
            )
        ]
        for n in (1.0, 1.3)
    )
    weights, signs = draw_resamples(40, seed=0)
    ours = RowRanks.from_evaluations(first).compare_rsum(
        RowRanks.from_evaluations(second), "", weights, signs
    )

    def score(evaluation):
        return sum((side.ranks < k) * 100.0 for side in (evaluation.t2v, evaluation.v2t) for k in (1, 5, 10))

    theirs = compare_paired(score(first[0]), score(second[0]), seed=0)
    assert (ours.value, ours.p) == pytest.approx((theirs.value, theirs.p_value), abs=0.04)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=12)


def test_holm():
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.6, 0.9]) == [1, 1]
    assert adjust_holm([]) == []


def test_a_difference_in_words(standings):
    weights, signs = draw_resamples(30, seed=0)
    gap = RowRanks.from_evaluations(standings[0]).compare_rsum(
        RowRanks.from_evaluations(standings[1]), "base", weights, signs
    )
    assert replace(gap, holm=0.01).words == "better than base"
    assert replace(gap, holm=0.01, value=-1.0).words == "worse than base"
    assert replace(gap, holm=0.2).words == "no difference shown from base"


# trainings


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


def test_sound_that_is_missing_is_missing(corpus, tmp_path):
    train_trial(Trial(space=SpaceSpec(roles=("sound",), text_tower="gru"), seed=0), corpus, SMALL, tmp_path)
    media, _ = load_embeddings(tmp_path)["test"]
    silent = np.isnan(corpus.features["sound"][corpus.select_items("test")]).any(1)
    np.testing.assert_array_equal(np.isnan(media).any(1), silent)
    assert silent.any()


def test_training_learns(corpus, tmp_path):
    settings = apply_overrides(SMALL, ["schedule.epochs=12"])
    train_trial(TRIAL, corpus, settings, tmp_path)
    media, texts = load_embeddings(tmp_path)["test"]
    chance = compute_rsum(unit(np.random.default_rng(0), 10, 12), texts, np.repeat(np.arange(10), 2))
    assert compute_rsum(media, texts, np.repeat(np.arange(10), 2)) > chance + 50


def test_an_interrupted_training_goes_on_to_the_same_end(corpus, tmp_path):
    train_trial(TRIAL, corpus, SMALL, tmp_path / "whole")
    told = 0

    def stop():
        nonlocal told
        told += 1
        if told == 3:
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


def test_finished_trainings_are_not_done_again(corpus, tmp_path, monkeypatch):
    done = []

    def counting(trial, *rest):
        done.append(trial)
        train_trial(trial, *rest)

    monkeypatch.setattr(runner, "train_trial", counting)
    two = [TRIAL, replace(TRIAL, seed=2)]
    first = run_trials(two[:1], corpus, SMALL, tmp_path, jobs=1, quiet=True)
    again = run_trials(two, corpus, SMALL, tmp_path, jobs=1, quiet=True)
    assert done == two and first[TRIAL] == again[TRIAL]
    run_trials(two, corpus, apply_overrides(SMALL, ["loss.margin=0.1"]), tmp_path, jobs=1, quiet=True)
    assert len(done) == 4


def test_all_that_matters_names_a_trial(corpus):
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


def test_side_by_side_is_the_same(corpus, tmp_path):
    two = [TRIAL, Trial(space=SpaceSpec(roles=("sound",), text_tower="sentence"), seed=0)]
    alone = run_trials(two, corpus, SMALL, tmp_path / "one", jobs=1, quiet=True)
    beside = run_trials(two, corpus, SMALL, tmp_path / "two", jobs=2, quiet=True)
    for trial in two:
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


def test_a_collapse_is_seen(corpus):
    train_part, dev = (corpus.make_training_set(part, ("objects",), "gru") for part in ("train", "dev"))
    watch = DevMonitor(TRIAL.space, train_part, dev, 0.2)
    watch.score_dev(Alike(alike=True))
    assert watch.is_collapsed(2 * 128 * 0.2, 128)
    assert not watch.is_collapsed(2 * 128 * 0.1, 128)
    watch.score_dev(Alike(alike=False))
    assert not watch.is_collapsed(2 * 128 * 0.2, 128)


def test_ridge_sees_what_it_can(corpus):
    found, _ = fit_ridge(corpus, ("objects", "sound"))
    media, texts = found["test"]
    owner = np.repeat(np.arange(10), 2)
    assert compute_rsum(media, texts, owner) > compute_rsum(
        *fit_ridge(corpus, ("objects",))[0]["test"], owner
    )
    alone, _ = fit_ridge(corpus, ("sound",))
    silent = np.isnan(corpus.features["sound"][corpus.select_items("test")]).any(1)
    np.testing.assert_array_equal(np.isnan(alone["test"][0]).any(1), silent)


# what is written


@pytest.fixture(scope="module")
def result(corpus, tmp_path_factory):
    """A few rows, measured, one of their trainings collapsed."""
    folder = tmp_path_factory.mktemp("rows")
    plan = plan_rows(
        corpus.present_roles, "gru", prefixes=["1.1 VSE", "1.2", "1.4", "1.5", "2.3"], has_zero_shot=False
    )
    made = [Trial(space=space, seed=seed) for seed in range(2) for space in plan.spaces]
    folders = run_trials(made, corpus, SMALL, folder, jobs=1, quiet=True)
    file = folders[made[0]] / trials.HISTORY_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "collapsed": True}))
    found = measure_rows(plan, range(2), folders, corpus, None)
    told = tables.RunMetadata(
        data="made-up",
        seeds=2,
        settings=flatten_settings(SMALL),
        encoders={},
        notes=("a note",),
        left_out=plan.left_out,
    )
    return told, found


def test_tables_are_well_formed(result, tmp_path):
    told, found = result
    everything = tables.to_json(told, found)
    tables.write_results(tmp_path, told, found, everything)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [row["row"] for row in rows] == [line.name for line in found.rows]
    for row, line in zip(rows, found.rows, strict=True):
        assert float(row["rsum mean"]) == pytest.approx(line.estimates["rsum"].mean)
        assert float(row["rsum low"]) <= float(row["rsum high"])
    text = (tmp_path / "table.md").read_text()
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
    assert "Left out: 1.2 activity needs activity." in text
    assert "Ties: average" in text and "MdR" in text and "all captions" in text
    assert "1 of 2 collapsed" in text
    read = json.loads((tmp_path / "results.json").read_text())
    assert {row["name"] for row in read["rows"]} == {line.name for line in found.rows}
    assert read["rows"][0]["gap"]["words"] and len(read["spaces"][0]["epochs"]) == 3


def test_the_terminal_shows_every_row(result):
    console = Console(width=250, file=io.StringIO())
    console.print(tables.make_terminal_table(*result))
    said = console.file.getvalue()
    assert all(line.name in said for line in result[1].rows)
    bracketed = replace(result[1].rows[0], name="1.5 object + [activity, audio]")
    console.print(tables.make_terminal_table(result[0], replace(result[1], rows=(bracketed,))))
    assert "[activity, audio]" in console.file.getvalue()


def test_what_is_compared_with_what(result):
    _, found = result
    gaps = {line.name: line.difference.against for line in found.rows if line.difference}
    assert gaps["1.2 audio"] == gaps["1.5 object + audio"] == "1.2 object"
    assert gaps["2.3 ridge: all"] == "1.5 object + audio"
    assert "1.1 weighted" not in gaps and "1.2 object" not in gaps
    assert all(line.difference.holm >= line.difference.p for line in found.rows if line.difference)


def test_pictures_show_something(result, tmp_path):
    _, found = result
    files = plots.save_plots(tmp_path, "made-up", found)
    assert [file.name for file in files] == ["rows.png", "learning-rsum.png", "learning-loss.png"]
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
        assert min(pixels.shape[:2]) > 200
        assert 0.01 < (pixels.min(2) < 200).mean() < 0.5  # some ink, and not too much
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


# the command


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """60 plain pictures by the words for their colour and side, in three parts."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    colours = {"red": 0, "green": 1, "blue": 2}
    rows = []
    for number in range(60):
        name, side = rng.choice(list(colours)), rng.choice(["left", "right"])
        pixels = rng.integers(0, 60, (32, 32, 3)).astype(np.uint8)
        half = slice(0, 16) if side == "left" else slice(16, 32)
        pixels[:, half, colours[name]] = rng.integers(150, 255)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        split = ["train", "train", "train", "dev", "test"][number % 5]
        rows += [
            (f"{number}.png", f"{article} {name} thing on the {side}", split) for article in ("a", "one")
        ]
    with (folder / "captions.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("media", "caption", "split"), *rows])
    return folder


TOYS = "objects=toy-frames,activity=,sound=,tone=,faces=,text=toy-text"
FEW = (
    "--set",
    "schedule.epochs=2",
    "--set",
    "schedule.warm=1",
    "--set",
    "heads.dim=8",
    "--set",
    "words.width=8",
    "--seeds",
    "1",
)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    if "AFFECT_CACHE" not in os.environ:
        monkeypatch.setenv("AFFECT_CACHE", str(tmp_path_factory.mktemp("cache")))


def command(*arguments):
    return CliRunner().invoke(ablate.main, [str(part) for part in arguments])


def test_the_command(pictures, tmp_path):
    arguments = ("--data", pictures, "--encoders", TOYS, "--jobs", 1, "--out", tmp_path, *FEW)
    said = command(*arguments, "--rows", "1.1 weighted,2.3")
    assert said.exit_code == 0, said.output
    assert "1.1 weighted" in said.stdout and "Ties: average" in said.stdout
    assert "Left out: 2.3 zero-shot" in said.stdout
    names = {file.name for file in tmp_path.iterdir()}
    assert names >= {"table.md", "table.csv", "results.json", "rows.png", "learning-rsum.png"}
    again = command(*arguments, "--rows", "1.1 weighted", "--json")
    assert json.loads(again.stdout)["settings"]["heads.dim"] == 8


def test_features_that_are_there_already(pictures, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(60):
        np.save(tmp_path / f"{number}.png.npy", rng.normal(size=(2, 5)).astype(np.float32))
    said = command(
        "--data", pictures, "--features", f"objects={tmp_path}", "--encoders", TOYS, "--rows", "1.2",
        "--jobs", 1, "--out", tmp_path / "out", "--json", *FEW,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["encoders"] == {} and [row["name"] for row in found["rows"]] == ["1.2 object"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--data", "nowhere"), "no data set and no file 'nowhere'"),
        (("--data", "synthetic-x"), "synthetic-400"),
        (("--rows", "9.9"), "no row '9.9'"),
        (("--set", "loss.margn=1"), "no setting 'loss.margn'; known: loss.margin"),
        (("--set", "schedule.epochs=many"), "not a whole number"),
        (("--set", "loss.margin=inf"), "is not a number"),
        (("--features", "smell=x"), "no role smell; roles: objects"),
        (("--encoders", "objects=nothing"), "no encoder 'nothing'"),
        (("--word-vectors", "nowhere.txt"), "nowhere.txt"),
    ],
)
def test_bad_input_is_one_line(arguments, told, pictures, tmp_path):
    given = arguments if "--data" in arguments else ("--data", pictures, *arguments)
    given = given if "--encoders" in given else (*given, "--encoders", TOYS)
    said = command(*given, "--jobs", 1, "--out", tmp_path / "out", *FEW)
    assert said.exit_code == 2
    assert told in said.stderr and said.stderr.count("\n") == 1 and said.stderr.startswith("ablate: ")


def test_a_place_that_can_not_be_written(pictures, tmp_path):
    (tmp_path / "file").touch()
    said = command("--data", pictures, "--encoders", TOYS, "--out", tmp_path / "file", *FEW)
    assert said.exit_code == 2 and said.stderr.count("\n") == 1


def test_classes_are_no_captions(tmp_path):
    folder = tmp_path / "oasis"
    folder.mkdir()
    (folder / "oasis.csv").write_text("file,theme_base,split\na.jpg,Lake,train\n")
    said = command("--data", "oasis", "--data-root", tmp_path, "--out", tmp_path / "out")
    assert said.exit_code == 2 and "class labels, not captions" in said.stderr


def test_ctrl_c(pictures, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run_trials", stop)
    said = command("--data", pictures, "--encoders", TOYS, "--jobs", 1, "--out", tmp_path, *FEW)
    assert said.exit_code == 130 and said.stderr == "ablate: interrupted; run it again to go on\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_thing(tmp_path):
    """A small synthetic set from nothing, interrupted while it trains, and run again."""
    root = ROOT
    long = ["--set", "schedule.epochs=300", "--set", "schedule.patience=0"]  # to be caught while it trains
    options = ["--data", "synthetic-40", "--seeds", "1", *long, "--rows"]
    arguments = [sys.executable, "-m", "experiments.ablate", *options, "1.2,1.5 object + au"]
    arguments += ["--out", str(tmp_path)]
    first = subprocess.Popen(
        arguments, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    limit = time.monotonic() + 600
    while not list(tmp_path.glob(f"trials/*/{trials.CHECKPOINT_FILE}")):
        assert first.poll() is None and time.monotonic() < limit, first.communicate()
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130
    assert said.endswith("ablate: interrupted; run it again to go on\n")
    assert "Traceback" not in said  # but how far it is
    assert not (tmp_path / "table.md").exists()
    done = subprocess.run(
        [*arguments, "--json"], cwd=root, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"1.2 object", "1.2 audio", "1.5 object + audio"} <= {row["name"] for row in found["rows"]}
    assert (tmp_path / "rows.png").exists() and not list(tmp_path.glob(f"trials/*/{trials.CHECKPOINT_FILE}"))
