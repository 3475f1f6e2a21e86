"""Loaders of labelled and captioned media: plain frozen records, read where they lie, nothing copied."""

from experiments.datasets.records import (
    DATA_ROOT,
    CaptionDataset,
    DatasetItem,
    LabelledFile,
    QueryRule,
    RatedFile,
    hold_out_split,
    read_table,
    sample_captions,
    split_by_group,
)
from experiments.datasets.registry import (
    load_animal_sounds,
    load_flickr1k,
    load_named_dataset,
    load_oasis,
    load_vgmidi,
)
from experiments.datasets.stored_features import JEMC_LAYOUT, read_features, read_jemc_features

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
    "split_by_group",
]
