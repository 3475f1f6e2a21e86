"""Loaders of labelled and captioned media: plain frozen records, read where they lie, nothing copied."""

from experiments.datasets.records import (
    DATA_ROOT,
    CaptionDataset,
    DatasetItem,
    LabelledFile,
    RatedFile,
    QueryRule,
    hold_out_split,
    sample_captions,
    split_by_group,
    read_table,
)
from experiments.datasets.registry import load_animal_sounds, load_flickr1k, load_named_dataset, load_oasis, load_vgmidi
from experiments.datasets.stored_features import JEMC_LAYOUT, read_features, read_jemc_features

__all__ = [
    "DATA_ROOT",
    "JEMC_LAYOUT",
    "CaptionDataset",
    "DatasetItem",
    "LabelledFile",
    "RatedFile",
    "QueryRule",
    "load_animal_sounds",
    "hold_out_split",
    "sample_captions",
    "load_flickr1k",
    "split_by_group",
    "load_named_dataset",
    "load_oasis",
    "read_features",
    "read_jemc_features",
    "read_table",
    "load_vgmidi",
]
