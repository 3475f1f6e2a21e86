import numpy as np
import pytest

from encoders.faces import Face, mtcnn_fer
from encoders.faces.tracks import tracks

skimage = pytest.importorskip("skimage")


def face(frame, x, side=20, y=0, emotion=3, score=1.0, quality=1.0):
    return Face(
        frame=frame,
        box=(x, y, x + side, y + side),
        score=score,
        landmarks=np.zeros((5, 2), np.float32),
        emotions=np.eye(7, dtype=np.float32)[emotion],
        quality=quality,
    )


def seen(found):
    return [[(one.frame, one.box[0]) for one in track.faces] for track in found]


def test_two_people_side_by_side_stay_apart():
    clip = [face(0, 0), face(0, 100, 30), face(1, 106, 30), face(1, 4), face(2, 9), face(2, 110, 28)]
    found = tracks(clip, [0.0, 1.5, 3.0])
    assert seen(found) == [[(0, 100), (1, 106), (2, 110)], [(0, 0), (1, 4), (2, 9)]]
    assert [(one.first, one.last, one.frames) for one in found] == [(0.0, 3.0, 3)] * 2


def test_nearest_pair_first():
    """The face at 12 is 12 from one and 8 from another: each goes to its nearest."""
    assert seen(tracks([face(0, 0), face(0, 20), face(1, 12), face(1, 2)], [0, 1])) == [
        [(0, 0), (1, 2)],
        [(0, 20), (1, 12)],
    ]


@pytest.mark.parametrize("other", [face(1, 45), face(1, 0, side=60), face(1, 0, y=30)], ids=repr)
def test_too_far_or_too_large_is_someone_else(other):
    assert len(tracks([face(0, 0), other], [0, 1])) == 2


def test_a_short_absence_is_bridged_and_a_long_one_is_not():
    clip = [face(0, 0), face(2, 3)]
    assert len(tracks(clip, [0, 2, 4])) == 1
    assert len(tracks(clip, [0, 2, 5])) == 2


def test_means_are_weighted_by_confidence_and_area():
    clip = [face(0, 0, emotion=3), face(1, 0, emotion=0, score=0.5), face(2, 0, emotion=4, quality=0.0)]
    (track,) = tracks(clip, [0, 1, 2])
    assert track.emotions == pytest.approx([1 / 3, 0, 0, 2 / 3, 0, 0, 0], abs=1e-6)
    assert track.confidence == pytest.approx(0.5)
    (small, large) = face(0, 0, 20, emotion=3), face(1, 0, 36, emotion=0)
    (track,) = tracks([small, large], [0, 1])
    assert track.emotions[0] / track.emotions[3] == pytest.approx(36**2 / 20**2)


def test_faces_that_can_not_be_read_still_have_a_mean():
    (track,) = tracks([face(0, 0, quality=0.0), face(1, 0, quality=0.0)], [0, 1])
    assert np.isfinite(track.emotions).all() and track.confidence == 0


def test_nothing_and_unknown_frames():
    assert tracks([], [0, 1]) == tracks([], []) == []
    with pytest.raises(ValueError, match="beyond the 1"):
        tracks([face(1, 0)], [0])


def test_order_of_faces_does_not_matter():
    clip = [face(0, 0), face(1, 106, 30), face(0, 100, 30), face(1, 4)]
    assert seen(tracks(clip, [0, 1])) == seen(tracks(clip[::-1], [0, 1]))


def test_a_real_face_that_moves_is_one_person():
    astronaut = skimage.data.astronaut()
    clip = np.stack([np.roll(astronaut, shift, axis=1) for shift in (0, 30, 60)] + [astronaut[:, ::-1]])
    found = mtcnn_fer().detect(clip)
    both = tracks(found, [0.0, 1.0, 2.0, 3.0])
    assert [track.frames for track in tracks(found[:3], [0.0, 1.0, 2.0])] == [3]
    assert sum(track.frames for track in both) == len(found) == 4
