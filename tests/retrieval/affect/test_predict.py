"""`affect feel` on real media of the packages that carry some, and on wrong files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from affect_records import KEYS, feel
from library_factory import affect, hum
from media_factory import clip as film
from media_factory import float_wav
from PIL import Image
from repository import ROOT

from encoders import ENCODERS
from encoders.face_columns import EMOTIONS
from retrieval.features.affect import fuse_affect
from retrieval.samples.media_writer import write_video
from spaces.affect_regression import estimate_face_affect
from spaces.circumplex import EMOTION_SCHEMES

POINT = {"valence", "arousal", "valence_sd", "arousal_sd"}
PLUTCHIK = {"joy", "trust", "surprise", "anticipation", "fear", "sadness", "disgust", "anger"}


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A face, a cat, a piece of noise, silence, and a film of all that."""
    folder = tmp_path_factory.mktemp("feel")
    Image.fromarray(skimage.data.astronaut()).save(folder / "face.jpg")
    Image.fromarray(skimage.data.chelsea()).save(folder / "cat.png")
    hum(folder / "tone.wav", 440, seconds=4)
    float_wav(folder / "silence.wav", np.zeros(32000, np.float32))
    return folder


@pytest.fixture(scope="module")
def records(media):
    """By name, of all of them at once."""
    names = ["face.jpg", "silence.wav", "cat.png", "tone.wav"]
    code, found, _ = feel(*(media / name for name in names))
    assert code == 0 and [Path(record["path"]).name for record in found] == names
    return dict(zip(names, found, strict=True))


def test_the_contract(records):
    for record in records.values():
        assert set(record) == {"path", *KEYS}
        assert set(record["experts"]) == {"image", "sound", "face", "text"}
        assert set(record["emotions"]) == PLUTCHIK
        if record["affect"] is not None:
            assert set(record["affect"]) == POINT
            assert all(-1 <= record["affect"][name] <= 1 for name in ("valence", "arousal"))
            assert all(record["affect"][f"{name}_sd"] > 0 for name in ("valence", "arousal"))
            assert sum(record["emotions"].values()) == pytest.approx(1, abs=1e-3)


def test_seconds_of_sound_that_moved_it_are_named_by_their_events(tmp_path):
    times = np.arange(4 * 16000) / 16000
    beeps = 0.3 * np.sin(2 * np.pi * 1000 * times) * (times % 0.4 < 0.2)
    noise = np.random.default_rng(0).normal(0, 0.1, len(times))
    float_wav(tmp_path / "both.wav", np.concatenate([noise, beeps]), 16000)
    _, (record,), _ = feel(tmp_path / "both.wav")
    events = {reason["what"] for reason in record["why"] if reason["sense"] == "sound" and "what" in reason}
    assert events and events <= set(ENCODERS.make("yamnet").classes)


def test_a_smiling_face(records):
    record = records["face.jpg"]
    assert set(record["face_emotion"]) == set(EMOTIONS) and record["face_coverage"] == 1
    assert max(record["face_emotion"], key=record["face_emotion"].get) == "happy"
    assert record["experts"]["face"]["valence"] > 0.1 and record["experts"]["face"]["people"] == 1
    assert record["experts"]["image"] is not None and record["experts"]["sound"] is None
    shares = [record["experts"][sense]["share"]["valence"] for sense in ("face", "image")]
    assert sum(shares) == pytest.approx(1, abs=1e-3) and min(shares) > 0
    (why,) = [one for one in record["why"] if one["sense"] == "face"]
    assert why["what"] == "happy"


def test_no_face_is_not_a_neutral_one(records):
    record = records["cat.png"]
    assert record["face_emotion"] is None and record["experts"]["face"] is None
    assert record["face_coverage"] == 0 and record["affect"] is not None


def test_silence_abstains(records):
    record = records["silence.wav"]
    assert record["affect"] is None and all(one is None for one in record["experts"].values())
    assert record["trajectory"] == [] and record["why"] == [] and record["speech_emotion"] is None
    assert set(record["emotions"].values()) == {None} and record["face_coverage"] is None


def test_the_course_of_a_sound_in_half_seconds(records):
    steps = records["tone.wav"]["trajectory"]
    assert [step["start"] for step in steps] == [0.5 * at for at in range(8)]
    assert all(set(step) == {"start", "end", "valence", "arousal"} for step in steps)


def test_a_tone_is_not_speech(records):
    assert records["tone.wav"]["experts"]["sound"]["kind"]["speech"] < 0.5


def test_what_is_heard_gives_a_sound_that_is_neither_its_affect(records):
    sound = records["tone.wav"]["experts"]["sound"]
    assert sound["kind"]["other"] > 0.5
    assert all({"name", "share", "valence", "arousal"} == set(event) for event in sound["events"])
    shares = [event["share"] for event in sound["events"]]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) < sound["kind"]["other"]
    assert {event["name"] for event in sound["events"]} <= set(ENCODERS.make("yamnet").classes)
    assert "events" not in records["cat.png"]["experts"]["image"]


def test_files_that_can_not_be_read_cost_no_other(media):
    broken = media / "broken.jpg"
    broken.write_bytes(b"no picture")
    code, found, said = feel(media / "cat.png", broken, media / "gone.png", media, media / "cat.png")
    assert code == 2 and [bool(one["affect"]) for one in found] == [True, False, False, False, True]
    assert found[0] == found[4] and all({"path", "error", *KEYS} == set(one) for one in found[1:4])
    assert "Traceback" not in said and said.count("affect: ") >= 3 and str(broken) in said


def test_a_blank_picture_and_noise_are_told_with_doubt(media):
    Image.new("RGB", (200, 200), (128, 128, 128)).save(media / "grey.png")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (200, 200, 3), np.uint8)).save(media / "noise.png")
    _, (grey, noise, cat), _ = feel(media / "grey.png", media / "noise.png", media / "cat.png")
    for odd in (grey, noise):
        assert odd["affect"] is None or odd["affect"]["valence_sd"] > cat["affect"]["valence_sd"]


@pytest.mark.parametrize("seconds", [0.1, 0.01])
def test_a_blink_of_sound(media, seconds):
    float_wav(
        media / "blink.wav", 0.3 * np.random.default_rng(1).normal(size=int(16000 * seconds)).astype("f4")
    )
    code, (record,), _ = feel(media / "blink.wav")
    assert code == 0
    assert record["affect"] is None or record["affect"]["valence_sd"] > 0.2


def test_sound_that_is_not_finite(media):
    wave = np.sin(np.arange(32000) / 20).astype(np.float32)
    wave[8000:8100] = np.nan
    wave[9000:9010] = np.inf
    float_wav(media / "nan.wav", wave)
    code, (record,), _ = feel(media / "nan.wav")
    assert code in (0, 2) and (record["affect"] is None or np.isfinite(record["affect"]["valence"]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name files, or --text, or --texts FILE"),
        (("a.jpg", "--text", "b"), "Files, --text and --texts exclude each other"),
        (("--text", "b", "--texts", "c.txt"), "Files, --text and --texts exclude each other"),
        (("--texts", "/nowhere/texts.txt"), "can't be read as texts"),
    ],
)
def test_what_can_not_be_asked(words, said):
    code, _, error = feel(*words)
    assert code == 2 and said in error


def test_for_people(media):
    done = affect("feel", media / "face.jpg")
    assert done.returncode == 0 and "valence" in done.stdout and "face" in done.stdout
    assert "happy" in done.stdout


def test_help_teaches_and_imports_no_torch():
    code = "import sys; from retrieval.cli.main import main; main(['feel', '--help'], standalone_mode=False)"
    said = subprocess.run(
        [sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout  # fmt: skip
    assert "standard deviation" in said and "abstain" in said


def test_names_of_emotions():
    assert set(EMOTION_SCHEMES["fer"]) == set(EMOTIONS) and set(EMOTION_SCHEMES["plutchik"]) == PLUTCHIK


def test_pictures_go_on_where_the_sound_has_ended(media):
    film(media / "short-sound.mp4", seconds=6, sound=1)
    _, (record,), _ = feel(media / "short-sound.mp4")
    assert record["trajectory"][-1]["end"] == pytest.approx(6, abs=0.3)
    assert [step["start"] for step in record["trajectory"]][:3] == [0, 0.5, 1.0]


def test_a_face_that_can_not_be_read_leaves_the_rest_as_it_is():
    image = np.array([[0.6, -0.5, 0.36, 0.23]], np.float32)
    face = np.array([[0.1] * 7 + [1.0, 1.0, 0.0]], np.float32)
    alone, both = (
        fuse_affect(senses, 1).fused
        for senses in ({"image": image}, {"image": image, "face": estimate_face_affect(face)})
    )
    assert np.array_equal(alone, both)
    shares = [
        fuse_affect(
            {"image": image, "face": estimate_face_affect(np.where(face == 0, sure, face))}, 1
        ).weights["face"][0, 0]
        for sure in (0.15, 0.5, 1.0)
    ]
    assert shares == sorted(shares) and shares[0] < shares[-1]


def test_faces_are_followed(media):
    frames = np.stack([skimage.data.astronaut()] * 48)
    write_video(media / "still.mp4", iter(frames), 12, [], 16000)
    _, (record,), _ = feel(media / "still.mp4")
    (track,) = record["experts"]["face"]["tracks"]
    assert track["frames"] >= 3 and max(track["emotion"], key=track["emotion"].get) == "happy"
    assert record["face_coverage"] == 1 and len(record["trajectory"]) >= 3
