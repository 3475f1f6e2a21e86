"""flickr1k: 800 photos of Flickr8k with five captions each (Hodosh, Young & Hockenmaier 2013)."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import CaptionDataset, LabelledFile, make_caption_dataset, read_table

FOLDER = "flickr1k"


def load_flickr1k(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """Photos labelled with their captions. Raises AffectError where the table is missing."""
    captions: dict[str, list[str]] = {}
    splits = {}
    for row in read_table(data_root / FOLDER / "captions.csv"):
        captions.setdefault(row["image"], []).append(row["caption"])
        splits[row["image"]] = row["split"]
    return [
        LabelledFile(path=data_root / FOLDER / "images" / name, labels=tuple(texts), split=splits[name])
        for name, texts in captions.items()
    ]


def load_flickr1k_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """The photos for caption retrieval."""
    return make_caption_dataset("flickr1k", load_flickr1k(data_root), "every")
