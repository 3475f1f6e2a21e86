"""Sets of items with their texts, and batches of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from joint_models import batch, material, normal

from spaces.joint.training_set import TrainingSet


def test_material_that_does_not_fit_is_refused():
    rows, texts = normal(3, 2), normal(4, 2)
    for media, owner in [
        ({"a": rows, "b": rows[:2]}, [0, 1, 2, 0]),
        ({}, [0, 0, 0, 0]),
        ({"a": rows}, [0, 1, 2]),
        ({"a": rows}, [0, 1, 2, 3]),
        ({"a": rows}, [0, 1, 2, -1]),
    ]:
        with pytest.raises(ValueError):
            TrainingSet(features=media, texts=texts, item_by_text=np.array(owner))


def test_part_of_the_material():
    data = material()
    part = data.select_items(np.array([5, 0, 3]))
    assert part.item_count == 3
    assert part.item_by_text.tolist() == [1, 2, 0, 1, 2, 0]
    np.testing.assert_array_equal(part.texts, data.texts[[0, 3, 5, 12, 15, 17]])
    np.testing.assert_array_equal(part.features["objects"], data.features["objects"][[5, 0, 3]])


def test_views_are_drawn_anew_each_time_and_by_seed():
    data = material(views=4, holes=False)
    texts = torch.arange(12).repeat(20)

    def drawn(seed):
        rows, there = data.make_batch(texts, torch.Generator().manual_seed(seed)).features["objects"]
        assert there.all()
        return rows.reshape(20, 12, -1)

    rows = drawn(0)
    assert torch.equal(rows, drawn(0)) and not torch.equal(rows, drawn(1))
    for item, known in enumerate(data.features["objects"]):
        assert set(map(tuple, rows[:, item].tolist())) == set(map(tuple, known.tolist()))


def test_items_of_one_kind_are_no_negatives_of_each_other():
    data = material(holes=False)
    kinds = np.arange(12) % 5
    alike = replace(data, classes=kinds)
    texts = [0, 5, 12, 7, 2]  # of items 0, 5, 0, 7, 2: kinds 0, 0, 0, 2, 2
    assert batch(data, texts).same_class.nonzero().tolist() == [
        [0, 0],
        [0, 2],
        [1, 1],
        [2, 0],
        [2, 2],
        [3, 3],
        [4, 4],
    ]
    same = batch(alike, texts).same_class
    assert same.tolist() == [[True] * 3 + [False] * 2] * 3 + [[False] * 3 + [True] * 2] * 2
    assert alike.select_items(np.array([7, 3])).class_ids.tolist() == [2, 3]
    assert alike.select_roles("sound").class_ids.tolist() == kinds.tolist()
    with pytest.raises(ValueError):
        replace(data, classes=kinds[:-1])
