"""Loaders of labelled and captioned media: one module a corpus, plain frozen records, files not copied."""

from experiments.datasets.animal_sounds import load_animal_sounds
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.flickr1k import load_flickr1k
from experiments.datasets.oasis import load_oasis
from experiments.datasets.records import (
    CaptionDataset,
    DatasetItem,
    LabelledFile,
    QueryRule,
    RatedFile,
    read_table,
)
from experiments.datasets.registry import load_named_dataset
from experiments.datasets.resplitting import hold_out_split, sample_captions
from experiments.datasets.stored_features import JEMC_LAYOUT, read_features, read_jemc_features
from experiments.datasets.vgmidi import load_vgmidi

__all__ = [
    "DATA_ROOT",
    "JEMC_LAYOUT",
    "CaptionDataset",
    "DatasetItem",
    "LabelledFile",
    "QueryRule",
    "RatedFile",
    "hold_out_split",
    "load_animal_sounds",
    "load_flickr1k",
    "load_named_dataset",
    "load_oasis",
    "load_vgmidi",
    "read_features",
    "read_jemc_features",
    "read_table",
    "sample_captions",
]
