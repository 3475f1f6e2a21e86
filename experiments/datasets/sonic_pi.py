"""Sonic Pi's samples (CC0): short sounds of drums, guitars, synthesisers and the like."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import list_ogg_files

FOLDER = "sonicpi_samples_cc0"


def list_sonic_pi_samples(data_root: Path = DATA_ROOT) -> list[Path]:
    """Files of the samples, by name. Raises AffectError where there is none."""
    return list_ogg_files(data_root / FOLDER / "ogg")
