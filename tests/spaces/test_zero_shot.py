"""The zero-shot label space on numbers one can check by hand, and on real photos."""

import numpy as np
import pytest
from repository import DATA, require_data

from encoders.base import EncoderCard, unit_rows
from experiments.datasets import load_flickr1k
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from spaces import zero_shot
from spaces.zero_shot import ZeroShotSpace, centre_rows, compute_label_probabilities, convex_combination

VECTORS = np.eye(3, dtype=np.float32)


class Three:
    """Three labels; a raw row is its own logits."""

    card = EncoderCard(
        name="three", modality="frames", dim=3, licence="-", weights_source="-", training_data="-"
    )
    classes = ("cat", "dog", "cup")

    def logits(self, rows):
        return rows


class Counted:
    """A text expert that counts what it was asked."""

    card = EncoderCard(
        name="counted",
        modality="text",
        dim=3,
        licence="-",
        weights_source="-",
        training_data="-",
        sha256="0" * 64,
    )

    def __init__(self):
        self.asked = []

    def encode(self, items):
        self.asked += items
        return np.array([[len(item), item.count("c"), 1] for item in items], np.float32)


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path))
    return ZeroShotSpace("object", Three(), Counted())


def test_softmax_at_a_temperature():
    logits = np.log(np.array([[1, 2, 4], [1, 1, 1]], np.float32))
    assert np.allclose(compute_label_probabilities(logits, 1), [[1 / 7, 2 / 7, 4 / 7], [1 / 3, 1 / 3, 1 / 3]])
    flatter = np.sqrt([1, 2, 4]) / np.sqrt([1, 2, 4]).sum()
    assert np.allclose(compute_label_probabilities(logits, 2)[0], flatter)
    assert np.allclose(compute_label_probabilities(logits * 1e4, 1)[0], [0, 0, 1])  # no overflow


def test_missing_logits_stay_missing():
    made = compute_label_probabilities(np.array([[0, 0], [np.nan, 0]], np.float32))
    assert np.allclose(made[0], 0.5) and np.isnan(made[1]).all()


def test_the_mix_is_convex_over_the_top_labels():
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], np.float32)
    assert np.allclose(convex_combination(shares, VECTORS, top_k=3), shares)
    assert np.allclose(convex_combination(shares, VECTORS, top_k=2), [[0.625, 0.375, 0], [0, 2 / 9, 7 / 9]])
    assert np.allclose(convex_combination(shares, VECTORS, top_k=1), [[1, 0, 0], [0, 0, 1]])
    assert np.allclose(convex_combination(shares, VECTORS, top_k=9), shares)
    assert convex_combination(shares, VECTORS, top_k=2).dtype == np.float32


def test_mixing_changes_neither_input():
    shares = np.array([[0.5, 0.3, 0.2]], np.float32)
    convex_combination(shares, VECTORS, top_k=1)
    assert np.array_equal(shares, np.array([[0.5, 0.3, 0.2]], np.float32))


def test_centring_takes_the_common_direction():
    rows = np.array([[3, 4], [3, -4]], np.float32)  # unit: (.6, .8), (.6, -.8); their mean is (.6, 0)
    assert np.allclose(centre_rows(rows), [[0, 1], [0, -1]], atol=1e-6)
    many = centre_rows(np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32) + 3)
    assert np.allclose(np.linalg.norm(many, axis=1), 1, atol=1e-6)
    assert np.linalg.norm(many.mean(axis=0)) < 0.1


def test_pictures_go_into_two_views_and_words_into_one(space):
    seen = np.array([[9, 0, 0], [np.nan, 0, 0], [0, 0, 2]], np.float32)
    views = space.project({"objects": seen})
    assert set(views) == {"words", "looks"}
    for rows in views.values():
        assert np.isnan(rows).all(axis=1).tolist() == [False, True, False]
        assert np.allclose(np.linalg.norm(rows[[0, 2]], axis=1), 1, atol=1e-6)
    said = np.array([[0, 3, 4]], np.float32)
    assert np.allclose(space.project({"text": said})["words"], [[0, 0.6, 0.8]])
    assert space.project({"sound": said}) == {}


def test_a_sure_picture_lies_at_its_label(space):
    prompts = Counted().encode([zero_shot.LABEL_PROMPT.format(name) for name in Three.classes])
    rows = space.project({"objects": 1e3 * VECTORS})["words"]
    assert np.allclose(rows, centre_rows(prompts), atol=1e-5)


def test_all_missing_is_no_error(space):
    rows = space.project({"objects": np.full((2, 3), np.nan, np.float32)})["words"]
    assert rows.shape == (2, 3) and np.isnan(rows).all()


def test_sentences_are_encoded_once(space):
    first = space.project({"objects": VECTORS})["words"]
    assert space.text_encoder.asked == ["a photo of a cat", "a photo of a dog", "a photo of a cup"]
    again = ZeroShotSpace("object", Three(), Counted())
    assert (
        np.array_equal(again.project({"objects": VECTORS})["words"], first) and again.text_encoder.asked == []
    )


def test_likeliest_labels_with_their_shares(space):
    told = space.predict_labels(np.log(np.array([1, 4, 5], np.float32)), k=2)
    assert told == [("cup", 0.5), ("dog", 0.4)]


def test_the_engine_knows_a_cup_of_coffee():
    skimage = pytest.importorskip("skimage")
    experts = FeaturePipeline(
        PipelineConfig(activity="", sound="", events="", tone="", faces=""), use_packaged=False
    )
    seen = experts.encode_media([skimage.data.coffee()[None], skimage.data.chelsea()[None]], [None, None])
    said = experts.encode_text(["a cup of coffee on a table", "a cat"])
    cosines = experts.project(said)["object.words"] @ experts.project(seen)["object.words"].T
    assert cosines.argmax(axis=1).tolist() == [0, 1]
    assert np.allclose(unit_rows(said["text"]), experts.project(said)["object.words"])


@pytest.mark.slow
@pytest.mark.data
def test_words_find_photos_nobody_trained_on():
    """Measured on these: R@10 70; the bar is 50."""
    from experiments.benchmarks.flickr import compute_similarities
    from retrieval.evaluation import compute_ranks, recall_at

    require_data("flickr1k")
    files = [photo for photo in load_flickr1k(DATA) if photo.split == "dev"]
    own = np.repeat(np.arange(len(files)), [len(photo.labels) for photo in files])
    ours, plain = compute_similarities(FeaturePipeline(PipelineConfig(), use_packaged=False), files)
    found, published = (recall_at(compute_ranks(made, own), 10) for made in (ours, plain))
    assert found >= 65 and found > published + 5
