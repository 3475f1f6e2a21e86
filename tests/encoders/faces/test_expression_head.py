"""Expressions by the linear head on fer's features."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from repository import require_data

from encoders.base import AffectError, is_missing_row
from encoders.face_columns import EMOTIONS, FACE_COLUMNS
from encoders.faces import (
    alignment,
    expression_head,
    fer_network,
    mtcnn_expression,
    mtcnn_fer,
)
from encoders.registry import ENCODERS

skimage = pytest.importorskip("skimage")
CONFIDENCE = FACE_COLUMNS.index("confidence")


def turned(picture, degrees, centre=(224, 120)):
    turn = cv2.getRotationMatrix2D(centre, degrees, 1)
    return cv2.warpAffine(picture, turn, picture.shape[1::-1])


@pytest.fixture(scope="module")
def faces():
    return mtcnn_expression()


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


def test_the_astronaut_is_happy(faces, astronaut):
    (row,) = faces.encode([astronaut[None]])
    assert FACE_COLUMNS[int(row[:7].argmax())] == "happy" and row[:7].sum() == pytest.approx(1, abs=1e-5)
    assert row[CONFIDENCE] > 0.99 and row[7:9].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda picture: picture[:, 185:], 0.6),
        (lambda picture: picture[80:], 0.8),
        (lambda picture: cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA), 0.6),
        (lambda picture: turned(picture, 60), 0.75),
    ],
    ids=["left", "top", "tiny", "turned"],
)
def test_a_face_hard_to_read_has_low_confidence(faces, astronaut, change, most):
    """Where MTCNN alone would be as sure as ever."""
    frame = np.ascontiguousarray(change(astronaut))[None]
    (plain,), (row,) = mtcnn_fer().encode([frame]), faces.encode([frame])
    assert plain[CONFIDENCE] > 0.9 and 0 <= row[CONFIDENCE] < most
    assert np.isfinite(row).all()


def test_a_hard_face_says_less_than_a_good_one(faces, astronaut):
    cut = np.zeros_like(astronaut)
    cut[:, : 512 - 200] = astronaut[:, 200:]
    good, bad = faces.detect(astronaut[None])[0], faces.detect(cut[None, :, : 512 - 200])[0]
    assert bad.quality < good.quality == 1 and bad.weight < good.weight / 3


def test_no_face_is_missing_not_neutral(faces):
    frames = [
        np.zeros((1, 64, 64, 3), np.uint8),
        np.zeros((0, 64, 64, 3), np.uint8),
        skimage.data.coffee()[None],
    ]
    assert is_missing_row(faces.encode(frames)).all() and faces.encode([]).shape == (0, len(FACE_COLUMNS))


def test_it_finds_the_same_faces_as_the_plain_one(faces, astronaut):
    clip = np.stack([astronaut, astronaut[:, ::-1]])
    ours, plain = (one.detect(clip) for one in (faces, mtcnn_fer()))
    for one, other in zip(ours, plain, strict=True):
        assert one.box == pytest.approx(other.box, abs=4)
    small = np.stack([cv2.resize(frame, (256, 256), interpolation=cv2.INTER_AREA) for frame in clip])
    assert [face.box for face in faces.detect(small)] == [face.box for face in mtcnn_fer().detect(small)]
    mirrored = [face.emotions for face in ours]
    assert np.abs(mirrored[0] - mirrored[1]).max() < 0.15


def test_described_network_says_what_the_plain_one_says():
    lfw = np.load(Path(skimage.__file__).parent / "data" / "lfw_subset.npy")[:40]
    grey = np.stack([cv2.resize((face * 255).astype(np.uint8), (64, 64)) for face in lfw])
    rows = expression_head.extract_face_features(expression_head.load_feature_network(), grey)
    assert rows.shape == (40, 1543)
    said = fer_network.predict_expressions(fer_network.load_mini_xception(), grey)
    assert np.abs(np.exp(rows[:, :7]) - expression_head.LOG_EPSILON - said).max() < 1e-4
    assert expression_head.extract_face_features(expression_head.load_feature_network(), grey[:0]).shape == (
        0,
        1543,
    )


def test_head_by_hand():
    head = expression_head.ExpressionHead(
        weight=np.zeros((8, 6), np.float32),
        bias=np.log(np.arange(1, 7)).astype(np.float32),
        fear=np.array([0.5], np.float32),
    )
    features = np.log(np.full((1, 8), 0.2 + expression_head.LOG_EPSILON, np.float32))
    wanted = np.insert(np.arange(1, 7) / 21 * 0.9, EMOTIONS.index("fear"), 0.1)
    assert head(features)[0] == pytest.approx(wanted, abs=1e-5)


def test_weights_are_small_and_hold_no_face():
    head = expression_head.load_head()
    assert {head.weight.shape, head.bias.shape, head.fear.shape} == {(1543, 6), (6,), (1,)}
    assert expression_head.WEIGHTS_FILE.stat().st_size < 100_000


def test_a_bad_file_is_said_plainly(tmp_path, monkeypatch):
    monkeypatch.setattr(expression_head, "WEIGHTS_FILE", tmp_path / "gone.safetensors")
    with pytest.raises(AffectError, match="no head for expressions"):
        expression_head.load_head()


def test_registry_and_card(faces):
    assert ENCODERS["mtcnn-expression"] == "encoders.faces:mtcnn_expression"
    assert faces.card.signature != mtcnn_fer().card.signature and "research" in faces.card.licence
    assert alignment.ALIGNED_SIDE_PX == fer_network.INPUT_SIDE_PX


def test_weights_of_balance_classes_and_sources():
    from experiments.heads.face.classifier import MIN_CLASS_COUNT, compute_sample_weights

    labels = np.repeat([0, 0, 1, 1], [100, 50, 200, 5])
    film = np.repeat([False, True, False, True], [100, 50, 200, 5])
    weights = compute_sample_weights(labels, film)
    sums = [weights[(labels == one) & (film == other)].sum() for one in (0, 1) for other in (False, True)]
    assert sums == pytest.approx(np.array([1, 1, 1, 5 / MIN_CLASS_COUNT]) / (3 + 5 / MIN_CLASS_COUNT))


def test_temperature_finds_what_was_done():
    from encoders.faces.expression_head import OTHER_INDICES
    from experiments.heads.face.classifier import fit_temperature

    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (20000, 6))
    odds = np.exp(logits)
    right = (odds.cumsum(axis=1) / odds.sum(axis=1)[:, None] > rng.random((20000, 1))).argmax(axis=1)
    sharp = np.zeros((20000, 7))
    sharp[:, list(OTHER_INDICES)] = np.exp(1.8 * logits) / np.exp(1.8 * logits).sum(axis=1, keepdims=True)
    assert fit_temperature(sharp, np.array(OTHER_INDICES)[right]) == pytest.approx(1.8, rel=0.06)


@pytest.mark.data
@pytest.mark.slow
def test_expressions_of_labelled_faces(faces):
    """On dev, which the shipped head has learnt from: no figure, but it breaks if crops or weights do."""
    from experiments.heads.face.dataset import LABELS

    file = require_data("faces_muxspace") / "faces_muxspace" / "labels.csv"
    table = [line.split(",") for line in file.read_text().splitlines()]
    rows = [row for row in table if row[-1] == "dev" and row[1] in LABELS]
    items = [cv2.imread(str(file.parent / row[0]))[None, :, :, ::-1].copy() for row in rows]
    labels = np.array([LABELS.index(row[1]) for row in rows])
    ours, plain = faces.encode(items), mtcnn_fer().encode(items)
    found = ~is_missing_row(ours)
    right = [(rows[found, :7].argmax(axis=1) == labels[found]).mean() for rows in (ours, plain)]
    assert found.mean() > 0.9 and right[0] > right[1] + 0.1


def test_probabilities_are_those_of_the_formula_to_the_bit():
    """scipy's softmax computes what the head was trained with, exp(x - max) / sum."""
    head, features = expression_head.load_head(), np.random.default_rng(0).normal(-2, 1, (40, 1543))
    features = features.astype(np.float32)
    fear = head.fear * np.clip(
        np.exp(features[:, EMOTIONS.index("fear")]) - expression_head.LOG_EPSILON, 0, 1
    )
    logits = features @ head.weight + head.bias
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exp / exp.sum(axis=1, keepdims=True) * (1 - fear[:, None])
    assert np.array_equal(head(features)[:, list(expression_head.OTHER_INDICES)], expected)
