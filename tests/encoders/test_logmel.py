"""Log-mel statistics: what they must not depend on, when they abstain, and that they find like by like."""

import csv
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from repository import require_data
from safetensors.numpy import load_file

from encoders.base import Audio, encode_all, is_missing_row, unit_rows
from encoders.logmel import (
    DIM,
    BackgroundWhitening,
    compute_logmel_statistics,
    is_audible,
    logmel,
    resample,
    split_windows,
)
from experiments.background import COLLECTIONS, DAMPED_DIRECTIONS, decode_audio, fit_background, main

RATE = 22050


def cosine(left, right):
    return float((unit_rows(left[None]) @ unit_rows(right[None]).T)[0, 0])


def chirps(seconds=2.0, rate=RATE, seed=0, level=0.3):
    """Noise that comes and goes, with a rising tone in it."""
    t = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.2, len(t))
    made = (noise + np.sin(2 * np.pi * (300 + 400 * t) * t)) * (1 + np.sin(8 * t)) * level
    return Audio(samples=made.astype(np.float32), sample_rate=rate)


@pytest.fixture(scope="module")
def encoder():
    return logmel()


def test_rows_are_what_the_card_says(encoder):
    rows = encode_all(encoder, [chirps(), chirps(seed=1)])
    assert rows.shape == (2, DIM) == (2, encoder.card.dim) and not is_missing_row(rows).any()
    assert encoder.card.sha256 and encoder.encode([]).shape == (0, DIM)


@pytest.mark.parametrize("gain", [0.01, 0.2, 3.0])
def test_gain_does_not_change_the_row(encoder, gain):
    sound = chirps()
    louder = Audio(samples=sound.samples * np.float32(gain), sample_rate=RATE)
    assert np.allclose(*encoder.encode([sound, louder]), atol=1e-2)


def test_the_batch_does_not_change_the_row(encoder):
    sounds = [chirps(seed=i, seconds=1 + i) for i in range(3)]
    assert np.allclose(encoder.encode(sounds), encode_all(encoder, sounds, batch_size=1), atol=1e-4)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(RATE),
        np.full(RATE, 0.5),
        np.random.default_rng(0).normal(0, 1e-4, RATE),
        np.full(RATE, np.nan),
        np.random.default_rng(0).normal(0, 0.3, RATE // 50),
    ],
    ids=["empty", "zeros", "constant", "under -70 dBFS", "nan", "20 ms"],
)
def test_silence_is_missing_not_zero(encoder, samples):
    silence = Audio(samples=samples.astype(np.float32), sample_rate=RATE)
    assert is_missing_row(encoder.encode([chirps(), silence])).tolist() == [False, True]


@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.5])
def test_short_windows_work(encoder, seconds):
    assert not is_missing_row(encoder.encode([chirps(seconds=seconds)])).any()


@pytest.mark.parametrize("rate", [16000, 32000, 44100, 48000])
def test_the_rate_of_a_recording_hardly_matters(encoder, rate):
    sound = chirps(rate=48000)
    again = Audio(samples=resample(sound, rate), sample_rate=rate)
    assert cosine(*encoder.encode([sound, again])) > 0.98


def test_an_odd_rate_is_rounded_not_expanded():
    assert len(resample(chirps(seconds=1, rate=11127), 16000)) == pytest.approx(16000, rel=2e-3)


def test_same_kind_is_nearer_than_other_kind(encoder):
    noise = Audio(
        samples=np.random.default_rng(5).normal(0, 0.1, 2 * RATE).astype(np.float32), sample_rate=RATE
    )
    one, other, hiss = encoder.encode([chirps(seed=0), chirps(seed=1), noise])
    assert cosine(one, other) > 0.9 > 0.5 > cosine(one, hiss)


def test_padding_with_silence_keeps_the_bands():
    sound = chirps()
    padded = Audio(samples=np.pad(sound.samples, (0, RATE)), sample_rate=RATE)
    bands = slice(0, 64)  # means while it sounds
    assert np.allclose(
        compute_logmel_statistics(sound)[bands], compute_logmel_statistics(padded)[bands], atol=0.5
    )


@pytest.mark.parametrize("name", ["aac", "ac3", "aif", "mp3", "ogg", "opus", "wv"])
def test_lossy_copies_give_the_same_row(encoder, name):
    folder = Path(pytest.importorskip("iscc_samples").__file__).parent / "files" / "audio"
    rows = encoder.encode([decode_audio(folder / "demo.wav"), decode_audio(folder / f"demo.{name}")])
    assert cosine(*rows) > 0.98


def test_windows_cover_all_but_a_short_tail():
    samples = np.arange(26, dtype=np.float32)
    assert [len(w) for w in split_windows(samples, 10)] == [10, 10, 6]
    assert [len(w) for w in split_windows(samples[:25], 10)] == [10, 10]
    assert [len(w) for w in split_windows(samples[:2], 10)] == [2]


def test_damping_shrinks_what_all_rows_share():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(400, 40)) + 5 * rng.normal(size=(400, 1)) + 7).astype(np.float32)
    background = BackgroundWhitening(**fit_background([rows]))
    assert background.directions.shape == (DAMPED_DIRECTIONS, 40) and (background.gain < 1.06).all()
    made = background.whiten(rows)
    before, after = np.linalg.eigvalsh(np.corrcoef(rows.T))[-1], np.linalg.eigvalsh(np.cov(made.T))[-1]
    assert np.abs(made.mean(axis=0)).max() < 1e-3
    assert after == pytest.approx(before * 0.9 / (0.1 * before + 0.9), rel=0.01)


TABLES = {
    "animal_sounds": ("labels.csv", "{file}"),
    "ravdess_speech": ("labels.csv", "audio/{clip}.ogg"),
    "vgmidi": ("piece_va.csv", "audio/{clip}.ogg"),
    "sonicpi_samples_cc0": ("samples.csv", "ogg/{name}.ogg"),
}
COLUMNS = (
    "file", "clip", "name", "folder", "emotion", "actor", "midi", "valence_first15s", "arousal_first15s",
)  # fmt: skip


def test_the_command_reads_training_clips_alone(tmp_path):
    for number, name in enumerate(COLLECTIONS):
        table, pattern = TABLES[name]
        rows = [dict.fromkeys(COLUMNS, f"{n}") | {"split": "train"} for n in range(3)]
        for row in rows:
            save_wav(tmp_path / name / pattern.format(**row), chirps(seed=number * 3 + int(row["clip"])))
        rows.append(dict.fromkeys(COLUMNS, "9") | {"split": "dev"})
        with (tmp_path / name / table).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    done = CliRunner().invoke(main, ["--data", str(tmp_path), "--out", str(tmp_path / "made.safetensors")])
    assert done.exit_code == 0, done.output
    made = BackgroundWhitening(**load_file(tmp_path / "made.safetensors"))
    assert made.mean.shape == (DIM,) and made.directions.shape == (DAMPED_DIRECTIONS, DIM)
    assert np.allclose(made.directions @ made.directions.T, np.eye(DAMPED_DIRECTIONS), atol=1e-4)


def save_wav(path, sound):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, sound.sample_rate, 0, "NONE", ""))
        file.writeframes((sound.samples * 16000).astype("<i2").tobytes())


@pytest.mark.data
@pytest.mark.slow
def test_finds_the_same_animal(encoder):
    table = require_data("animal_sounds") / "animal_sounds" / "labels.csv"
    clips = [row for row in csv.DictReader(table.open()) if row["split"] == "dev"]
    animal = np.array([row["folder"].split("-")[0] for row in clips])
    sounds = [decode_audio(table.parent / row["file"]) for row in clips]
    assert all(is_audible(sound) for sound in sounds)
    rows = unit_rows(encoder.encode(sounds))
    near = np.argsort(-(rows @ rows.T - 9 * np.eye(len(rows))), axis=1)[:, :10]
    assert (animal[near] == animal[:, None]).mean() > 0.58  # measured .604; raw statistics .568


def test_listing_imports_no_torch():
    modules = "audio_nets, video_nets, torchvision_nets, clip_clap, dual_encoders, weights"
    code = f"import sys, encoders.logmel; from encoders.hub import {modules}"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
