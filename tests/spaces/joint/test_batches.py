"""How texts and items are drawn into batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_runs import SHORT, training, world

from spaces.joint.towers import JointModel, Projection, SentenceTower
from spaces.joint.training_set import TrainingSet


class Watched(JointModel):
    """Remembers the first columns of every batch's texts and, over the roles that are there, items."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.batches = []

    def compute_loss(self, batch, loss):
        items = torch.stack([rows[:, 0] for rows, _ in batch.features.values()]).amax(0)
        self.batches.append((batch.texts[:, 0].int().tolist(), items.int().tolist()))
        return super().compute_loss(batch, loss)


def watched(data, schedule, **more):
    """The batches of a run, epoch by epoch: numbers of texts, numbers of items."""
    data = TrainingSet(
        features={role: numbered(rows) for role, rows in data.features.items()},
        texts=numbered(data.texts),
        item_by_text=data.item_by_text,
    )
    torch.manual_seed(0)
    model = Watched(Projection(data.feature_dims, 6), SentenceTower(6, 6))
    training(data, model, schedule=schedule, **more).run()
    each = len(model.batches) // schedule.epochs
    return [model.batches[start : start + each] for start in range(0, len(model.batches), each)]


def numbered(rows):
    """Rows that begin with their number."""
    return np.concatenate([np.arange(len(rows), dtype=np.float32)[:, None], rows[:, 1:]], axis=1)


def test_texts_are_drawn_once_an_epoch_each():
    data = world(10, texts_each=3)
    epochs = watched(data, replace(SHORT, batch=7))
    assert [[len(texts) for texts, _ in epoch] for epoch in epochs] == [[7, 7, 7, 7, 2]] * 4
    for epoch in epochs:
        texts = [text for drawn, _ in epoch for text in drawn]
        assert sorted(texts) == list(range(30)) and texts != sorted(texts)
        assert [item for _, items in epoch for item in items] == [data.item_by_text[text] for text in texts]
    assert epochs[0] != epochs[1]


def test_items_are_drawn_once_an_epoch_each_with_one_of_their_texts():
    data = world(10, texts_each=3)
    epochs = watched(data, replace(SHORT, batch=4, epochs=20, draw="items"))
    drawn = set()
    for epoch in epochs:
        assert [len(items) for _, items in epoch] == [4, 4, 2]
        items = [item for _, items in epoch for item in items]
        texts = [text for texts, _ in epoch for text in texts]
        assert sorted(items) == list(range(10)) and items != sorted(items)
        assert items == [data.item_by_text[text] for text in texts]
        drawn.update(texts)
    assert drawn == set(range(30))


def test_a_last_batch_of_one_is_left_out():
    epochs = watched(world(5, texts_each=3), replace(SHORT, batch=7))
    assert [[len(texts) for texts, _ in epoch] for epoch in epochs] == [[7, 7]] * 4


@pytest.mark.parametrize("draw", ["texts", "items"])
def test_items_that_say_nothing_and_texts_that_are_missing_are_left_out(draw):
    data = world(10, texts_each=3)
    data.features["objects"][[2, 5]] = np.nan
    data.features["sound"][[2, 6]] = np.nan
    data.texts[[0, 10, 27, 28, 29], 3] = np.nan
    out = {0, 6, 7, 8, 10, 27, 28, 29}
    assert set(data.usable_texts.tolist()) == set(range(30)) - out
    for epoch in watched(data, replace(SHORT, draw=draw)):
        texts = [text for texts, _ in epoch for text in texts]
        assert not out & set(texts)
        assert {data.item_by_text[text] for text in texts} == {0, 1, 3, 4, 5, 6, 7, 8}


@pytest.mark.parametrize("draw", ["texts", "items"])
def test_nothing_to_train_on(draw):
    data = world(3)
    for items in ([], [1]):  # two texts of one item are no negatives of each other
        for rows in data.features.values():
            rows[[item for item in range(3) if item not in items]] = np.nan
        fresh = TrainingSet(features=data.features, texts=data.texts, item_by_text=data.item_by_text)
        with pytest.raises(ValueError, match="nothing to train on"):
            training(fresh, schedule=replace(SHORT, draw=draw)).run()
        data = world(3)
