"""Estimates the mean sound that `encoders.logmel` subtracts: python -m experiments.background --data DIR.

Every collection weighs the same, however many clips it has; only clips whose split is `train` are read,
except from a collection that has no split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from encoders import Audio, write_safetensors
from encoders.logmel import SAMPLE_RATE_HZ, Array, compute_logmel_statistics, is_audible
from encoders.media import Sampling, probe, read_segments
from experiments.datasets.animal_sounds import load_animal_sounds
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.records import LabelledFile, RatedFile
from experiments.datasets.sonic_pi import load_sonic_pi_samples
from experiments.datasets.vgmidi import load_vgmidi
from experiments.experiment_command import ExperimentCommand

COLLECTIONS: dict[str, Callable[[Path], Iterable[LabelledFile | RatedFile]]] = {
    "animal_sounds": load_animal_sounds,
    "ravdess_speech": load_ravdess_speech,
    "vgmidi": load_vgmidi,
    "sonicpi_samples_cc0": load_sonic_pi_samples,
}
WEIGHTS_FILE = Path(str(files("encoders") / "weights" / "logmel-background.safetensors"))
DAMPED_DIRECTIONS = 32  # the rest of the covariance has eigenvalues under 1: damping leaves those alone
COVARIANCE_WEIGHT = 0.1  # of the estimated covariance; 1 is full whitening, which makes codec noise loud

Floats = npt.NDArray[np.float64]


def decode_audio(path: Path) -> Audio:
    """The whole file as mono audio at SAMPLE_RATE_HZ. Raises MediaError."""
    segments = read_segments(path, probe(path), Sampling(sample_rate=SAMPLE_RATE_HZ))
    parts = [segment.audio.samples for segment in segments if segment.audio]
    return Audio(samples=np.concatenate(parts), sample_rate=SAMPLE_RATE_HZ)


def list_training_clips(data_root: Path, collection: str) -> Iterator[Path]:
    """Paths of one collection's training clips."""
    return (clip.path for clip in COLLECTIONS[collection](data_root) if clip.split == "train")


def compute_statistics(data_root: Path, collection: str) -> Array:
    """Statistics (n, 329) of one collection's audible training clips."""
    clips = (decode_audio(path) for path in list_training_clips(data_root, collection))
    return np.stack([compute_logmel_statistics(audio) for audio in clips if is_audible(audio)])


def fit_background(statistics_by_collection: list[Array]) -> dict[str, Array]:
    """The fields of `encoders.logmel.BackgroundWhitening`, from one (n_i, d) array a collection."""
    rows = np.concatenate(statistics_by_collection).astype(np.float64)
    shares = [np.full(len(part), 1 / len(part)) for part in statistics_by_collection]
    weights = np.concatenate(shares) / len(statistics_by_collection)
    mean = weights @ rows
    scale = np.sqrt(weights @ (rows - mean) ** 2)
    directions, gain = compute_damping((rows - mean) / scale, weights)
    tensors = {"mean": mean, "scale": scale, "directions": directions, "gain": gain}
    return {name: np.ascontiguousarray(values, np.float32) for name, values in tensors.items()}


def compute_damping(features: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The strongest directions (k, d) of standardised rows and the gain (k,) that damps each."""
    power, vectors = np.linalg.eigh((features * weights[:, None]).T @ features)
    shrunk = COVARIANCE_WEIGHT * power[-DAMPED_DIRECTIONS:] + (1 - COVARIANCE_WEIGHT)
    return vectors.T[-DAMPED_DIRECTIONS:], np.sqrt((1 - COVARIANCE_WEIGHT) / shrunk)


@click.command("background", cls=ExperimentCommand, help=__doc__)
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder with the sound collections."
)
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS_FILE)
def main(data: Path, out: Path) -> None:
    """Write the background. Nothing is random: the same data give the same file."""
    statistics = [compute_statistics(data, name) for name in COLLECTIONS]
    for name, rows in zip(COLLECTIONS, statistics, strict=True):
        click.echo(f"{name}\t{len(rows)} clips")
    write_safetensors(out, fit_background(statistics))


if __name__ == "__main__":
    main()
