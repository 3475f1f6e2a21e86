"""`python -m experiments.align --videos`: what is read of videos, what is kept, and the command."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from media_factory import clip, photo

from encoders.base import AffectError
from experiments import align
from experiments.alignment import video_affect, video_encoding, video_records
from experiments.alignment.video_affect import load_affect_pipeline, read_video_affect
from retrieval.features.extraction import extract_features
from retrieval.samples.sample_media import CLIP_SECONDS, RENDERED_CLIPS, SAMPLE_RATE_HZ, render_clip

LENGTHS = (2.0, 5.0, 6.0)


@pytest.fixture(scope="module")
def experts():
    return load_affect_pipeline()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two films with sound, a copy, one without sound, a picture, a film cut off, and what is no film."""
    place = tmp_path_factory.mktemp("films")
    clock = np.arange(CLIP_SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for name, (draw, play) in RENDERED_CLIPS.items():
        render_clip(place / f"{name}.mp4", draw, play(clock))
    shutil.copyfile(place / "bouncing-ball.mp4", place / "copy.mp4")
    clip(place / "mute.mp4")
    photo(place / "photo.png")
    (place / "broken.mp4").write_bytes((place / "mute.mp4").read_bytes()[:300])
    (place / "notes.txt").write_text("no film")
    return place


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def kept(monkeypatch, cache):
    monkeypatch.setattr(video_affect, "get_cache_dir", lambda: cache)


@pytest.fixture(scope="module")
def seen(folder, experts, cache):
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_affect, "get_cache_dir", lambda: cache)
        return read_video_affect(
            folder, LENGTHS, pipeline=experts, on_unreadable=said.append, quiet=True
        ), said


def same(one, other):
    for left, right in zip(one.videos, other.videos, strict=True):
        assert left.digest == right.digest and left.duration == right.duration
        for name in video_records.STORED_ARRAYS:
            assert np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True)
        for length in LENGTHS:
            assert np.array_equal(left.whole_sound[length], right.whole_sound[length], equal_nan=True)
    return True


def test_what_is_read(folder, experts, seen):
    """The same pictures and half seconds as `affect feel` reads, by other code."""
    found, said = seen
    assert (len(found.videos), found.silent_count, found.duplicate_count) == (2, 1, 1)
    (line,) = said
    assert line.startswith(str(folder / "broken.mp4"))
    wanted = [
        one.segments[0]
        for one in extract_features(experts, [folder / f"{name}.mp4" for name in RENDERED_CLIPS], 1)
    ]
    for one in found.videos:
        assert one.duration == pytest.approx(CLIP_SECONDS, abs=0.1)
        assert np.allclose(one.picture_times, np.arange(6), atol=0.6) and np.allclose(
            one.sound_times, np.arange(12) / 2 + 0.25
        )
        assert {length: len(rows) for length, rows in one.whole_sound.items()} == {2.0: 3, 5.0: 2, 6.0: 1}
        assert len(one.face) == 6 and not np.isnan(one.sound).any() and not np.isnan(one.picture).any()
        here = [
            looked
            for looked in wanted
            if np.allclose(
                experts.estimate_affect_by_modality({"objects": looked.frame_features})["image"],
                one.picture,
                atol=1e-4,
            )
        ]
        assert len(here) == 1
        assert np.allclose(
            experts.estimate_affect_by_modality(here[0].window_features)["sound"], one.sound, atol=1e-4
        )
        assert np.allclose(
            experts.estimate_affect_by_modality(
                {role: here[0].features[role] for role in ("tone", "events")}
            )["sound"],
            one.whole_sound[6.0],
            atol=1e-3,
        )
    assert np.abs(found.videos[0].picture - found.videos[1].picture).max() > 0.05


@pytest.mark.usefixtures("kept")
def test_nothing_is_read_twice(folder, experts, seen, monkeypatch, cache):
    monkeypatch.setattr(video_encoding, "encode_all", None)  # so that reading would fail
    assert same(read_video_affect(folder, LENGTHS, pipeline=experts, quiet=True), seen[0])
    with pytest.raises(TypeError):  # other lengths are other readings
        read_video_affect(folder, (3.0,), pipeline=experts, quiet=True)
    monkeypatch.undo()
    monkeypatch.setattr(video_affect, "get_cache_dir", lambda: cache)
    spoilt = next(cache.rglob("*.safetensors"))
    whole = spoilt.read_bytes()
    spoilt.write_bytes(whole[:99])
    assert same(read_video_affect(folder, LENGTHS, pipeline=experts, quiet=True), seen[0])
    assert spoilt.read_bytes() == whole


def test_an_interrupted_run_goes_on(folder, experts, seen, monkeypatch, tmp_path):
    """Stopped when the first film was kept: the second run reads the other alone."""
    monkeypatch.setattr(video_affect, "get_cache_dir", lambda: tmp_path)
    real, films = video_records.write_safetensors, []

    def stop(file, content):
        real(file, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(video_records, "write_safetensors", stop)
    with pytest.raises(KeyboardInterrupt):
        read_video_affect(folder, LENGTHS, pipeline=experts, quiet=True)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1
    monkeypatch.setattr(
        video_records, "write_safetensors", lambda file, content: (films.append(file), real(file, content))
    )
    assert same(read_video_affect(folder, LENGTHS, pipeline=experts, quiet=True), seen[0])
    assert len(films) == 1


def test_blocks_are_no_borders(folder, experts, seen, monkeypatch, tmp_path):
    """Decoded 2 s at a time, pictures and whole segments of 5 s are as in one block."""
    monkeypatch.setattr(video_affect, "get_cache_dir", lambda: tmp_path)
    monkeypatch.setattr(video_affect, "BLOCK_SECONDS", 2.0)
    (tmp_path / "films").mkdir()
    shutil.copyfile(folder / "bouncing-ball.mp4", tmp_path / "films" / "one.mp4")
    (one,) = read_video_affect(tmp_path / "films", (5.0,), pipeline=experts, quiet=True).videos
    (wanted,) = (two for two in seen[0].videos if two.digest == one.digest)
    assert np.allclose(one.picture_times, wanted.picture_times) and np.allclose(
        one.sound_times, wanted.sound_times
    )
    assert np.allclose(one.picture, wanted.picture, atol=1e-4)
    assert np.allclose(one.whole_sound[5.0], wanted.whole_sound[5.0], atol=0.02)


def test_a_cache_that_can_not_be_written_is_told(folder, experts, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for module in (video_affect, video_records):
        monkeypatch.setattr(module, "get_cache_dir", lambda: tmp_path / "file")
    (tmp_path / "films").mkdir()
    shutil.copyfile(folder / "bouncing-ball.mp4", tmp_path / "films" / "one.mp4")
    with pytest.raises(AffectError, match="file: "):
        read_video_affect(tmp_path / "films", (), pipeline=experts, quiet=True)


def test_whole_sound_is_cut_across_blocks():
    """Whatever the blocks, a segment's sound is what a slice of all of it would be."""
    samples = np.random.default_rng(0).normal(size=10_007).astype(np.float32)
    for length in (0.7, 1.0, 3.3):
        cutter = video_encoding.AudioSegmenter(length, 1000)
        parts = [part for block in np.split(samples, [1, 2500, 2600, 9000]) for part in cutter.cut(block)]
        parts += cutter.flush()
        edges = [round(k * length * 1000) for k in range(1, len(parts))]
        assert all(
            np.array_equal(part.samples, slice_)
            for part, slice_ in zip(parts, np.split(samples, edges), strict=True)
        )


def command(*arguments):
    return CliRunner().invoke(align.main, [str(part) for part in arguments])


@pytest.mark.usefixtures("kept", "seen")
def test_the_command(folder, tmp_path):
    """Two films are too few for any statistic but how readings vary, and it says so."""
    asked = ("--videos", folder, "--lengths", "2,5,6", "--out", tmp_path / "out")
    said = command(*asked, "--json")
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert told["videos"]["videos"] == 2 and told["videos"]["copies"] == 1 and told["sets"] == {}
    assert told["videos"]["segments"]["2"]["picture"] == 6 and len(told["left out"]) == 15
    inside = told["videos"]["inside segments"]
    assert {one["sense"] for one in inside} >= {"picture", "sound"}
    assert all("low" not in value or value["low"] is None for one in inside for value in one["sd"] or [])
    assert said.stderr.count("\n") == 1 and "broken.mp4" in said.stderr
    plain = command(*asked)
    assert plain.exit_code == 0 and "2 videos have these senses; 20 of 10 videos are needed" in plain.stdout
    assert "SD inside, valence" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--videos", "nowhere"), "nowhere: no such file"),
        (("--videos", "here", "--lengths", "2,x"), "--lengths 2,x: seconds such as 2,5,10,15"),
        (("--videos", "here", "--lengths", "0.1"), "each 1 to 600 seconds"),
        (("--videos", "here", "--lengths", "nan"), "each 1 to 600 seconds"),
        (("--videos", "here"), "here: no video with sound that can be read, among 2 media files"),
    ],
)
@pytest.mark.usefixtures("kept")
def test_bad_input_is_one_line(arguments, told, tmp_path, monkeypatch, folder):
    (tmp_path / "here").mkdir()
    shutil.copyfile(folder / "mute.mp4", tmp_path / "here" / "mute.mp4")
    shutil.copyfile(folder / "photo.png", tmp_path / "here" / "photo.png")
    monkeypatch.chdir(tmp_path)
    said = command(*arguments, "--out", tmp_path / "out")
    assert said.exit_code == 2, said.output
    assert told in said.stderr and said.stderr.count("\n") == 1 and said.stderr.startswith("align: ")
