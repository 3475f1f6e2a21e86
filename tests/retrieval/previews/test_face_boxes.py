"""Boxes of the faces that were detected for the library's rows, where the faces are."""

import json

import numpy as np
import pytest
import skimage.data
from command_output import ok
from library_factory import affect, paths
from PIL import Image

from encoders.faces import Face
from encoders.media import Segment
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.indexing.face_boxes import MAX_FACES, make_face_boxes
from retrieval.indexing.file_encoding import encode_with_faces
from retrieval.previews import PreviewStore
from retrieval.samples.media_writer import write_video

SPEC = "objects=toy-frames,activity=,sound=,events=,tone=,faces=mtcnn-expression,text=toy-text,sentiment="


def make_segment(frames, start=None):
    times = tuple(2.0 * i for i in range(len(frames)))
    return Segment(start=start, end=start and start + 9, frames=frames, frame_times=times, audio=None)


def make_face(frame_index, side=10.0, score=1.0):
    return Face(
        frame_index=frame_index, box=(20.0, 5.0, 20 + side, 5 + side), score=score,
        landmarks=np.zeros((5, 2), np.float32), emotions=np.full(7, 1 / 7, np.float32), quality=0.5,
    )  # fmt: skip


def test_boxes_are_shares_of_the_frame_at_its_time():
    frames = np.zeros((3, 50, 100, 3), np.uint8)
    (box,) = make_face_boxes(make_segment(frames, 4.0), [make_face(2)])
    assert box == (4.0, 0.2, 0.1, 0.1, 0.2, 0.5)
    (box,) = make_face_boxes(make_segment(frames[:1]), [make_face(0)])
    assert box.seconds is None


def test_the_heaviest_of_a_crowd_are_kept_in_each_frame():
    faces = [make_face(frame, side=float(side)) for frame in (0, 1) for side in range(1, 30)]
    boxes = make_face_boxes(make_segment(np.zeros((2, 50, 100, 3), np.uint8), 1.0), faces)
    widths = [round(box.width * 100) for box in boxes]
    assert widths == [*range(29, 29 - MAX_FACES, -1)] * 2
    assert [box.seconds for box in boxes] == [0.0] * MAX_FACES + [2.0] * MAX_FACES


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A photo of a face, a film of it, and a photo without."""
    folder = tmp_path_factory.mktemp("faces") / "media"
    folder.mkdir()
    astronaut = skimage.data.astronaut()
    Image.fromarray(astronaut).save(folder / "astronaut.png")
    Image.fromarray(skimage.data.coffee()).save(folder / "coffee.png")
    hum = np.zeros(6 * 22050, np.float32)
    write_video(folder / "film.mp4", iter([astronaut[:400, :400]] * 60), 10, [hum], 22050)
    return folder


@pytest.mark.slow
def test_faces_of_an_index_run(media, tmp_path):
    lib = tmp_path / "lib"
    done = affect("index", media, "-l", lib, "--encoders", SPEC, "-j", "1")
    assert done.returncode == 0, done.stderr
    items, store = paths(lib), PreviewStore.open(lib)
    (box,) = store.load_faces(items[media / "astronaut.png"])
    assert box.seconds is None and 0.5 < box.confidence <= 1
    centre = 512 * (box.x + box.width / 2), 512 * (box.y + box.height / 2)
    assert abs(centre[0] - 225) < 25 and abs(centre[1] - 115) < 30  # her face
    assert store.load_faces(items[media / "coffee.png"]) == []
    in_film = store.load_faces(items[media / "film.mp4"])
    assert len({face.seconds for face in in_film}) == len(in_film) >= 2
    assert all(abs(face.x * 400 - box.x * 512) < 15 for face in in_film)
    assert json.loads(ok("info", "-l", lib, "--json"))["previews"]["faces"] == 2


@pytest.mark.slow
def test_rows_are_those_without_boxes(media):
    pipeline = FeaturePipeline(PipelineConfig.default())
    frames = [skimage.data.astronaut()[None], np.zeros((2, 64, 64, 3), np.uint8)]
    segments = [make_segment(clip) for clip in (frames[0], frames[1], frames[0])]
    encoded_segments = encode_with_faces(pipeline, segments)
    expected = pipeline.encode_media([segment.frames for segment in segments], [None] * 3)
    for role, rows in expected.items():
        got = np.concatenate([segment.features[role] for segment in encoded_segments])
        np.testing.assert_array_equal(got, rows)
    assert [len(segment.faces) for segment in encoded_segments] == [1, 0, 1]
