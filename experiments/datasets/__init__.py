"""Loaders of labelled and captioned media: plain frozen records, read where they lie, nothing copied."""

from experiments.datasets.records import (
    DATA,
    Captioned,
    Item,
    Labelled,
    Rated,
    Rule,
    carved,
    drawn,
    grouped_split,
    table,
)
from experiments.datasets.registry import animal_sounds, flickr1k, named, oasis, vgmidi
from experiments.datasets.stored_features import JEMC, read_features, read_jemc

__all__ = [
    "DATA",
    "JEMC",
    "Captioned",
    "Item",
    "Labelled",
    "Rated",
    "Rule",
    "animal_sounds",
    "carved",
    "drawn",
    "flickr1k",
    "grouped_split",
    "named",
    "oasis",
    "read_features",
    "read_jemc",
    "table",
    "vgmidi",
]
