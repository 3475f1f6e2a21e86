"""Losses of joint and of shared models over tables of pairs."""

import copy

import numpy as np
import pytest
import torch
from joint_models import DIM, batch, joint, material, shaken, total

from losses import LOSSES
from spaces.joint.towers import Projection, SentenceTower, SharedModel


def shared(data):
    torch.manual_seed(0)
    apart = {role: Projection({role: width}, DIM) for role, width in data.feature_dims.items()}
    model = SharedModel(apart, SentenceTower(4, DIM))
    model.fit_standardisation(data)
    return shaken(model).eval()


def test_the_cost_is_of_all_pairs_and_knows_which_are_of_one_item():
    data = material()
    model = joint(data)
    seen = []
    cost = model.compute_loss(batch(data, [0, 5, 12, 7]), lambda *given: seen.extend(given) or given[0].sum())
    table, same = seen
    want = model.encode_media(data)[[0, 5, 0, 7]] @ model.encode_texts(data.text_tensor[[0, 5, 12, 7]]).T
    np.testing.assert_allclose(table.detach().numpy(), want, atol=1e-6)
    assert cost.item() == pytest.approx(want.sum(), abs=1e-5)
    assert same.nonzero().tolist() == [[0, 0], [0, 2], [1, 1], [2, 0], [2, 2], [3, 3]]


def test_all_items_missing_gives_finite_gradients():
    data = material()
    model = joint(data)
    torch.nn.init.zeros_(model.media.bias)  # as they begin: the rows of missing items have length 0
    for way in model.media.input_layers.values():
        torch.nn.init.zeros_(way.absent)
    LOSSES["vse++"]()(model.media(batch(data, [3, 15]).features) @ torch.ones(DIM, 2)).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.media.parameters())


def test_shared_sees_pairs_of_what_is_there():
    """Texts meet objects, then objects meet sound; each table holds those that have both sides."""
    data = material()
    model = shared(data)
    seen = []
    model.compute_loss(
        batch(data, [0, 1, 2, 3, 4, 5, 12]), lambda *given: seen.append(given) or given[0].sum()
    )
    (first, same), (second, same_too) = seen
    objects = model.projections["objects"].to_tower()({"objects": data.features["objects"]})
    sound = model.projections["sound"].to_tower()({"sound": data.features["sound"]})
    texts = model.encode_texts(data.text_tensor[[0, 2, 5, 12]])
    np.testing.assert_allclose(first.detach().numpy(), objects[[0, 2, 5, 0]] @ texts.T, atol=1e-6)
    np.testing.assert_allclose(second.detach().numpy(), objects[[0, 5, 0]] @ sound[[0, 5, 0]].T, atol=1e-6)
    assert same.nonzero().tolist() == [[0, 0], [0, 3], [1, 1], [2, 2], [3, 0], [3, 3]]
    assert same_too.nonzero().tolist() == [[0, 0], [0, 2], [1, 1], [2, 0], [2, 2]]


def slopes(model, data, texts):
    model = copy.deepcopy(model)
    model.compute_loss(batch(data, texts), total).backward()
    return {
        name: torch.zeros_like(weight) if weight.grad is None else weight.grad
        for name, weight in model.named_parameters()
    }


@pytest.mark.parametrize(
    ("texts", "moved"),
    [
        ([0, 5, 6], {"media.objects", "media.sound", "text"}),
        ([2, 14], {"media.objects", "text"}),  # item 2 has no sound
        ([1, 13], set()),  # item 1 has sound, but nothing that words could be drawn to
        ([3, 15], set()),
    ],
)
def test_shared_roles_that_are_missing_take_no_part(texts, moved):
    data = material()
    found = slopes(shared(data), data, texts)
    assert all(torch.isfinite(slope).all() for slope in found.values())
    active = {name for name, slope in found.items() if (slope != 0).any()}
    assert {part for part in ("media.objects", "media.sound", "text") if any(part in n for n in active)} == (
        moved
    )
    assert not [name for name in active if name.endswith("absent")]


@pytest.mark.parametrize("name", LOSSES)
def test_shared_learns_nothing_from_batches_without_the_first_role(name):
    data = material()
    model = shared(data)
    cost = model.compute_loss(batch(data, [1, 13, 3]), LOSSES[name]())
    cost.backward()
    assert cost.item() == 0
    assert all(weight.grad is None or not weight.grad.any() for weight in model.parameters())


def test_shared_missing_pairs_change_nothing_for_the_others():
    data = material()
    model = shared(data)
    with_holes, without = slopes(model, data, [0, 1, 3, 5, 6]), slopes(model, data, [0, 5, 6])
    for name, slope in without.items():
        assert torch.allclose(with_holes[name], slope, atol=1e-6)


def test_shared_rows_are_the_mean_of_the_roles_that_speak():
    data = material()
    model = shared(data)
    rows = model.encode_media(data)
    apart = {role: way.to_tower()({role: data.features[role]}) for role, way in model.projections.items()}
    np.testing.assert_allclose(rows[1], apart["sound"][1], atol=1e-6)
    np.testing.assert_allclose(rows[2], apart["objects"][2], atol=1e-6)
    np.testing.assert_allclose(rows[4], apart["sound"][4], atol=1e-6)
    mean = apart["objects"][0] + apart["sound"][0]
    np.testing.assert_allclose(rows[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.isnan(rows).all(1).tolist() == [item == 3 for item in range(12)]
