"""Clips heard faster and slower."""

import wave

import numpy as np
import pytest
from labelled_clips import LISTENING

from encoders.base import Audio
from encoders.logmel import resample
from experiments.heads.audio_text import audio_augmentation
from experiments.heads.audio_text.audio_augmentation import SPEED_FACTORS, change_speed, encode_augmented
from retrieval.features.pipeline import FeaturePipeline


def tone(seconds=1.0, rate=8000):
    """A swelling tone of 440 Hz with its first overtones."""
    time = np.arange(int(seconds * rate)) / rate
    waves = sum(np.sin(2 * np.pi * 440 * k * time) / k for k in (1, 2, 3))
    return Audio(samples=(0.5 * time / seconds * waves).astype(np.float32), sample_rate=rate)


def test_a_clip_heard_otherwise_is_faster_or_slower():
    plain = tone()
    found = [change_speed(plain, np.random.default_rng(seed)) for seed in range(60)]
    assert {one.sample_rate for one in found} == {round(8000 * speed) for speed in SPEED_FACTORS}
    assert 8000 not in {one.sample_rate for one in found}
    assert change_speed(plain, np.random.default_rng(7)).sample_rate == found[7].sample_rate
    for one in found:
        np.testing.assert_array_equal(one.samples, plain.samples)
        heard = resample(one, 8000)
        assert len(heard) / 8000 == pytest.approx(plain.duration * 8000 / one.sample_rate, abs=0.01)
        peak = np.abs(np.fft.rfft(heard)).argmax() / len(heard) * 8000
        assert peak == pytest.approx(440 * one.sample_rate / 8000, abs=2)


def write_wav(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.sample_rate)
        file.writeframes((sound.samples * 32767).astype("<i2").tobytes())
    return path


def test_altered_rows_are_kept_by_content(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path / "cache"))
    experts = FeaturePipeline(LISTENING.replace(text=""), use_packaged=False)
    silent = Audio(samples=np.zeros(8000, np.float32), sample_rate=8000)
    files = [
        write_wav(tmp_path / "tone.wav", tone()),
        write_wav(tmp_path / "lower.wav", tone(0.6)),
        write_wav(tmp_path / "silent.wav", silent),
    ]
    rows = encode_augmented(experts, files, 4, seed=1, quiet=True)
    assert rows["events"].shape == (3, 4, 521) and np.isnan(rows["events"][2]).all()
    found = rows["sound"]
    assert found.shape == (3, 4, 329) and found.dtype == np.float32
    assert np.isnan(found[2]).all() and np.isfinite(found[:2]).all()
    plain = experts.get_encoder("sound").encode([tone()])
    assert (np.abs(found[0] - plain).max(axis=1) > 0.1).all()
    assert len(np.unique(found[0], axis=0)) > 1
    monkeypatch.setattr(
        audio_augmentation, "decode_first_segments", None
    )  # what is kept is not decoded again
    turned = [files[1], files[0].rename(tmp_path / "renamed.wav")]
    again = encode_augmented(experts, turned, 4, seed=1, quiet=True)
    for role in ("sound", "events"):
        np.testing.assert_array_equal(again[role], rows[role][[1, 0]])
    assert encode_augmented(experts, turned, 0, seed=1, quiet=True)["sound"].shape == (2, 0, 329)
    with pytest.raises(TypeError):
        encode_augmented(experts, turned, 4, seed=2, quiet=True)  # another seed makes others
