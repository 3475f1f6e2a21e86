"""musicnn's spectrogram, patches, tags and features."""

from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from encoders import package_files
from encoders.base import MissingBackendError
from encoders.capabilities import EventClassifier
from encoders.media import probe, read_segments
from encoders.musicnn import encoder as musicnn
from encoders.registry import ENCODERS
from experiments.datasets.vgmidi import load_vgmidi

RATE = musicnn.SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def installed():
    """Features and tagger, where the package is here."""
    try:
        return ENCODERS.make("musicnn"), ENCODERS.make("musicnn-tags")
    except MissingBackendError as missing:
        pytest.skip(str(missing))


def make_samples(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_spectrogram_is_that_of_torchaudio(monkeypatch):
    torchaudio = pytest.importorskip("torchaudio")
    import torch

    monkeypatch.setattr(musicnn, "BLOCK_FRAMES", 50)
    samples = make_samples(1.5)
    transform = torchaudio.transforms.MelSpectrogram(
        RATE, 512, hop_length=256, n_mels=96, norm="slaney", mel_scale="slaney"
    )
    expected = np.log10(10000 * transform(torch.from_numpy(samples)).T.numpy() + 1)
    actual = musicnn.compute_log_mel(samples)
    assert actual.shape == expected.shape == (1 + len(samples) // 256, 96)
    assert np.allclose(actual, expected, atol=1e-3)


@pytest.mark.parametrize(("seconds", "patches"), [(0.03, 1), (1, 1), (2.9, 1), (3.1, 2), (15, 6)])
def test_patches_cover_a_sound_evenly(seconds, patches):
    samples = make_samples(seconds)
    spectrogram = musicnn.compute_log_mel(samples)
    cut = musicnn.compute_patches(samples)
    assert cut.shape == (patches, 187, 96)
    assert np.array_equal(cut[0], spectrogram[np.arange(187) % len(spectrogram)])
    assert patches == 1 or np.array_equal(cut[-1], spectrogram[-187:])


def test_tags_are_read_without_running_the_file(tmp_path):
    file = tmp_path / "configuration.py"
    file.write_text("raise SystemExit\nTAGS = ['rock', 'pop']\n")
    assert musicnn.read_tags(file, "TAGS") == ("rock", "pop")
    with pytest.raises(ValueError, match="no LABELS"):
        musicnn.read_tags(file, "LABELS")


def test_a_file_that_is_not_the_known_one_is_refused(tmp_path, monkeypatch):
    class Installed:
        version = "0.1.0"

        def locate_file(self, name):
            return tmp_path / name

    monkeypatch.setattr(package_files, "distribution", lambda name: Installed())
    for content in (None, b"another"):
        if content:
            (tmp_path / musicnn.CHECKPOINT).mkdir(parents=True)
            (tmp_path / musicnn.CHECKPOINT / ".index").write_bytes(content)
        with pytest.raises(
            MissingBackendError, match=r"musicnn 0\.1\.0 lacks the known musicnn/MTT_musicnn/\.index"
        ):
            musicnn.musicnn()


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    def find_none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(package_files, "distribution", find_none)
    with pytest.raises(MissingBackendError, match="needs the package 'musicnn'") as missing:
        musicnn.musicnn_tags()
    assert missing.value.command == "pip install --no-deps musicnn==0.1.0"
    assert missing.value.missing == "package"


def test_rows_are_means_over_patches(installed):
    features, tagger = installed
    assert isinstance(tagger, EventClassifier) and not isinstance(features, EventClassifier)
    assert len(set(tagger.classes)) == tagger.card.dim == 50 and "piano" in tagger.classes
    iscc_samples = pytest.importorskip("iscc_samples")
    path = next(path for path in iscc_samples.audios() if path.suffix == ".mp3")
    audio = next(read_segments(path, probe(path))).audio
    (row,), (tags,) = features.encode([audio]), tagger.encode([audio])
    centres = tagger.locate_patches(audio)
    assert len(centres) == len(tagger.score_patches(audio)) and (np.diff(centres) > 0).all()
    assert 1 < centres[0] < 2 and abs(audio.duration - centres[-1] - centres[0]) < 0.1
    assert row.shape == (1506,) and (row[::2] - row[1::2]).min() > -1e-4  # maxima and means alternate
    scores = tagger.score_patches(audio)
    assert 0 <= scores.min() < scores.max() <= 1
    assert scores.shape == (6, 50) and np.allclose(scores.mean(axis=0), tags, atol=1e-6)


@pytest.mark.slow
@pytest.mark.data("vgmidi")
def test_a_piano_is_heard_as_one(installed):
    pieces = [piece.path for piece in load_vgmidi()][:12]
    tagger = installed[1]
    rows = tagger.encode([next(read_segments(path, probe(path))).audio for path in pieces])
    assert (np.argsort(-rows, axis=1)[:, :3] == tagger.classes.index("piano")).any(axis=1).all()
