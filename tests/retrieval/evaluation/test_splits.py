"""Splits by group: none is empty, and those of before stay as they were."""

import numpy as np
import pytest

from retrieval.evaluation import make_group_folds, split_by_group

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}


def split_greedily(groups, weights, seed):
    """The rule of 0.2: may leave a split empty."""
    members = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    remaining = {name: weight * len(groups) / sum(weights.values()) for name, weight in weights.items()}
    splits = np.empty(len(groups), f"U{max(map(len, weights))}")
    for index in np.random.default_rng(seed).permutation(len(members)):
        rows = list(members.values())[index]
        split = max(remaining, key=lambda name: remaining[name])
        splits[rows] = split
        remaining[split] -= len(rows)
    return splits


def draw_groups(rng):
    """Sizes from equal to very unequal, some with one group that has most items."""
    sizes = np.ceil(rng.lognormal(0, rng.choice([0, 0.5, 2]), rng.integers(3, 30))).astype(int)
    if rng.random() < 0.5:
        sizes[rng.integers(len(sizes))] += rng.integers(10, 1000)
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).tolist()


@pytest.mark.parametrize("weights", [SHARES, {"train": 9, "dev": 1}, {"a": 3, "b": 2, "c": 1}])
def test_no_split_is_empty_and_splits_that_had_none_empty_are_unchanged(weights):
    rng, repaired = np.random.default_rng(0), 0
    for seed in range(100):
        groups = draw_groups(rng)
        before, now = split_greedily(groups, weights, seed), split_by_group(groups, weights, seed)
        assert set(now.tolist()) == set(weights)
        if set(before.tolist()) == set(weights):
            assert now.tolist() == before.tolist() and now.dtype == before.dtype
        else:
            repaired += 1
            assert len(set(zip(groups, now.tolist(), strict=True))) == len(set(groups))  # groups are whole
            assert now.tolist() == split_by_group(groups, weights, seed).tolist()
    assert repaired > 1


def test_a_group_larger_than_its_split_goes_to_the_largest_split():
    groups = ["film"] * 1000 + ["a", "b"]
    for seed in range(10):
        split = split_by_group(groups, SHARES, seed)
        assert split[0] == "train" and sorted(split[1000:]) == ["dev", "test"]


def test_folds_are_never_empty():
    groups = ["film"] * 500 + list("abcd")
    for seed in range(20):
        folds = make_group_folds(groups, 5, seed)
        assert min(map(len, folds)) > 0
        assert sorted(np.concatenate(folds).tolist()) == list(range(len(groups)))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            ["a"] * 40 + ["b"] * 3,
            r"^2 groups can't fill 3 splits \(train, dev, test\); items in each: 40, 3; ",
        ),
        ([], r"^0 groups can't fill 3 splits"),
    ],
)
def test_too_few_groups_are_told_with_their_sizes(groups, message):
    with pytest.raises(ValueError, match=message) as told:
        split_by_group(groups, SHARES, 0)
    assert "name more groups, or fewer splits" in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}, {"a": float("nan")}, {"a": np.inf}])
def test_weights_must_be_positive_and_finite(weights):
    with pytest.raises(ValueError, match="positive"):
        split_by_group(["a", "b"], weights, 0)


def test_a_split_without_weight_gets_nothing():
    assert set(split_by_group(list("abcd"), {"train": 1, "dev": 0}, 0).tolist()) == {"train"}
