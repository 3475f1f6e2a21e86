from collections import Counter

import numpy as np
import pytest
from repository import require_data

from experiments.datasets import hold_out_split, load_named_dataset, sample_captions
from experiments.datasets.msvd import load_msvd
from retrieval.evaluation.splits import split_by_group


@pytest.fixture
def data():
    return require_data()


@pytest.mark.data
def test_msvd(data):
    found = load_msvd(data)
    assert Counter(item.split for item in found.items) == {"train": 1200, "dev": 100, "test": 670}
    assert len(found.flatten_captions()[0]) == 80827
    test = found.select_splits("test")
    five = sample_captions(test, 5, seed=0)
    assert len(five.flatten_captions()[0]) == 670 * 5 and five == sample_captions(
        test, 5, seed=0
    ) != sample_captions(test, 5, seed=1)
    assert all(set(a.captions) <= set(b.captions) for a, b in zip(five.items, test.items, strict=True))


def test_groups_never_cross_and_shares_are_met():
    rng = np.random.default_rng(0)
    for seed in range(20):
        groups = rng.integers(0, 60, 500).tolist()
        split = split_by_group(groups, {"train": 0.7, "dev": 0.1, "test": 0.2}, seed)
        assert all(len({s for g, s in zip(groups, split, strict=True) if g == one}) == 1 for one in groups)
        counts = Counter(split.tolist())
        assert abs(counts["train"] - 350) < 20 and abs(counts["dev"] - 50) < 20
        assert (split == split_by_group(groups, {"train": 0.7, "dev": 0.1, "test": 0.2}, seed)).all()
    with pytest.raises(ValueError, match="groups can't fill"):
        split_by_group(["a", "a"], {"train": 1, "test": 1}, 0)
    with pytest.raises(ValueError, match="positive"):
        split_by_group(["a", "b"], {"train": -1, "test": 2}, 0)


def test_a_dev_part_is_carved_from_train_alone(tmp_path):
    rows = [f"{n}.jpg,x,{'test' if n > 79 else 'train'},{n // 4}" for n in range(100)]
    for n in range(100):
        (tmp_path / f"{n}.jpg").touch()
    (tmp_path / "captions.csv").write_text("\n".join(["media,caption,split,group", *rows]))
    before, after = (
        load_named_dataset(str(tmp_path)),
        hold_out_split(load_named_dataset(str(tmp_path)), 0.25, seed=3),
    )
    assert Counter(item.split for item in after.items) == {"train": 60, "dev": 20, "test": 20}
    assert after.select_splits("test").items == before.select_splits("test").items
    assert not {i.group for i in after.select_splits("dev").items} & {
        i.group for i in after.select_splits("train").items
    }
