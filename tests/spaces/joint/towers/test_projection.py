"""Projections of features into a joint space."""

import numpy as np
import pytest
import torch
from joint_models import DIM, WIDTHS, joint, material, normal, shaken
from torch.nn.functional import normalize

from spaces.joint.towers import InputLayer, Projection
from spaces.joint.training_set import TrainingSet


@pytest.mark.parametrize(("hidden", "power"), [((), 1.0), ((), 0.5), ((7,), 1.0), ((7, 4), 0.3)])
def test_numpy_towers_equal_the_modules(hidden, power):
    data = material()
    model = joint(data, hidden=hidden, dropout=0.5, power=power)
    member = model.to_tower_pair(weight=2.5)
    rows = model.encode_media(data)
    assert rows.dtype == np.float32
    assert np.isnan(rows).all(1).tolist() == [item == 3 for item in range(12)]
    np.testing.assert_allclose(member.media(data.features), rows, atol=1e-6)
    texts = data.texts.copy()
    texts[5, 1] = np.nan
    said = model.encode_texts(torch.from_numpy(texts))
    assert np.isnan(said).all(1).tolist() == [text == 5 for text in range(24)]
    np.testing.assert_allclose(member.text({"text": texts}), said, atol=1e-6)
    assert member.weight == 2.5
    silent = {**data.features, "sound": np.full_like(data.features["sound"], np.nan)}
    alone = member.media({"objects": data.features["objects"]})
    np.testing.assert_allclose(member.media(silent), alone, atol=1e-6)


def test_a_tower_is_a_copy():
    data = material()
    model = joint(data)
    tower = model.to_tower_pair().media
    before = tower(data.features)
    shaken(model, seed=1)
    np.testing.assert_array_equal(tower(data.features), before)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_projection_is_one_linear_map_of_all_standardised_columns_side_by_side(power):
    data = material(holes=False)
    model = joint(data, power=power)
    beside = np.concatenate([data.features[role] for role in WIDTHS], axis=1).astype(np.float64)
    beside = np.sign(beside) * np.abs(beside) ** power
    standard = (beside - beside.mean(0)) / beside.std(0)
    weight = np.concatenate([way.weight.detach().numpy() for way in model.media.input_layers.values()])
    want = standard @ weight + model.media.bias.detach().numpy()
    want /= np.linalg.norm(want, axis=1, keepdims=True)
    np.testing.assert_allclose(model.encode_media(data), want, atol=1e-6)


def test_what_stands_behind_a_missing_row_is_never_seen():
    data = material()
    model = joint(data)
    rows, there = {}, {}
    for role, (filled, here) in data.feature_tensors.items():
        assert (filled[~here] == 0).all()
        rows[role], there[role] = filled[:, 0], here[:, 0]
    before = model.media({role: (rows[role], there[role]) for role in rows})
    for role in rows:
        rows[role][~there[role]] = 1e6
    after = model.media({role: (rows[role], there[role]) for role in rows})
    assert torch.equal(before, after)
    bias, absent = model.media.bias, [way.absent for way in model.media.input_layers.values()]
    assert torch.allclose(after[3], normalize(bias + sum(absent), dim=0), atol=1e-6)


def test_statistics_ignore_missing_rows_and_see_every_view():
    data = material(views=3)
    data.features["sound"][5, 1] = np.nan  # one view of three
    model = joint(data)
    for role, way in model.media.input_layers.items():
        known = data.features[role].reshape(-1, WIDTHS[role])
        known = known[~np.isnan(known).any(1)].astype(np.float64)
        assert len(known) == {"objects": 27, "sound": 29}[role]
        np.testing.assert_allclose(way.mean.numpy(), known.mean(0), rtol=1e-5)
        np.testing.assert_allclose(way.scale.numpy(), known.std(0), rtol=1e-5)


def test_a_role_that_is_nowhere_keeps_finite_statistics():
    data = material(holes=False)
    data.features["sound"][:] = np.nan
    model = joint(data)
    way = model.media.input_layers["sound"]
    assert (way.mean == 0).all() and (way.scale == 1).all()
    assert np.isfinite(model.encode_media(data)).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1234.5])
def test_a_column_that_never_varied_does_not_drown_the_others_when_it_does(value):
    rows = torch.from_numpy(normal(1000, 3))
    rows[:, 1] = value
    way = InputLayer(3, DIM, 0.0)
    way.fit_standardisation(rows)
    other = rows[:1].clone()
    other[0, 1] += 0.5
    assert ((other - way.mean) / way.scale).abs().max() < 10


def test_only_the_first_view_is_judged():
    data = material(views=3, holes=False)
    first = TrainingSet(
        features={role: rows[:, 0] for role, rows in data.features.items()},
        texts=data.texts,
        item_by_text=data.item_by_text,
    )
    model = joint(data)
    np.testing.assert_array_equal(model.encode_media(data), model.encode_media(first))


def test_more_items_than_a_chunk():
    data = material(600, holes=False)
    model = joint(data)
    rows, texts = model.encode_media(data), model.encode_texts(data.text_tensor)
    assert rows.shape == (600, DIM) and texts.shape == (1200, DIM)
    last = data.select_items(np.arange(500, 600))
    np.testing.assert_allclose(rows[500:], model.encode_media(last), atol=1e-6)
    np.testing.assert_allclose(texts[[1199]], model.encode_texts(data.text_tensor[[1199]]), atol=1e-6)


def test_roles_the_model_does_not_read_do_not_count_as_something_said():
    data = material()
    model = joint(data.select_roles("objects"))
    both = model.encode_media(data)
    np.testing.assert_array_equal(both, model.encode_media(data.select_roles("objects")))
    assert np.isnan(both).all(1).nonzero()[0].tolist() == [1, 3, 4]


@pytest.mark.parametrize(
    "projection",
    [
        Projection({"objects": 5}, 4),
        Projection({"objects": 4, "sound": 4}, 4),
        Projection({"objects": 4}, 4, hidden_dims=[4]),
    ],
)
def test_not_every_projection_can_keep_angles(projection):
    with pytest.raises(ValueError):
        projection.init_orthogonal()
