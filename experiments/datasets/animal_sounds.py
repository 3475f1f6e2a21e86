"""Clips of animals (github.com/YashNita/Animal-Sound-Dataset)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import CaptionDataset, LabelledFile, make_caption_dataset, read_table

FOLDER = "animal_sounds"
ENGLISH_ANIMAL_NAMES = {
    "Kedi": "cat", "Kopek": "dog", "Kus": "bird", "Inek": "cow", "Aslan": "lion", "Koyun": "sheep",
    "Kurbaga": "frog", "Tavuk": "chicken", "Esek": "donkey", "Maymun": "monkey",
}  # fmt: skip


def load_animal_sounds(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """Clips with the animal's Turkish name; parts of a class ("Kus-Part1") are joined.

    Raises AffectError where the table is missing.
    """
    folder = data_root / FOLDER
    return [
        LabelledFile(path=folder / row["file"], labels=(row["folder"].split("-")[0],), split=row["split"])
        for row in read_table(folder / "labels.csv")
    ]


def load_animal_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """The clips by the English word for the animal."""
    clips = [
        replace(clip, labels=(ENGLISH_ANIMAL_NAMES[clip.labels[0]],))
        for clip in load_animal_sounds(data_root)
    ]
    return make_caption_dataset("animal_sounds", clips, "label")
