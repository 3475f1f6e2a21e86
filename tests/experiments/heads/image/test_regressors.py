"""The image head: it finds a truth in unseen themes, states its errors, and is unsure of blank pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rated_images import WIDTH, made, seen_in

from encoders.base import is_missing_row
from experiments.datasets.oasis import OasisImage
from experiments.heads.image import train
from experiments.heads.image.blank_images import make_blank_images
from experiments.heads.image.regressors import fit_mean, fit_members
from experiments.heads.image.towers import find_neighbours
from experiments.heads.image.training_set import ROLE, make_training_set
from retrieval.evaluation.affect_metrics import ccc, pearson
from retrieval.features.roles import LABELS_ROLE
from spaces.affect_regression import predict_mean_and_sd
from spaces.tower_regressor import RegressorSet, load_regressors


def asked(rows):
    return {ROLE: rows, LABELS_ROLE: seen_in(rows).astype(np.float32)}


def far(count=40, seed=0):
    return np.random.default_rng(seed).normal(-4, 0.3, (count, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    return made()


@pytest.fixture(scope="module")
def members(known):
    chosen = np.flatnonzero([int(name.split()[1]) < 30 for name in known.groups])
    return fit_members(known.select(chosen), far(), seed=0)[0], known.exclude(chosen)


def test_it_finds_a_truth_in_themes_it_never_saw(members):
    of, there = members
    found = of["mean"](there.unaugmented_features)
    assert (ccc(found, there.mean_ratings) > 0.6).all()
    assert (
        np.abs(np.log(found.std(axis=0) / there.mean_ratings.std(axis=0))).max() < 0.35
    )  # of the truth's spread
    assert (pearson(of["disagreement"](there.unaugmented_features), there.rater_sd) > 0.5).all()


def test_as_many_errors_lie_within_the_stated_sd_as_it_says():
    whole = made(pictures=600, seed=1)
    chosen = np.flatnonzero([int(name.split()[1]) < 25 for name in whole.groups])
    of, there = fit_members(whole.select(chosen), far(), seed=0)[0], whole.exclude(chosen)
    said = predict_mean_and_sd(of["mean"], of["log_sd"], there.unaugmented_features)
    inside = np.abs(said[:, :2] - there.mean_ratings) <= said[:, 2:]
    assert np.abs(inside.mean(axis=0) - 0.68).max() < 0.1


def test_what_shows_nothing_is_doubted(members):
    of, there = members
    photos, blank = (
        np.exp(of["log_sd"](asked(rows))) for rows in (there.unaugmented_features[ROLE], far(seed=9))
    )
    assert (blank > 0.5).all() and (np.median(photos, axis=0) < 0.3).all()


def test_a_missing_row_stays_missing(members):
    of, there = members
    rows = there.unaugmented_features[ROLE][:3].copy()
    rows[1] = np.nan
    for member in of.values():
        assert is_missing_row(member(asked(rows))).tolist() == [False, True, False]


def test_what_the_labels_alone_tell_is_found_too():
    known = made()
    other = made(seed=5).features  # of pictures whose features tell nothing of this truth
    known = replace(known, features={**known.features, ROLE: other[ROLE]})
    chosen = np.flatnonzero([int(name.split()[1]) < 30 for name in known.groups])
    there = known.exclude(chosen)
    blind = replace(known, features={**known.features, LABELS_ROLE: other[LABELS_ROLE]})
    found, guessed = (
        pearson(fit_mean(one.select(chosen))(one.exclude(chosen).unaugmented_features), there.mean_ratings)
        for one in (known, blind)
    )
    assert (found > 0.4).all() and (np.abs(guessed) < 0.3).all()


def test_a_picture_without_labels_is_taken_for_a_usual_one(members):
    of, there = members
    found, bare = of["mean"](there.unaugmented_features), of["mean"]({ROLE: there.unaugmented_features[ROLE]})
    assert np.abs((bare - found).mean(axis=0)).max() < 0.1 and (pearson(bare, found) > 0.6).all()


def test_each_rows_neighbours_are_itself_and_its_two_nearest():
    rows = np.array([[0.0, 0], [0, 1], [0, 2], [9, 9], [9, 10], [10, 9]])
    found = np.sort(find_neighbours(rows), axis=1)
    assert found[:3].tolist() == [[0, 1, 2]] * 3 and found[3:].tolist() == [[3, 4, 5]] * 3


def test_few_or_quarrelling_raters_count_less():
    def picture(spread, raters):
        return OasisImage(
            path=Path("a.jpg"), mean=(0.1, 0.2), rater_sd=(spread,) * 2, n_raters=(raters,) * 2,
            labels=("Lake",), is_cc0=True, split="train",
        )  # fmt: skip

    three = [picture(0.3, 100), picture(0.3, 10), picture(0.6, 100)]
    weights = make_training_set(three, {ROLE: np.zeros((3, 1, 4))}).sample_weights
    assert weights[0] > weights[2] > weights[1] and weights.mean() == pytest.approx(1)


def test_pictures_of_nothing_are_bright_and_dark_and_of_many_kinds():
    pictures = make_blank_images(seed=0, count=40)
    levels = np.array([one.mean() for one in pictures])
    busy = np.array([one.std() for one in pictures])
    assert all(one.shape == (1, 260, 260, 3) and one.dtype == np.uint8 for one in pictures)
    assert levels.min() < 15 and levels.max() > 150 and (busy[::4] < 90).all() and (busy > 5).sum() > 15
    assert all(
        np.array_equal(a, b) for a, b in zip(pictures, make_blank_images(seed=0, count=40), strict=True)
    )


def test_it_is_written_where_it_is_told_and_reads_back(tmp_path, monkeypatch, members):
    made_of = RegressorSet(members=members[0], encoder_signatures={ROLE: "a", "text": "b"})
    monkeypatch.setattr(train, "fit", lambda data, *, seed, quiet: made_of)
    (file,) = train.fit_and_save(tmp_path, tmp_path, seed=0, quiet=True)
    assert file == tmp_path / "affect-image.safetensors"
    again, rows = load_regressors(file), members[1].unaugmented_features
    for made_tower, tower in zip(members[0]["mean"].towers, again["mean"].towers, strict=True):
        for role, kept in tower.inputs.items():  # half precision, of weights that nearly cancel each other
            np.testing.assert_allclose(kept.weight, made_tower.inputs[role].weight, rtol=2**-10, atol=1e-6)
    assert np.allclose(again["mean"](rows), members[0]["mean"](rows), atol=0.05)
