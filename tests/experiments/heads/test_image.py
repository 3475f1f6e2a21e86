"""The picture head: what teaches it, that it finds a truth, tells something from nothing, and its rival."""

import csv
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from repository import DATA

from encoders.base import is_missing_row, unit_rows
from encoders.efficientnet import efficientnet_lite2
from encoders.minilm import minilm
from experiments.heads import image, image_mlp_baseline
from experiments.heads.image import (
    ROLE,
    RatedImage,
    TrainingSet,
    find_neighbours,
    fit_mean,
    fit_members,
    load_oasis_ratings,
    make_blank_images,
    make_training_set,
)
from experiments.heads.image_mlp_baseline import MLPConfig, cross_validate
from retrieval.evaluation.affect_metrics import ccc, pearson
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.features.roles import LABELS_ROLE
from spaces.affect_regression import predict_mean_and_sd
from spaces.affect_regressor import RegressorSet, load_regressors

SHIPPED = Path(str(files("spaces") / "weights" / "affect-image.safetensors"))
WIDTH = 24


def made(pictures=240, noise=0.3, seed=0):
    """Pictures of 40 themes in two views; their mood is a smooth function of ten columns, and noise.

    Their label vectors tell of those columns, and of others.
    """
    rng = np.random.default_rng(seed)
    themes = rng.normal(0, 1, (40, WIDTH))
    group = np.arange(pictures) % 40
    plain = themes[group] + rng.normal(0, 1, (pictures, WIDTH))
    rows = np.stack([plain, plain + rng.normal(0, 0.1, plain.shape)], axis=1) + 3
    slopes = rng.normal(0, 0.08, (WIDTH, 2)) * (np.arange(WIDTH) < 10)[:, None]
    truth = np.tanh(plain @ slopes) + rng.normal(0, noise * 0.3, (pictures, 2))
    return TrainingSet(
        features={ROLE: rows, LABELS_ROLE: seen_in(rows)}, mean_ratings=truth,
        rater_sd=0.4 + 0.1 * np.tanh(plain[:, :2]), sample_weights=np.ones(pictures),
        groups=tuple(f"theme {number}" for number in group),
    )  # fmt: skip


def seen_in(rows):
    """Unit label vectors (..., 12) of rows (..., WIDTH)."""
    turn = np.random.default_rng(7).normal(0, 0.3, (WIDTH, 12))
    return unit_rows(np.tanh((rows - 3) @ turn).reshape(-1, 12)).reshape(*rows.shape[:-1], 12)


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
        return RatedImage(
            path=Path("a.jpg"), mean=(0.1, 0.2), rater_sd=(spread,) * 2, n_raters=(raters,) * 2, group="Lake",
            is_cc0=True, split="train",
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


@pytest.mark.data
def test_ratings_lie_on_the_plane():
    pictures = [one for one in load_oasis_ratings(DATA) if one.split in ("train", "dev")]
    means = np.array([one.mean for one in pictures])
    assert len(pictures) == 661 and len({one.group for one in pictures}) == 180
    assert np.abs(means).max() < 1 and sum(one.is_cc0 for one in pictures) == 501
    first = next(
        one for one in pictures if one.path.name == "33d9538c75fc.jpg"
    )  # valence 4.685, arousal 2.865
    assert first.mean == pytest.approx((0.2284, -0.3782), abs=1e-4) and first.group == "Alcohol"
    by = {
        name: np.mean([one.mean for one in pictures if one.group == name], axis=0) for name in ("Dog", "Fire")
    }
    assert by["Dog"][0] > by["Fire"][0] and by["Fire"][1] > by["Dog"][1]


# ---- the file that is shipped ----


@pytest.fixture(scope="module")
def shipped():
    return load_regressors(SHIPPED)


def read(pictures):
    """Rows by role, as an engine has them."""
    rows = efficientnet_lite2().encode([picture[None] for picture in pictures])
    experts = FeaturePipeline(PipelineConfig(activity="", sound="", tone="", faces="", sentiment=""))
    return experts.with_labels({ROLE: rows})


def doubt(shipped, pictures):
    return predict_mean_and_sd(shipped["mean"], shipped["log_sd"], read(pictures))


def test_the_shipped_file_is_small_and_reads_the_packaged_networks(shipped):
    assert SHIPPED.stat().st_size < 3e6 and set(shipped.members) == {"mean", "log_sd", "disagreement"}
    networks = {ROLE: efficientnet_lite2(), "text": minilm()}
    assert shipped.encoder_signatures == {role: one.card.signature for role, one in networks.items()}
    assert set(shipped["mean"].roles) == {ROLE, LABELS_ROLE} == set(shipped["disagreement"].roles)
    assert shipped["log_sd"].roles == (ROLE,)  # what is nothing has labels too


def test_the_shipped_head_is_less_sure_of_grey_black_and_noise_than_of_a_photo(shipped):
    skimage = pytest.importorskip("skimage")
    side = (300, 400, 3)
    blank = [np.full(side, level, np.uint8) for level in (0, 90, 128, 255)]
    checks = np.kron(np.indices((10, 10)).sum(axis=0) % 2, np.ones((30, 30))) * 255
    noise = np.random.default_rng(5).integers(0, 256, side, np.uint8)
    red = np.tile(np.array([190, 30, 20], np.uint8), (300, 400, 1))
    odd = doubt(shipped, [*blank, noise, red, np.repeat(checks.astype(np.uint8)[..., None], 3, axis=2)])
    photos = doubt(shipped, [skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()])
    assert (odd[:6, 2:] > 1.2 * photos[:, 2:].max(axis=0)).all()
    assert (odd[6, 2:] >= photos[:, 2:].min(axis=0) - 1e-3).all()  # a pattern is something, if not much


@pytest.mark.data
def test_the_shipped_landmarks_are_nobodys_picture(shipped):
    """A picture's own row is never at a landmark, which is the mean of three."""
    some = load_oasis_ratings(DATA)[:40]
    seen = read([cv2.cvtColor(cv2.imread(str(one.path)), cv2.COLOR_BGR2RGB) for one in some])
    for role, reader in shipped["mean"].towers[0].inputs.items():
        rows = (seen[role] - reader.mean) / reader.scale
        far_off = np.sqrt(((rows[:, None] - reader.centres[None]) ** 2).sum(axis=2)).min(axis=1)
        usual = np.median(np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(axis=2)))
        assert far_off.min() > 0.1 * usual


# ---- the report's network ----

SMALL = MLPConfig(hidden_sizes=(32, 16), learning_rate=0.02, batch_size=60, iterations=150)


def test_the_reports_schedule_is_the_default():
    how = MLPConfig()
    assert (how.hidden_sizes, how.learning_rate, how.momentum) == ((3000, 1000, 1000), 1e-4, 0.9)
    assert (how.batch_size, how.iterations, how.patience) == (500, 70000, None)
    sizes = [tuple(one.weight.shape) for one in image_mlp_baseline.build_network(1721, how.hidden_sizes)[::2]]
    assert sizes == [(3000, 1721), (1000, 3000), (1000, 1000), (1, 1000)]


def test_a_small_network_learns_across_themes(known):
    rows = known.features[ROLE][:, 0].astype(np.float32)
    found, nets = cross_validate(rows, known.mean_ratings, known.groups, SMALL, seed=0, n_folds=3)
    assert (pearson(found, known.mean_ratings) > 0.5).all() and np.abs(found).max() <= 1
    assert all(
        net.training_losses[-1] < 0.5 * net.training_losses[0] and len(net.training_losses) == 150
        for net in nets
    )


def test_early_stopping_looks_at_other_themes(known):
    rows = known.features[ROLE][:, 0].astype(np.float32)
    noise = np.random.default_rng(0).uniform(-1, 1, len(rows))
    how = MLPConfig(hidden_sizes=(64,), learning_rate=0.05, batch_size=60, iterations=400, patience=3)
    net = image_mlp_baseline.fit(rows, noise, known.groups, how, seed=0)
    assert (
        len(net.training_losses) < 400
        and len(net.validation_losses) == len(net.training_losses) // image_mlp_baseline.CHECK_INTERVAL
    )
    assert len(net.validation_losses) - 1 - int(np.argmin(net.validation_losses)) == 3


def test_a_missing_block_is_the_training_mean(known):
    rows = np.pad(known.features[ROLE][:, 0].astype(np.float32), ((0, 0), (0, 2)), constant_values=np.nan)
    rows[:5, 0] = np.nan
    net = image_mlp_baseline.fit(rows, known.mean_ratings[:, 0], known.groups, SMALL, seed=0)
    asked = rows[:5].copy()
    asked[:, 0] = net.mean[0]
    assert np.isfinite(net(rows)).all() and np.allclose(net(rows[:5]), net(asked), atol=1e-5)


def oasis_of(folder, rows, images):
    """A data root whose OASIS holds these rows."""
    (folder / "oasis").mkdir()
    (folder / "oasis" / "images").symlink_to(images)
    with (folder / "oasis" / "oasis.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.data
def test_the_test_part_is_measured_by_the_shipped_file_and_empty_without_one(tmp_path):
    with (DATA / "oasis" / "oasis.csv").open(newline="") as file:
        every = list(csv.DictReader(file))
    parts = ([row for row in every if row["split"] == split] for split in ("train", "dev"))
    rows = [row for part, step in zip(parts, (40, 4), strict=True) for row in part[::step]]
    (tmp_path / "none").mkdir()
    oasis_of(tmp_path / "none", rows, DATA / "oasis" / "images")
    assert image.evaluate(tmp_path / "none", seed=0, part="test") == []
    (tmp_path / "some").mkdir()
    marked = [{**row, "split": "test"} if row["split"] == "dev" else row for row in rows]
    oasis_of(tmp_path / "some", marked, DATA / "oasis" / "images")
    found = {one.metric: one for one in image.evaluate(tmp_path / "some", seed=0, part="test")}
    count = sum(row["split"] == "test" for row in marked)
    assert all(one.count == count and one.part == "test" for one in found.values())
    assert found["valence r"].value > 0.75  # the file has learnt from them


def test_it_is_written_where_it_is_told_and_reads_back(tmp_path, monkeypatch, members):
    made_of = RegressorSet(members=members[0], encoder_signatures={ROLE: "a", "text": "b"})
    monkeypatch.setattr(image, "fit", lambda data, *, seed, quiet: made_of)
    (file,) = image.fit_and_save(tmp_path, tmp_path, seed=0, quiet=True)
    assert file == tmp_path / "affect-image.safetensors"
    again, rows = load_regressors(file), members[1].unaugmented_features
    assert np.allclose(again["mean"](rows), members[0]["mean"](rows), atol=0.01)
