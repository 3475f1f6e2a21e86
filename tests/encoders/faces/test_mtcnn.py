"""Detection equals facenet-pytorch."""

import cv2
import numpy as np
import pytest
from repository import require_data

from encoders.faces import mtcnn


@pytest.fixture(scope="module")
def cascade():
    return mtcnn.load_mtcnn()


@pytest.fixture(scope="module")
def facenet():
    from facenet_pytorch import MTCNN

    return MTCNN(keep_all=True)


def same_faces(cascade, facenet, picture):
    """Per face that either way finds: is it the other's within 2 px and .01?"""
    wanted, scores = facenet.detect(picture)
    found = cascade.detect(picture[None])
    if wanted is None or len(wanted) != len(found.boxes):
        return [False] * max(len(found.boxes), 0 if wanted is None else len(wanted))
    near = np.abs(found.boxes - wanted.astype(np.float32)).max(axis=1) < 2
    return (near & (np.abs(found.scores - scores.astype(np.float32)) < 0.01)).tolist()


def test_detection_equals_facenet(cascade, facenet, astronaut):
    small = cv2.resize(astronaut, (300, 220), interpolation=cv2.INTER_AREA)
    for picture in (astronaut, small, np.hstack([astronaut, astronaut[:, ::-1]])):
        same = same_faces(cascade, facenet, picture)
        assert same and all(same)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("folder", "count"), [("faces_muxspace/images", 40), ("oasis/images", 12)])
def test_detection_equals_facenet_on_photos(cascade, facenet, folder, count):
    files = sorted((require_data(folder) / folder).glob("*.jpg"))
    if folder.startswith("oasis"):
        files = [file for file in files if "erson" in file.name] or files
    pictures = [cv2.imread(str(file))[:, :, ::-1].copy() for file in files[:: max(len(files) // count, 1)]]
    same = [one for picture in pictures for one in same_faces(cascade, facenet, picture)]
    assert same and np.mean(same) >= 0.94  # one of few may fall to another of equal scores


def test_frames_beyond_one_chunk_keep_their_numbers(faces, astronaut, monkeypatch):
    clip = np.stack([astronaut, np.zeros_like(astronaut), astronaut[:, ::-1]])
    whole = [(face.frame_index, face.box) for face in faces.detect(clip)]
    monkeypatch.setattr(mtcnn, "MAX_CHUNK_PIXELS", 1)
    parts = [(face.frame_index, face.box) for face in faces.detect(clip)]
    assert [frame for frame, _ in whole] == [0, 2]
    assert np.allclose([box for _, box in parts], [box for _, box in whole], atol=1e-2)
