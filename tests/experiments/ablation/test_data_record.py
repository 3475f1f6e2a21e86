"""What results say of their data."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ablation_factory import make_data

from encoders.base import AffectError
from experiments.ablation.data_record import (
    check_out_folder,
    compute_hashes,
    count_missing_features,
    describe_missing_features,
)
from experiments.ablation.space_spec import make_audio_role
from experiments.datasets import CaptionDataset, DatasetItem


@pytest.fixture
def dataset():
    return CaptionDataset(name="set", items=(DatasetItem(id="a", captions=("x", "y"), split="train"),))


def test_missing_features_are_counted_by_role_and_split():
    data = make_data()  # every seventh item is silent
    counts = count_missing_features(data)
    assert set(counts) == {"sound"} and sum(counts["sound"].values()) == 8
    (note,) = describe_missing_features(data)
    assert note.startswith(f"without features of audio: {counts['sound']['train']} of 30 train items, ")
    silent = replace(data, features={**data.features, "sound": np.full((50, 3), np.nan, np.float32)})
    assert count_missing_features(silent) == {}


def test_hashes_follow_captions_and_features(dataset):
    data = make_data()
    hashes = compute_hashes(dataset, data)
    (item,) = dataset.items
    for changed in ({"captions": ("x", "z")}, {"split": "dev"}, {"group": "g"}, {"id": "b"}):
        other = compute_hashes(replace(dataset, items=(replace(item, **changed),)), data)
        assert other["captions"] != hashes["captions"] and other["features"] == hashes["features"]
    louder = replace(data, features={**data.features, "sound": data.features["sound"] * 2})
    other = compute_hashes(dataset, louder)["features"]
    assert other["objects"] == hashes["features"]["objects"] and other["sound"] != hashes["features"]["sound"]


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ('{"hashes": {"captions": "other", "features": {}}}', "is of other data; .*--out"),
        ('{"hashes": {"captions": "c", "features": {"objects": "g"}}}', "of other features of the same"),
        ('{"data": "old"}', "does not say of which data"),
        ("[]", "does not say of which data"),
        ("{", "does not say of which data"),
    ],
)
def test_results_of_other_data_are_kept(tmp_path, stored, message):
    hashes = {"captions": "c", "features": {"objects": "f"}}
    check_out_folder(tmp_path, hashes)
    (tmp_path / "results.json").write_text(json.dumps({"hashes": hashes}))
    check_out_folder(tmp_path, hashes)
    (tmp_path / "results.json").write_text(stored)
    with pytest.raises(AffectError, match=message) as told:
        check_out_folder(tmp_path, hashes)
    assert "\n" not in str(told.value)


def test_a_further_audio_expert_adds_rows_to_the_same_results(tmp_path):
    more = {"captions": "c", "features": {"objects": "f", make_audio_role("soundnet"): "s"}}
    for stored, hashes in ((more, {"captions": "c", "features": {"objects": "f"}}), (more, more)):
        for one, other in ((stored, hashes), (hashes, stored)):
            (tmp_path / "results.json").write_text(json.dumps({"hashes": one}))
            check_out_folder(tmp_path, other)
    other = {"captions": "c", "features": {"objects": "f", make_audio_role("soundnet"): "t"}}
    with pytest.raises(AffectError, match="other features"):
        check_out_folder(tmp_path, other)
