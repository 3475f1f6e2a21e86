import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from losses import LOSSES
from spaces.joint.towers import GRUTower, InputLayer, JointModel, Projection, SentenceTower, SharedModel
from spaces.joint.training_set import TrainingSet

WIDTHS = {"objects": 6, "sound": 3}
DIM = 5


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def material(items=12, *, views=0, holes=True, seed=0):
    """Two texts an item; with holes, 1 has no objects, 2 no sound, 3 neither, 4 one NaN in its objects."""
    extra = (views,) if views else ()
    media = {role: 3 + 2 * normal(items, *extra, width, seed=seed + width) for role, width in WIDTHS.items()}
    if holes:
        media["objects"][[1, 3]] = np.nan
        media["sound"][[2, 3]] = np.nan
        media["objects"][4, ..., 2] = np.nan
    owner = np.arange(2 * items) % items
    return TrainingSet(features=media, texts=normal(2 * items, 4, seed=seed + 1), item_by_text=owner)


def shaken(module, seed=0):
    """Every weight moved, so that nothing is zero or equal by chance of its beginning."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return module


def joint(data, *, hidden=(), dropout=0.0, power=1.0):
    torch.manual_seed(0)
    media = Projection(data.feature_dims, DIM, dropout=dropout, hidden_dims=hidden, power=power)
    model = JointModel(media, SentenceTower(4, DIM, dropout=dropout))
    model.fit_standardisation(data)
    return shaken(model).eval()


def shared(data):
    torch.manual_seed(0)
    apart = {role: Projection({role: width}, DIM) for role, width in data.feature_dims.items()}
    model = SharedModel(apart, SentenceTower(4, DIM))
    model.fit_standardisation(data)
    return shaken(model).eval()


def total(table, same):
    """A loss in which every pair of the table has a part."""
    return (table * torch.linspace(0.5, 2, table.numel()).reshape(table.shape)).sum()


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


@pytest.mark.parametrize("dim", [DIM, 2 * DIM])
def test_sentences_begin_with_their_angles_about_the_mean(dim):
    texts = torch.from_numpy(normal(50, DIM) * [1, 2, 3, 4, 5] + 2).float()
    tower = SentenceTower(DIM, dim, dropout=0.3).eval()
    tower.fit_standardisation(texts)
    fresh = torch.cat([texts, torch.from_numpy(normal(4, DIM, seed=1))])
    rows, centred = tower(fresh), normalize(fresh - texts.mean(0), dim=1)
    assert rows.shape == (54, dim)
    assert torch.allclose(rows @ rows.T, centred @ centred.T, atol=1e-5)


def test_missing_sentences_do_not_spoil_the_mean():
    texts = torch.from_numpy(normal(50, DIM))
    tower, holed = SentenceTower(DIM, DIM), torch.cat([texts, torch.full((1, DIM), torch.nan)])
    tower.fit_standardisation(holed)
    assert torch.allclose(tower.projection.input_layers["text"].mean, texts.mean(0), atol=1e-6)


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


def test_a_gru_does_not_see_padding_or_its_batch():
    torch.manual_seed(0)
    tower = GRUTower(20, DIM, word_dim=8, use_bfloat16=False)
    texts = torch.tensor([[2, 5, 6, 7, 3, 0, 0], [2, 3, 0, 0, 0, 0, 0], [2, 9, 9, 4, 11, 12, 3]])
    together = tower(texts)
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-6)
    for row, text in zip(together, texts, strict=True):
        short = text[: int((text != 0).sum())]
        assert torch.allclose(tower(short[None])[0], row, atol=1e-6)
    wider = torch.cat([texts, torch.zeros(3, 5, dtype=torch.int64)], 1)
    assert torch.allclose(tower(wider), together, atol=1e-6)
    assert torch.allclose(tower(texts.flip(0)).flip(0), together, atol=1e-6)
    assert not torch.allclose(tower(torch.tensor([[2, 6, 5, 7, 3]]))[0], together[0], atol=1e-3)


def test_a_gru_is_its_last_state():
    """Step by step over the words of one text, with torch's own cell and the same weights."""
    torch.manual_seed(0)
    tower = GRUTower(20, DIM, word_dim=8, use_bfloat16=False)
    cell = nn.GRUCell(8, DIM)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    cell.load_state_dict({name: getattr(tower.gru, f"{name}_l0") for name in names})
    state = torch.zeros(1, DIM)
    for word in (2, 7, 5, 3):
        state = cell(tower.embedding.weight[word][None], state)
    assert torch.allclose(tower(torch.tensor([[2, 7, 5, 3, 0]])), normalize(state, dim=1), atol=1e-6)


def test_a_gru_learns_as_torchs_own():
    """The same slopes for every weight; texts of several lengths that share beginnings and repeat words."""
    texts = torch.tensor(
        [[2, 5, 6, 7, 3], [2, 5, 6, 3, 0], [2, 3, 0, 0, 0], [2, 5, 5, 5, 3], [2, 5, 6, 7, 3]]
    )
    torch.manual_seed(0)
    tower = GRUTower(20, DIM, word_dim=8, use_bfloat16=False).double()
    padded = tower.gru(tower.embedding(texts))[0]  # (n, length, dim), wrong behind the end
    states = padded[torch.arange(5), (texts != 0).sum(1) - 1]
    ours, theirs = tower(texts), normalize(states, dim=1)
    assert torch.allclose(ours, theirs, atol=1e-12)
    for weight in tower.parameters():
        found, want = (
            torch.autograd.grad(total(rows, None), weight, retain_graph=True)[0] for rows in (ours, theirs)
        )
        assert want.abs().max() > 0
        assert torch.allclose(found, want, atol=1e-12)


def test_a_rounded_gru_is_nearly_the_same():
    texts = torch.tensor([[2, 5, 6, 7, 3], [2, 3, 0, 0, 0]])
    exact, rounded = (
        GRUTower(20, DIM, word_dim=8, use_bfloat16=False),
        GRUTower(20, DIM, word_dim=8, use_bfloat16=True),
    )
    rounded.load_state_dict(exact.state_dict())
    rows = rounded(texts)
    assert rows.dtype == torch.float32
    assert (rows - exact(texts)).abs().max() < 0.02
    assert torch.equal(rounded(texts), rows)


def test_words_without_a_given_vector_begin_at_random():
    given = normal(6, 3)
    given[[1, 4]] = np.nan
    torch.manual_seed(0)
    weight = GRUTower(6, DIM, word_vectors=given).embedding.weight.detach().numpy()
    np.testing.assert_array_equal(weight[[2, 3, 5]], given[[2, 3, 5]])
    torch.manual_seed(0)
    free = GRUTower(6, DIM, word_dim=3).embedding.weight.detach().numpy()
    np.testing.assert_array_equal(weight[[1, 4]], free[[1, 4]])
    assert (np.abs(free[1:]) <= 0.1).all() and len(np.unique(free[1:])) == 15
    assert (weight[0] == 0).all() and (free[0] == 0).all()


def test_padding_learns_nothing():
    torch.manual_seed(0)
    tower = GRUTower(6, DIM, word_dim=3)
    total(tower(torch.tensor([[2, 4, 3], [2, 3, 0]])), None).backward()
    slope = tower.embedding.weight.grad
    assert slope[[2, 3, 4]].abs().sum(1).min() > 0
    assert (slope[[0, 1, 5]] == 0).all()


def test_a_gru_is_no_member():
    data = material()
    with pytest.raises(TypeError, match="GRU"):
        JointModel(Projection(data.feature_dims, DIM), GRUTower(9, DIM)).to_tower_pair()


def batch(data, texts):
    return data.make_batch(torch.tensor(texts), torch.Generator().manual_seed(0))


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
