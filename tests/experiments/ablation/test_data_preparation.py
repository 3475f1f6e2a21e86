"""Splits of a data set."""

import pytest

from encoders.base import AffectError
from experiments.ablation.data_preparation import ensure_splits
from experiments.datasets import CaptionDataset, DatasetItem


def items(splits):
    return CaptionDataset(
        name="set",
        items=tuple(
            DatasetItem(id=str(n), captions=("a",), split=split, group=f"g{n // 2}")
            for n, split in enumerate(splits)
        ),
    )


def test_dev_becomes_test_where_there_is_none():
    data = ensure_splits(items(["train"] * 40 + ["dev"] * 10), 0.1)
    split_by_id = {item.id: item.split for item in data.items}
    assert {split_by_id[str(n)] for n in range(40, 50)} == {"test"}
    assert sum(split == "dev" for split in split_by_id.values()) == 4
    assert all(split_by_id[str(n)] == split_by_id[str(n + 1)] for n in range(0, 40, 2))
    assert len(data.notes) == 2


def test_sets_without_splits_are_split():
    data = ensure_splits(items(["train"] * 40), 0.1)
    assert {item.split for item in data.items} == {"train", "dev", "test"}
    with pytest.raises(AffectError, match="too small"):
        ensure_splits(items(["train"] * 2), 0.1)
