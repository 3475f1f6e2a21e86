import numpy as np
import pytest

from encoders.faces import Face, mtcnn_fer
from encoders.faces.tracks import track_faces

skimage = pytest.importorskip("skimage")


def face(frame, x, side=20, y=0, emotion=3, score=1.0, quality=1.0):
    return Face(
        frame_index=frame,
        box=(x, y, x + side, y + side),
        score=score,
        landmarks=np.zeros((5, 2), np.float32),
        emotions=np.eye(7, dtype=np.float32)[emotion],
        quality=quality,
    )


def seen(found):
    return [[(one.frame_index, one.box[0]) for one in track.faces] for track in found]


def test_two_people_side_by_side_stay_apart():
    clip = [face(0, 0), face(0, 100, 30), face(1, 106, 30), face(1, 4), face(2, 9), face(2, 110, 28)]
    found = track_faces(clip, [0.0, 1.5, 3.0])
    assert seen(found) == [[(0, 100), (1, 106), (2, 110)], [(0, 0), (1, 4), (2, 9)]]
    assert [(one.start_time, one.end_time, one.frame_count) for one in found] == [(0.0, 3.0, 3)] * 2


def test_nearest_pair_first():
    """The face at 12 is 12 from one and 8 from another: each goes to its nearest."""
    assert seen(track_faces([face(0, 0), face(0, 20), face(1, 12), face(1, 2)], [0, 1])) == [
        [(0, 0), (1, 2)],
        [(0, 20), (1, 12)],
    ]


@pytest.mark.parametrize("other", [face(1, 45), face(1, 0, side=60), face(1, 0, y=30)], ids=repr)
def test_too_far_or_too_large_is_someone_else(other):
    assert len(track_faces([face(0, 0), other], [0, 1])) == 2


def test_a_short_absence_is_bridged_and_a_long_one_is_not():
    clip = [face(0, 0), face(2, 3)]
    assert len(track_faces(clip, [0, 2, 4])) == 1
    assert len(track_faces(clip, [0, 2, 5])) == 2


def test_means_are_weighted_by_confidence_and_area():
    clip = [face(0, 0, emotion=3), face(1, 0, emotion=0, score=0.5), face(2, 0, emotion=4, quality=0.0)]
    (track,) = track_faces(clip, [0, 1, 2])
    assert track.emotions == pytest.approx([1 / 3, 0, 0, 2 / 3, 0, 0, 0], abs=1e-6)
    assert track.confidence == pytest.approx(0.5)
    (small, large) = face(0, 0, 20, emotion=3), face(1, 0, 36, emotion=0)
    (track,) = track_faces([small, large], [0, 1])
    assert track.emotions[0] / track.emotions[3] == pytest.approx(36**2 / 20**2)


def test_faces_that_can_not_be_read_still_have_a_mean():
    (track,) = track_faces([face(0, 0, quality=0.0), face(1, 0, quality=0.0)], [0, 1])
    assert np.isfinite(track.emotions).all() and track.confidence == 0


def test_nothing_and_unknown_frames():
    assert track_faces([], [0, 1]) == track_faces([], []) == []
    with pytest.raises(ValueError, match="beyond the 1"):
        track_faces([face(1, 0)], [0])


def test_order_of_faces_does_not_matter():
    clip = [face(0, 0), face(1, 106, 30), face(0, 100, 30), face(1, 4)]
    assert seen(track_faces(clip, [0, 1])) == seen(track_faces(clip[::-1], [0, 1]))


def test_a_real_face_that_moves_is_one_person():
    astronaut = skimage.data.astronaut()
    clip = np.stack([np.roll(astronaut, shift, axis=1) for shift in (0, 30, 60)] + [astronaut[:, ::-1]])
    found = mtcnn_fer().detect(clip)
    both = track_faces(found, [0.0, 1.0, 2.0, 3.0])
    assert [track.frame_count for track in track_faces(found[:3], [0.0, 1.0, 2.0])] == [3]
    assert sum(track.frame_count for track in both) == len(found) == 4
