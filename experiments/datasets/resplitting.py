"""Data sets with other splits or fewer captions: a validation split held out, captions sampled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from experiments.datasets.records import CaptionDataset
from retrieval.evaluation import split_by_group


def hold_out_split(
    dataset: CaptionDataset, share: float, seed: int, *, source: str = "train", target: str = "dev"
) -> CaptionDataset:
    """The set with `share` of one split's items moved to another, whole groups at a time.

    For sets without a validation split, such as MSR-VTT 1k-A.
    """
    indices = [index for index, item in enumerate(dataset.items) if item.split == source]
    groups = dataset.groups
    shares = {source: 1 - share, target: share}
    new_splits = split_by_group([groups[index] for index in indices], shares, seed)
    split_by_index = dict(zip(indices, new_splits, strict=True))
    items = tuple(
        replace(item, split=str(split_by_index.get(index, item.split)))
        for index, item in enumerate(dataset.items)
    )
    return replace(
        dataset, items=items, notes=(*dataset.notes, f"{target}: {share:.0%} of {source}, seed {seed}")
    )


def sample_captions(dataset: CaptionDataset, count: int, seed: int) -> CaptionDataset:
    """The set with `count` captions an item drawn at random, in their order; JEMC's Table 2 takes 5 of MSVD.

    Items that have no more keep all.
    """
    rng = np.random.default_rng(seed)
    items = []
    for item in dataset.items:
        chosen = np.sort(rng.permutation(len(item.captions))[:count])
        items.append(replace(item, captions=tuple(item.captions[index] for index in chosen)))
    return replace(
        dataset, items=tuple(items), notes=(*dataset.notes, f"{count} captions an item, draw {seed}")
    )
