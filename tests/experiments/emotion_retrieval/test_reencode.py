"""`emotions reencode` on real files: rate, size, sound, rotation, resuming, failures."""

import json
import os
import time

import av
import numpy as np
import pytest
from click.testing import CliRunner
from media_factory import clip, cut_short, gif, photo, tone, turned

from encoders import name_draft
from encoders.media import Sampling, probe, read_segments
from experiments.emotion_retrieval.data import reencode_folder
from experiments.emotion_retrieval.data.reencode_folder import EncodingTask
from experiments.emotion_retrieval.data.reencoding import EncodingSettings, encode_file, fit_shorter_side
from experiments.emotions import main


@pytest.fixture
def folders(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    return source, tmp_path / "out"


@pytest.fixture
def encode_here(monkeypatch):
    """Encodes in this process, which spares the start of others."""

    def encode_all(tasks, settings, jobs):
        return ((task, reencode_folder._encode_task(task, settings)) for task in tasks)

    monkeypatch.setattr(reencode_folder, "_encode_all", encode_all)


def reencode(source, out, *options):
    return CliRunner().invoke(main, ["reencode", str(source), "--out", str(out), *options])


def reencode_json(source, out, *options):
    done = reencode(source, out, "--json", *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def read_all(path):
    sampling = Sampling(segment_seconds=60, fps=60, max_frames=None, max_side=1000)
    [segment] = read_segments(path, probe(path), sampling)
    return segment


def measure_pitch(audio):
    spectrum = np.abs(np.fft.rfft(audio.samples))
    return np.argmax(spectrum) * audio.sample_rate / len(audio.samples)


def test_rate_size_and_sound(folders, encode_here):
    source, out = folders
    clip(source / "a.mp4", seconds=3.0, fps=25, size=(320, 180), sound=3.0)
    told = reencode_json(source, out)
    assert (told["encoded"], told["frames"], told["seconds"], told["silent"]) == (1, 18, 3.0, 0)
    found = probe(out / "a.mp4")
    assert (found.width, found.height, found.fps, found.sample_rate) == (398, 224, 6, 48000)
    assert found.duration == pytest.approx(3.0, abs=0.05)
    with av.open(str(out / "a.mp4")) as container:
        names = [stream.codec_context.name for stream in container.streams]
    assert names == ["h264", "aac"]
    segment = read_all(out / "a.mp4")
    assert measure_pitch(segment.audio) == pytest.approx(440, abs=3)
    middles = segment.frames[:, 112, 199].mean(axis=-1)
    assert (np.diff(middles[:15]) > 8).all()  # lighter by 4 a frame at 25 a second: by about 17 at 6


def test_silent_videos_stay_silent(folders, encode_here):
    source, out = folders
    clip(source / "a.mp4")
    assert reencode_json(source, out)["silent"] == 1
    assert probe(out / "a.mp4").sample_rate is None


def test_sound_keeps_its_place(folders, encode_here):
    source, out = folders
    clip(source / "late.mp4", seconds=4.0, sound=1.0, at=2.0)
    reencode_json(source, out)
    audio = read_all(out / "late.mp4").audio
    loud = np.flatnonzero(np.abs(audio.samples) > 0.1) / audio.sample_rate
    assert loud[0] == pytest.approx(2.0, abs=0.05) and loud[-1] == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("degrees", [90, 270])
def test_turned_videos_come_out_upright(folders, encode_here, degrees):
    source, out = folders
    turned(source / "a.mp4", clip(folders[0].parent / "plain.mp4", size=(320, 160)), degrees)
    reencode_json(source, out)
    found = probe(out / "a.mp4")
    assert (found.width, found.height) == (224, 448)
    corner, expected = (file.frames[0, 10, 10] for file in map(read_all, (out / "a.mp4", source / "a.mp4")))
    assert np.abs(corner.astype(int) - expected).max() < 30
    with av.open(str(out / "a.mp4")) as container:
        assert next(container.decode(video=0)).side_data.get("DISPLAYMATRIX") is None


def test_a_variable_rate_becomes_constant(folders, encode_here):
    source, out = folders
    clip(source / "a.mkv", begins=[0, 100, 200, 1500, 1600, 2900])
    assert reencode_json(source, out)["frames"] == 18  # the last frame lasts as long as the one before
    segment = read_all(out / "a.mp4")
    assert np.diff(segment.frame_times) == pytest.approx(1 / 6, abs=0.002)
    middles = segment.frames[:, 112, 140].mean(axis=-1)
    assert np.abs(np.diff(middles[2:9])).max() < 2  # one picture from .2 to 1.5 s


@pytest.mark.parametrize(
    ("size", "expected"),
    [((161, 121), (298, 224)), ((121, 161), (224, 298)), ((50, 50), (224, 224)), ((640, 64), (2240, 224))],
)
def test_the_shorter_side_is_224_and_the_longer_even(size, expected):
    assert fit_shorter_side(*size, 224) == expected


def test_odd_sizes_and_other_containers(folders, encode_here):
    source, out = folders
    (source / "deep" / "er").mkdir(parents=True)
    clip(source / "deep" / "er" / "odd.avi", size=(322, 182), codec="mpeg4")
    gif(source / "moving.gif")
    photo(source / "moving.jpg")  # beside the video of its name, as pictures of videos are
    tone(source / "song.wav")
    told = reencode_json(source, out, "--side", "100", "--fps", "4")
    assert (told["encoded"], told["no video"], told["failed"]) == (2, 2, [])
    found = probe(out / "deep" / "er" / "odd.mp4")
    assert (found.width, found.height, found.fps) == (176, 100, 4)
    assert (out / "moving.mp4").exists()


def test_what_is_done_is_not_done_again(folders, encode_here):
    source, out = folders
    clip(source / "a.mp4")
    clip(source / "b.mp4", fps=12)
    assert reencode_json(source, out)["encoded"] == 2
    before = (out / "a.mp4").stat().st_mtime_ns
    told = reencode_json(source, out)
    assert (told["encoded"], told["unchanged"]) == (0, 2)
    assert (out / "a.mp4").stat().st_mtime_ns == before
    os.utime(source / "a.mp4", ns=(1, 1))
    assert reencode_json(source, out)["encoded"] == 1
    assert reencode_json(source, out, "--fps", "3")["encoded"] == 2
    (out / "b.mp4").write_bytes(b"damaged")
    told = reencode_json(source, out, "--fps", "3")
    assert (told["encoded"], told["unchanged"]) == (1, 1)


def test_failures_are_a_line_each_and_cost_nothing_else(folders, encode_here):
    source, out = folders
    clip(source / "good.mp4")
    cut_short(source / "cut.mp4", source / "good.mp4", 0.2)
    clip(source / "good.mkv")
    (source / "notes.txt").write_text("no media")
    done = reencode(source, out)
    assert done.exit_code == 0 and "1 encoded, 2 failed" in done.stdout
    assert "  failed: cut.mp4: " in done.stdout
    assert "  failed: good.mp4: would become the same file as good.mkv" in done.stdout
    assert [path.name for path in out.iterdir()] == ["good.mp4"]


def test_an_interrupted_file_is_not_there(folders, monkeypatch):
    source, out = folders
    clip(source / "a.mp4", sound=2.0)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.emotion_retrieval.data.reencoding.cv2.resize", stop)
    with pytest.raises(KeyboardInterrupt):
        encode_file(source / "a.mp4", out / "a.mp4", out / ".draft.mp4", EncodingSettings())
    assert list(out.iterdir()) == []


def test_places_that_do_not_go_are_one_line(folders):
    source, out = folders
    for place, message in (
        (source, "give a folder outside it"), (source / "in", "give a folder outside it"),
        (source.parent, "give a folder outside it"),
    ):  # fmt: skip
        done = reencode(source, place)
        assert done.exit_code == 2 and message in done.stderr and done.stderr.count("\n") == 1
    assert "no such folder" in reencode(source / "none", out).stderr
    out.write_text("")
    assert "not a folder" in reencode(source, out).stderr
    assert not (source / "in").exists()


@pytest.mark.slow
def test_in_processes_a_crash_costs_its_file_alone(folders):
    source, out = folders
    sources = [CrashingPath(out), *(clip(source / f"{name}.mp4", seconds=20.0) for name in "acd")]
    targets = [out / f"{name}.mp4" for name in "bacd"]
    tasks = [
        EncodingTask(source=path, target=target, draft=name_draft(target))
        for path, target in zip(sources, targets, strict=True)
    ]
    outcomes = {
        task.target.name: outcome
        for task, outcome in reencode_folder._encode_all(tasks, EncodingSettings(), jobs=2)
    }
    assert outcomes.pop("b.mp4") == reencode_folder.CRASH_REASON
    assert [outcomes[name].frames for name in sorted(outcomes)] == [120, 120, 120]
    assert sorted(path.name for path in out.iterdir()) == ["a.mp4", "c.mp4", "d.mp4"]


class CrashingPath:
    """Ends the process that takes it, as a decoder does that crashes, while another writes to the folder."""

    def __init__(self, folder):
        self._folder = folder

    def __reduce__(self):
        return crash_during_writing, (self._folder,)


def crash_during_writing(folder):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not (folder.is_dir() and any(folder.iterdir())):
        time.sleep(0.001)
    os._exit(11)
