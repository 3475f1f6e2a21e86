"""The packaged image head, and what it is measured on."""

import csv
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from repository import DATA

from encoders.efficientnet import efficientnet_lite2
from encoders.minilm import minilm
from experiments.datasets import load_oasis
from experiments.heads.image import evaluate
from experiments.heads.image.training_set import ROLE
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.features.roles import LABELS_ROLE
from spaces.affect_regression import predict_mean_and_sd
from spaces.tower_regressor import load_regressors

SHIPPED = Path(str(files("spaces") / "weights" / "affect-image.safetensors"))


@pytest.mark.data
def test_ratings_lie_on_the_plane():
    pictures = [one for one in load_oasis(DATA) if one.split in ("train", "dev")]
    means = np.array([one.mean for one in pictures])
    assert len(pictures) == 661 and len({one.theme for one in pictures}) == 180
    assert np.abs(means).max() < 1 and sum(one.is_cc0 for one in pictures) == 501
    first = next(
        one for one in pictures if one.path.name == "33d9538c75fc.jpg"
    )  # valence 4.685, arousal 2.865
    assert first.mean == pytest.approx((0.2284, -0.3782), abs=1e-4) and first.theme == "Alcohol"
    by = {
        name: np.mean([one.mean for one in pictures if one.theme == name], axis=0) for name in ("Dog", "Fire")
    }
    assert by["Dog"][0] > by["Fire"][0] and by["Fire"][1] > by["Dog"][1]


@pytest.fixture(scope="module")
def shipped():
    return load_regressors(SHIPPED)


def read(pictures):
    """Rows by role, as an engine has them."""
    rows = efficientnet_lite2().encode([picture[None] for picture in pictures])
    experts = FeaturePipeline(
        PipelineConfig(activity="", sound="", events="", tone="", faces="", sentiment="")
    )
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
    some = load_oasis(DATA)[:40]
    seen = read([cv2.cvtColor(cv2.imread(str(one.path)), cv2.COLOR_BGR2RGB) for one in some])
    for role, reader in shipped["mean"].towers[0].inputs.items():
        rows = (seen[role] - reader.mean) / reader.scale
        far_off = np.sqrt(((rows[:, None] - reader.centres[None]) ** 2).sum(axis=2)).min(axis=1)
        usual = np.median(np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(axis=2)))
        assert far_off.min() > 0.1 * usual


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
    assert evaluate(tmp_path / "none", seed=0, part="test") == []
    (tmp_path / "some").mkdir()
    marked = [{**row, "split": "test"} if row["split"] == "dev" else row for row in rows]
    oasis_of(tmp_path / "some", marked, DATA / "oasis" / "images")
    found = {one.metric: one for one in evaluate(tmp_path / "some", seed=0, part="test")}
    count = sum(row["split"] == "test" for row in marked)
    assert all(one.count == count and one.part == "test" for one in found.values())
    assert found["valence r"].value > 0.75  # the file has learnt from them
