"""Loaders of labelled media: plain records with a split each; nothing is copied or written."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from encoders.base import AffectError

DATA = Path("../shared/data")


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A file, what it is labelled with (one label, or several captions), and its part of the set."""

    path: Path
    labels: tuple[str, ...]
    split: str


def table(file: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header. Raises AffectError if it is not there."""
    if not file.exists():
        raise AffectError(f"{file}: not here; name the folder of the data sets with --data")
    with file.open(newline="", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def flickr1k(data: Path = DATA) -> list[Labelled]:
    """Photos with five captions each (Hodosh et al. 2013)."""
    captions: dict[str, list[str]] = {}
    splits = {}
    for row in table(data / "flickr1k" / "captions.csv"):
        captions.setdefault(row["image"], []).append(row["caption"])
        splits[row["image"]] = row["split"]
    return [
        Labelled(path=data / "flickr1k" / "images" / name, labels=tuple(said), split=splits[name])
        for name, said in captions.items()
    ]


def oasis(data: Path = DATA) -> list[Labelled]:
    """Photos with their theme, such as "Lake" (Kurdi, Lozano & Banaji 2017)."""
    return _labelled(data / "oasis", "oasis.csv", "theme_base")


def animal_sounds(data: Path = DATA) -> list[Labelled]:
    """Clips with the animal that is heard; the source's folders come in parts, which are one class."""
    found = _labelled(data / "animal_sounds", "labels.csv", "folder")
    return [Labelled(path=one.path, labels=(one.labels[0].split("-")[0],), split=one.split) for one in found]


def _labelled(folder: Path, file: str, column: str) -> list[Labelled]:
    return [
        Labelled(path=folder / row["file"], labels=(row[column],), split=row["split"])
        for row in table(folder / file)
    ]
