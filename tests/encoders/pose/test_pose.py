"""Body pose: the body in a photo, directions of its segments, and what abstains."""

import os
import sys
import tempfile
import threading

import numpy as np
import pytest

from encoders import MissingBackendError, package_files
from encoders.pose import blazepose
from encoders.pose.crops import SquareCrop
from encoders.pose.detector import INPUT_SIDE, find_best_body, make_anchors, make_body_crop
from encoders.pose.directions import BODY_SEGMENTS, compute_directions, turn_to_front
from encoders.pose.encoder import DIM, combine_directions, pick_frames
from encoders.pose.landmarks import LANDMARK_COUNT, Landmark
from encoders.pose.networks import hide_native_infos
from encoders.registry import ENCODERS

skimage = pytest.importorskip("skimage")
SIDES = [(name, name.replace("LEFT", "RIGHT")) for name in Landmark.__members__ if "LEFT" in name]
WHOLE = SquareCrop(centre=(50.0, 50.0), side=100.0)


@pytest.fixture(scope="module")
def encoder():
    try:
        return ENCODERS.make("blazepose")
    except MissingBackendError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def woman():
    return skimage.data.astronaut()


@pytest.fixture
def landmarks():
    return np.random.default_rng(0).normal(0, 0.3, (LANDMARK_COUNT, 3))


def test_a_body_stands_upright_with_its_left_to_the_right(encoder, woman):
    points = encoder.locate_landmarks(woman)
    assert points.shape == (33, 3)
    nose, left, right, hip = (points[at] for at in (Landmark.NOSE, 11, 12, Landmark.LEFT_HIP))
    assert nose[1] < left[1] < hip[1]
    assert left[0] - right[0] > 0.2  # metres: she looks at the camera


def test_a_turned_picture_has_the_same_body_turned(encoder, woman):
    upright = encoder.locate_landmarks(woman)
    lying = encoder.locate_landmarks(np.ascontiguousarray(np.rot90(woman, -1)))  # clockwise
    body = [Landmark.NOSE, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]
    turned = np.stack([-upright[:, 1], upright[:, 0]], axis=1)
    np.testing.assert_allclose(lying[body, :2], turned[body], atol=0.12)


def test_a_mirrored_picture_has_the_mirrored_body(encoder, woman):
    points = encoder.locate_landmarks(woman)
    mirrored = encoder.locate_landmarks(np.ascontiguousarray(woman[:, ::-1]))
    for left, right in ((11, 12), (13, 14)):
        np.testing.assert_allclose(mirrored[left, :2] * [-1, 1], points[right, :2], atol=0.1)


def test_small_and_large_pictures_have_the_same_directions(encoder, woman):
    clip = np.stack([woman, woman])
    (large,), (small,) = encoder.encode([clip]), encoder.encode([clip[:, ::2, ::2]])
    assert large.shape == (DIM,) and np.linalg.norm(large - small) < 0.25 * np.linalg.norm(large)
    assert not large[2 * DIM // 3 :].any()  # nothing changed


def test_pictures_and_clips_without_a_body_abstain(encoder, woman):
    noise = np.random.default_rng(0).integers(0, 256, (4, 90, 120, 3), np.uint8)
    rows = encoder.encode([woman[None], noise, np.stack([noise[0, :, :90], woman[:90, :90]])])
    assert np.isnan(rows).all() and rows.dtype == np.float32
    assert encoder.encode([]).shape == (0, DIM)


def test_a_body_in_one_frame_stands_for_both(encoder, woman):
    blank = np.zeros_like(woman)
    both, early, late = encoder.encode(
        [np.stack(pair) for pair in ((woman, woman), (woman, blank), (blank, woman))]
    )
    assert np.array_equal(early, both) and np.array_equal(late, both)


def test_the_change_is_late_less_early():
    early, late = np.arange(54.0), np.arange(54.0) ** 2
    assert np.array_equal(combine_directions(early, late), np.concatenate([early, late, late - early]))
    assert np.isnan(combine_directions(None, None)).all()


@pytest.mark.parametrize(("count", "picked"), [(2, (0, 1)), (3, (0, 2)), (4, (1, 3)), (8, (2, 6))])
def test_one_frame_of_each_half(count, picked):
    assert pick_frames(count) == picked


def test_directions_are_of_unit_length_and_stay_when_the_body_grows_or_turns(landmarks):
    directions = compute_directions(landmarks)
    np.testing.assert_allclose(np.linalg.norm(directions.reshape(-1, 3), axis=1), 1)
    angle = 0.7
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    np.testing.assert_allclose(compute_directions(1.5 * landmarks @ turn), directions, atol=1e-9)
    lying = landmarks[:, [1, 0, 2]] * [1, -1, 1]
    assert np.abs(compute_directions(lying) - directions).max() > 0.5


def test_hips_and_shoulders_lie_across_the_picture(landmarks):
    points = turn_to_front(landmarks)
    across = points[11] - points[12] + points[23] - points[24]
    assert across[0] > 0 and abs(across[2]) < 1e-12
    assert np.array_equal(points[:, 1], landmarks[:, 1])


def test_segments_are_on_both_sides():
    names = {(start.name, end.name) for start, end in BODY_SEGMENTS}
    swap = dict(SIDES) | {right: left for left, right in SIDES}
    mirrored = {tuple(swap.get(name, name) for name in pair) for pair in names}
    assert {frozenset(pair) for pair in mirrored} == {frozenset(pair) for pair in names}


def test_anchors_lie_at_the_centres_of_cells():
    anchors = make_anchors()
    assert anchors.shape == (2254, 2)
    np.testing.assert_allclose(anchors[0], 0.5 / 28)
    np.testing.assert_allclose(anchors[2], [1.5 / 28, 0.5 / 28])
    np.testing.assert_allclose(anchors[-1], 6.5 / 7)


def make_detections(scored):
    """values (2254, 12) and logits (2254,) of anchors by number: logit, hips and circle as shares."""
    values, logits = np.zeros((2254, 12), np.float32), np.full(2254, -50.0, np.float32)
    for number, (logit, hips, circle) in scored.items():
        anchor = make_anchors()[number]
        logits[number] = logit
        values[number, 2:4] = 0.2 * INPUT_SIDE
        values[number, 4:8] = np.concatenate([hips - anchor, circle - anchor]) * INPUT_SIDE
    return values, logits


def test_the_best_body_is_averaged_with_what_overlaps_it():
    hips, circle = np.array([0.5, 0.6]), np.array([0.5, 0.2])
    scored = {800: (3.0, hips, circle), 802: (3.0, hips + 0.02, circle + 0.02), 0: (2.0, hips - 0.3, circle)}
    crop = find_best_body(*make_detections(scored), WHOLE)
    np.testing.assert_allclose(crop.centre, (51, 61), atol=1e-4)
    assert crop.side == pytest.approx(2 * 1.25 * 40) and crop.angle == pytest.approx(0)


def test_uncertain_anchors_are_no_body():
    hips, circle = np.array([0.5, 0.6]), np.array([0.5, 0.2])
    assert find_best_body(*make_detections({800: (-0.1, hips, circle)}), WHOLE) is None


@pytest.mark.parametrize("toward", [(0.0, -10.0), (10.0, 0.0), (0.0, 10.0), (-7.0, 3.0)])
def test_a_body_lies_upright_in_its_crop(toward):
    hips = np.array([30.0, 40.0])
    crop = make_body_crop(hips, hips + toward)
    upper = np.array([[0.5, 0.5 - 1 / 2.5]])  # on the circle, straight above the hips
    np.testing.assert_allclose(crop.to_picture(upper)[0], hips + toward, atol=1e-9)


def test_a_crop_beyond_the_frame_is_black():
    frame = np.full((10, 20, 3), 200, np.uint8)
    pixels = SquareCrop(centre=(10, 5), side=20).cut(frame, 20)
    assert (pixels[5:15] == 200).all() and not pixels[:4].any() and not pixels[16:].any()


def test_infos_of_native_code_are_left_out_and_errors_are_not(capfd):
    with hide_native_infos():
        os.write(2, b"INFO: a delegate\nERROR: a fault\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "ERROR: a fault\nafter\n"


def test_two_at_once_give_standard_error_back(capfd):
    started, ended = threading.Event(), threading.Event()

    def hide_longer():
        with hide_native_infos():
            started.set()
            ended.wait(0.2)

    thread = threading.Thread(target=hide_longer)
    thread.start()
    started.wait(5)
    with hide_native_infos():
        ended.set()
    thread.join()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_without_a_place_for_temporary_files_nothing_is_hidden(capfd, monkeypatch):
    def fail():
        raise OSError("no space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    with hide_native_infos():
        os.write(2, b"INFO: a delegate\n")
    assert capfd.readouterr().err == "INFO: a delegate\n"


@pytest.mark.parametrize("name", ["stderr", "__stderr__"])
def test_a_network_is_loaded_without_a_standard_error(monkeypatch, capfd, name):
    monkeypatch.setattr(sys, name, None)  # as Python has it where a shell closed it: 2>&-
    with hide_native_infos():
        os.write(2, b"INFO: of whoever has its descriptor\n")
    assert capfd.readouterr().err == "INFO: of whoever has its descriptor\n"


def test_a_standard_error_that_takes_nothing_is_no_fault():
    original = os.dup(2)
    reader, writer = os.pipe()
    os.dup2(writer, 2)
    try:
        os.close(reader)
        with hide_native_infos():
            os.write(2, b"ERROR: a fault\n")
    finally:
        os.dup2(original, 2)
        os.close(original)
        os.close(writer)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def find_none(package):
        raise package_files.PackageNotFoundError(package)

    monkeypatch.setattr(package_files, "distribution", find_none)
    with pytest.raises(MissingBackendError, match="pip install --no-deps mediapipe=="):
        blazepose()
