"""Sonic Pi's samples (CC0): short sounds of drums, guitars, synthesisers and the like."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import LabelledFile, list_ogg_files

FOLDER = "sonicpi_samples_cc0"


def load_sonic_pi_samples(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """The samples by name, each labelled with it. The set has no split: all are in train.

    Raises AffectError where there is none.
    """
    return [
        LabelledFile(path=path, labels=(path.stem,), split="train")
        for path in list_ogg_files(data_root / FOLDER / "ogg")
    ]
