"""Measure what sound is like in general, for encoders/logmel.py: python -m experiments.background --data DIR.

Every collection weighs the same, however many clips it has; only clips whose split is `train` are read,
except from a collection that has no split.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from encoders.base import Audio
from encoders.logmel import SAMPLE_RATE_HZ, Array, compute_logmel_statistics, is_audible
from encoders.media import Sampling, probe, read_segments

COLLECTION_TABLES = {
    "animal_sounds": ("labels.csv", "{file}"),
    "ravdess_speech": ("labels.csv", "audio/{clip}.ogg"),
    "vgmidi": ("piece_va.csv", "audio/{clip}.ogg"),
    "sonicpi_samples_cc0": ("samples.csv", "ogg/{name}.ogg"),
}
DAMPED_DIRECTIONS = 32  # the rest of the covariance has eigenvalues under 1: damping leaves those alone
COVARIANCE_WEIGHT = (
    0.1  # weight of the measured covariance; 1 is full whitening, which makes codec noise loud
)


def decode_audio(path: Path) -> Audio:
    """The whole file as mono sound at the rate the statistics want."""
    parts = [
        segment.audio
        for segment in read_segments(path, probe(path), Sampling(sample_rate=SAMPLE_RATE_HZ))
        if segment.audio
    ]
    return Audio(samples=np.concatenate([part.samples for part in parts]), sample_rate=SAMPLE_RATE_HZ)


def list_training_clips(data_root: Path, collection: str) -> Iterator[Path]:
    """Paths of one collection's training clips."""
    table, pattern = COLLECTION_TABLES[collection]
    with (data_root / collection / table).open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            if row.get("split", "train") == "train":
                yield data_root / collection / pattern.format(**row)


def compute_statistics(data_root: Path, collection: str) -> Array:
    """Statistics (n, 329) of one collection's audible training clips."""
    sounds = (decode_audio(path) for path in list_training_clips(data_root, collection))
    return np.stack([compute_logmel_statistics(sound) for sound in sounds if is_audible(sound)])


def fit_background(statistics_by_collection: list[Array]) -> dict[str, Array]:
    """The fields of `encoders.logmel.BackgroundWhitening`, from one (n_i, d) array a collection."""
    rows = np.concatenate(statistics_by_collection).astype(np.float64)
    weight = np.concatenate([np.full(len(c), 1 / len(c)) for c in statistics_by_collection]) / len(
        statistics_by_collection
    )
    mean = weight @ rows
    scale = np.sqrt(weight @ (rows - mean) ** 2)
    directions, gain = compute_damping((rows - mean) / scale, weight)
    found = {"mean": mean, "scale": scale, "directions": directions, "gain": gain}
    return {key: np.ascontiguousarray(value, np.float32) for key, value in found.items()}


def compute_damping(
    features: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The strongest directions (k, d) of standardised rows and the gain (k,) that damps each."""
    power, vectors = np.linalg.eigh((features * weights[:, None]).T @ features)
    shrunk = COVARIANCE_WEIGHT * power[-DAMPED_DIRECTIONS:] + (1 - COVARIANCE_WEIGHT)
    return vectors.T[-DAMPED_DIRECTIONS:], np.sqrt((1 - COVARIANCE_WEIGHT) / shrunk)


def main(argv: list[str] | None = None) -> None:
    """Command line. Nothing is drawn at random: the same data give the same file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the sound collections")
    parser.add_argument("--out", type=Path, default=Path("encoders/weights/logmel-background.safetensors"))
    args = parser.parse_args(argv)
    collections = [compute_statistics(args.data, name) for name in COLLECTION_TABLES]
    for name, rows in zip(COLLECTION_TABLES, collections, strict=True):
        print(f"{name}\t{len(rows)} clips")
    save_file(fit_background(collections), args.out)


if __name__ == "__main__":
    main()
