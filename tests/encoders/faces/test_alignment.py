"""Alignment of faces and their quality for expression recognition."""

import cv2
import numpy as np
import pytest

from encoders.faces import mtcnn
from encoders.faces.alignment import (
    ALIGNED_SIDE_PX,
    LANDMARK_TEMPLATE,
    align_face,
    compute_face_quality,
    compute_frontality,
    compute_inside_share,
    estimate_similarity,
    map_to_frame,
)

skimage = pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def detections(astronaut):
    return mtcnn.load_mtcnn().detect(astronaut[None])


def turned(picture, degrees, centre=(224, 120)):
    rotation = cv2.getRotationMatrix2D(centre, degrees, 1)
    return cv2.warpAffine(picture, rotation, picture.shape[1::-1])


def shape(eyes=40.0, nose=0.0, height=40.0, degrees=0.0):
    """Landmarks (1, 5, 2) of a face so wide and high, the nose so far to the side, turned."""
    marks = np.array(
        [[-eyes / 2, 0], [eyes / 2, 0], [nose, height / 2], [-eyes / 3, height], [eyes / 3, height]]
    )
    a = np.deg2rad(degrees)
    return (marks @ [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] + 100)[None].astype(np.float32)


def test_similarity_undoes_a_turn_a_size_and_a_shift():
    a = np.deg2rad(37)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    marks = (LANDMARK_TEMPLATE * ALIGNED_SIDE_PX @ turn * 3.7 + [200, -40]).astype(np.float32)
    (to,) = estimate_similarity(marks[None])
    assert np.allclose(marks @ to[:, :2].T + to[:, 2], LANDMARK_TEMPLATE * ALIGNED_SIDE_PX, atol=1e-3)
    assert np.allclose(map_to_frame(to, LANDMARK_TEMPLATE * ALIGNED_SIDE_PX), marks, atol=1e-2)


def test_landmarks_that_coincide_give_a_crop_all_the_same(astronaut):
    (to,) = estimate_similarity(np.full((1, 5, 2), 50, np.float32))
    assert np.isfinite(to).all() and align_face(astronaut, to).shape == (ALIGNED_SIDE_PX, ALIGNED_SIDE_PX)


@pytest.mark.parametrize("degrees", [0, 20, 40])
def test_an_aligned_face_is_upright_whatever_its_turn(astronaut, detections, degrees):
    upright = align_face(astronaut, estimate_similarity(detections.landmarks)[0]).astype(float)
    again = mtcnn.load_mtcnn().detect(turned(astronaut, degrees)[None])
    crop = align_face(turned(astronaut, degrees), estimate_similarity(again.landmarks)[0]).astype(float)
    assert np.corrcoef(crop.ravel(), upright.ravel())[0, 1] > 0.9


def test_a_crop_is_the_same_at_any_size_of_the_picture(astronaut, detections):
    (to,) = estimate_similarity(detections.landmarks)
    crop = align_face(astronaut, to).astype(float)
    for scale in (2, 4):
        large = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        marks = (detections.landmarks + 0.5) * scale - 0.5
        assert np.abs(align_face(large, estimate_similarity(marks)[0]) - crop).mean() < 3


def test_a_crop_beyond_the_frame_repeats_its_edge():
    frame = np.full((30, 40, 3), 200, np.uint8)
    for marks in (shape() - 300, shape() + 300, shape(2, 0, 2) - 80, shape(500, 0, 500)):
        assert (align_face(frame, estimate_similarity(marks)[0]) == 200).all()


def test_frontal_by_hand():
    assert compute_frontality(shape())[0] == 1
    assert compute_frontality(
        np.concatenate([shape(nose=nose) for nose in (0, 16, 24)])
    ).tolist() == pytest.approx([1, (0.6 - 0.4) / 0.35, 0], abs=1e-3)
    assert compute_frontality(shape(eyes=10))[0] == 0 and 0 < compute_frontality(shape(eyes=18))[0] < 1
    assert [compute_frontality(shape(degrees=one))[0] for one in (20, 50, -50, 80, 180)] == pytest.approx(
        [1, 0.5, 0.5, 0, 0], abs=1e-3
    )
    assert np.isfinite(compute_frontality(np.zeros((1, 5, 2), np.float32))).all()


def test_a_real_face_from_the_front_and_squeezed_as_in_profile(astronaut, detections):
    assert compute_frontality(detections.landmarks)[0] == 1
    thin = detections.landmarks * [0.33, 1]
    assert compute_frontality(thin.astype(np.float32))[0] < 0.5


def test_inside_and_quality_by_hand(detections):
    marks = (LANDMARK_TEMPLATE * ALIGNED_SIDE_PX)[None].astype(np.float32)
    assert compute_inside_share(marks, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX)[0] == 1
    assert (
        compute_inside_share(marks, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX // 2)[0]
        == compute_inside_share(marks, ALIGNED_SIDE_PX // 2, ALIGNED_SIDE_PX)[0]
        == 0.5
    )
    assert compute_inside_share(marks - 1000, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX)[0] == 0
    boxes = np.array([[0, 0, side, side] for side in (64, 20, 5)], np.float32)
    least = compute_face_quality(np.repeat(marks, 3, axis=0), boxes, 64, 64)
    assert least.tolist() == pytest.approx([1, 15 / 35, 0], abs=1e-6)
