"""Short sounds of things by the word for each, from Debian packages: to choose on, never to train on."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import CaptionDataset, LabelledFile, make_caption_dataset, read_table

FOLDER = "sounds_by_word"


def load_sounds_by_word(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """Sounds with a word each, split "dev". Raises AffectError where the table is missing."""
    folder = data_root / FOLDER
    return [
        LabelledFile(path=folder / "audio" / row["file"], labels=(row["word"],), split="dev")
        for row in read_table(folder / "labels.csv")
    ]


def load_sounds_by_word_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """The sounds as a set for retrieval by "the sound of a ..."."""
    return make_caption_dataset("sounds_by_word", load_sounds_by_word(data_root), "label")
