"""Splits of a data set."""

from dataclasses import replace

import pytest

from encoders.base import AffectError
from experiments.ablation.data_preparation import check_captions, ensure_splits, make_audio_pipelines
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
    with pytest.raises(AffectError, match="too few"):
        ensure_splits(items(["train"] * 2), 0.1)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (["train"] * 2, "2 items in 1 groups are too few"),
        (["train"] * 4 + ["dev"] * 2 + ["test"], "1 item in its part test"),
        (["test"] * 4, "are too few"),
    ],
)
def test_sets_that_are_too_small_say_what_is_needed(splits, message):
    with pytest.raises(AffectError, match=f"{message}.*each need 2 items.*column split"):
        check_captions(ensure_splits(items(splits), 0.1))


def test_parts_without_captions():
    data = items(["train"] * 4 + ["dev"] * 2 + ["test"] * 2)
    bare = tuple(replace(item, captions=()) if item.split == "dev" else item for item in data.items)
    with pytest.raises(AffectError, match=r"no captions in its part dev; .* each need 2 items"):
        check_captions(replace(data, items=bare))


def test_audio_experts_encode_sound_and_media():
    (role, pipeline), = make_audio_pipelines(items(["train"]), ["toy-sound"]).items()  # fmt: skip
    assert role == "sound:toy-sound" and pipeline.media_roles == ("sound",)
    with pytest.raises(AffectError, match="reads frames"):
        make_audio_pipelines(items(["train"]), ["toy-frames"])
    with pytest.raises(AffectError, match="--features"):
        make_audio_pipelines(replace(items(["train"]), feature_sources={}), ["toy-sound"])
