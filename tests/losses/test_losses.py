import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses import LOSSES, InfoNCE, RankingLoss
from losses.affect import ccc_loss, concordance, mapping_loss
from losses.contrastive import info_nce, joint_info_nce, source_wise_info_nce
from losses.negatives import make_same_item_mask
from losses.ranking import compute_rank_weight, is_collapsed

DOUBLE = torch.float64
MARGIN = 0.25  # a sum of halves, as the similarities below: hinges stand on their corner exactly
SHAPES = {
    "jemc": lambda r, n: 1 / (n - r + 1),
    "inverse": lambda r, n: 1 - 1 / r,
    "log": lambda r, n: math.log(r) / math.log(n) if n > 1 else 0,
    "linear": lambda r, n: (r - 1) / (n - 1) if n > 1 else 0,
}


def directions(similarity, same, pairs):
    """Each pair twice: (own similarity, [those of its negatives]), spelt as loops over rows and columns."""
    height, width = similarity.shape
    chosen = [(i, i) for i in range(height)] if pairs is None else [tuple(pair) for pair in pairs.tolist()]

    def negative(i, j):
        return (i, j) not in chosen and not (same is not None and same[i, j])

    for i, j in chosen:
        yield similarity[i, j], [similarity[i, other] for other in range(width) if negative(i, other)]
        yield similarity[i, j], [similarity[other, j] for other in range(height) if negative(other, j)]


def ranking_loop(similarity, same, pairs, negatives, strength, shape):
    """The formula, pair by pair and negative by negative."""
    total = 0 * similarity.sum()
    for own, others in directions(similarity, same, pairs):
        candidates = [s for s in others if negatives != "semi_hard" or s < own]
        if negatives != "every" and candidates:
            best = max(s.item() for s in candidates)
            equal = [s for s in candidates if s == best]
            candidates = [sum(equal) / len(equal)]  # as large as each, and their gradients shared
        among = 1 + len(others)
        rank = (
            1 + sum(s.item() > own.item() for s in others) + sum(s.item() == own.item() for s in others) / 2
        )
        weight = 1 + strength * SHAPES[shape](rank, among)
        for s in candidates:
            if MARGIN - own + s > 0:
                total = total + weight * (MARGIN - own + s)
    return total


def nce_loop(similarity, same, pairs, temperature):
    terms = [
        -torch.log(torch.exp(own / temperature) / sum(torch.exp(s / temperature) for s in [own, *others]))
        for own, others in directions(similarity, same, pairs)
    ]
    return 2 * sum(terms) / len(terms)


def value_and_gradients(loss, *inputs):
    """A loss's value and its gradient in each input, on copies."""
    leaves = [one.detach().clone().requires_grad_() for one in inputs]
    value = loss(*leaves)
    value.backward()
    return value.item(), [leaf.grad for leaf in leaves]


def assert_equal(one, other, *inputs):
    (value, gradients), (wanted, slopes) = (
        value_and_gradients(one, *inputs),
        value_and_gradients(other, *inputs),
    )
    assert value == pytest.approx(wanted, abs=1e-12)
    for gradient, slope in zip(gradients, slopes, strict=True):
        assert torch.isfinite(gradient).all()
        assert torch.allclose(gradient, slope, atol=1e-12)


@st.composite
def batches(draw):
    """Coarse similarities with many ties; square or uneven, with and without masks."""
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    pairs = None
    if draw(st.booleans()):
        place = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
        pairs = torch.tensor(draw(st.lists(place, min_size=1, max_size=6, unique=True)))
    else:
        width = height
    cells = height * width
    values = draw(st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75]), min_size=cells, max_size=cells))
    mask = draw(st.none() | st.lists(st.booleans(), min_size=cells, max_size=cells))
    same = None if mask is None else torch.tensor(mask).reshape(height, width)
    return torch.tensor(values, dtype=DOUBLE).reshape(height, width), same, pairs


@settings(max_examples=60, deadline=None)
@given(
    batches(),
    st.sampled_from(["every", "hardest", "semi_hard"]),
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from([0.0, 1.0, 2.5]),
)
def test_ranking_equals_the_loop(batch, negatives, shape, strength):
    similarity, same, pairs = batch
    loss = RankingLoss(margin=MARGIN, negatives=negatives, strength=strength, shape=shape)
    assert_equal(
        lambda s: loss(s, same, pairs),
        lambda s: ranking_loop(s, same, pairs, negatives, strength, shape),
        similarity,
    )


@settings(max_examples=40, deadline=None)
@given(batches(), st.floats(0.05, 2))
def test_infonce_equals_the_loop(batch, temperature):
    similarity, same, pairs = batch
    assert_equal(
        lambda s, t: info_nce(s, t, same, pairs),
        lambda s, t: nce_loop(s, same, pairs, t),
        similarity,
        torch.tensor(temperature, dtype=DOUBLE),
    )


def test_gradients_at_a_tie_and_at_the_corner():
    """Two equally hard negatives share the pull; a hinge of exactly 0 has none."""
    similarity = torch.tensor([[0.5, 0.5, 0.5], [0, 1, 0], [0.25, 0, 0.5]], dtype=DOUBLE)
    _, (gradient,) = value_and_gradients(RankingLoss(margin=0.25), similarity)
    assert gradient.tolist() == [[-1, 0.5, 0.5 + 1], [0, 0, 0], [0, 0, -1]]


def test_ranking_by_hand():
    """Row 0: .9 against .8 costs .1; column 0: .9 against .3 nothing; pair 1: .5 against .3 and .8."""
    similarity = torch.tensor([[0.9, 0.8], [0.3, 0.5]], dtype=DOUBLE)
    assert LOSSES["vse"]()(similarity).item() == pytest.approx(0.1 + 0 + 0 + 0.5)
    weights = [1 + 1 / 2, 1 + 1 / 2, 1 + 1 / 2, 1 + 1]  # rank 1 of 2, but the second column has its pair last
    want = weights[0] * 0.1 + weights[3] * 0.5
    assert LOSSES["weighted"]()(similarity).item() == pytest.approx(want)
    assert RankingLoss(reduction="mean")(similarity).item() == pytest.approx(0.6 / 2)


def test_the_papers_weight_is_nearly_inert():
    """PROTOCOL's figures at batch 128."""
    rank = torch.tensor([1, 64, 64.5, 128])
    found = compute_rank_weight(rank, torch.full((4,), 128)).tolist()
    assert [round(weight, 3) for weight in found] == [1.008, 1.015, 1.016, 2.0]
    assert found == [1 + 1 / 128, 1 + 1 / 65, 1 + 1 / 64.5, 2]


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_shapes_grow_with_the_rank_within_0_and_1(shape):
    rank = torch.arange(1, 129)
    height = compute_rank_weight(rank, torch.full((128,), 128), shape=shape) - 1
    assert (height.diff() > 0).all()
    assert height[0] <= 1 / 128
    assert 0.99 < height[-1] <= 1
    assert torch.isfinite(compute_rank_weight(torch.ones(1), torch.ones(1), shape=shape)).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("masked", [False, True])
def test_without_negatives_there_is_no_loss_and_the_gradient_is_zero(name, masked):
    similarity = torch.full((3, 3) if masked else (1, 1), 0.3, requires_grad=True)
    loss = LOSSES[name]()(similarity, torch.ones(3, 3, dtype=torch.bool) if masked else None)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-7)
    assert similarity.grad.abs().max() < 1e-7


@pytest.mark.parametrize("name", LOSSES)
def test_captions_of_one_video_are_no_negatives(name):
    """What a masked place holds, NaN and infinity included, changes neither value nor gradient."""
    groups = torch.tensor([0, 1, 0, 2])
    same = make_same_item_mask(groups)
    similarity = torch.rand(4, 4, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    loss = LOSSES[name]()
    want, (slope,) = value_and_gradients(lambda s: loss(s, same), similarity)
    for value in (9.0, torch.inf, torch.nan):
        changed = similarity.clone()
        changed[0, 2] = changed[2, 0] = value
        found, (gradient,) = value_and_gradients(lambda s: loss(s, same), changed)
        assert found == want
        assert torch.equal(gradient, slope)
    assert loss(similarity).item() > want or name == "semi-hard"


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_in_another_order_is_the_same_batch(name):
    similarity = torch.rand(6, 6, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(2))
    loss = LOSSES[name]()
    assert loss(similarity[order][:, order]).item() == pytest.approx(loss(similarity).item())
    assert loss(similarity.T).item() == pytest.approx(loss(similarity).item())


def test_several_captions_a_video_in_an_uneven_batch():
    """Two videos, three texts, the last two of video 1: each pair meets the texts of the other video only."""
    videos, texts = torch.tensor([0, 1]), torch.tensor([0, 1, 1])
    pairs = torch.tensor([[0, 0], [1, 1], [1, 2]])
    similarity = torch.tensor([[0.5, 0.4, 0.1], [0.2, 0.6, 0.3]], dtype=DOUBLE)
    want = (0.1 + 0) + (0 + 0) + (0.1 + 0)  # (text side, video side) of each pair
    for same in (None, make_same_item_mask(videos, texts)):
        assert RankingLoss()(similarity, same, pairs).item() == pytest.approx(want)


def test_collapse_is_seen():
    similarity = torch.full((128, 128), 0.7)
    weight = compute_rank_weight(torch.tensor([64.5]), torch.tensor([128])).item()
    for name, factor in (("vse++", 1.0), ("weighted", weight)):
        loss = LOSSES[name]()(similarity).item()
        assert loss == pytest.approx(2 * 128 * 0.2 * factor, rel=1e-5)
        assert loss == pytest.approx(LOSSES[name].collapsed_loss(LOSSES[name](), 128), rel=1e-5)
        assert is_collapsed(loss, LOSSES[name].collapsed_loss(LOSSES[name](), 128), tolerance=1e-4)
    assert not is_collapsed(LOSSES["vse++"]()(torch.eye(128)).item(), 2 * 128 * 0.2)


@pytest.mark.parametrize(
    ("shape", "same", "pairs"),
    [
        ((2, 3), None, None),
        ((0, 0), None, None),
        ((3,), None, None),
        ((2, 2), torch.ones(2, 3, dtype=torch.bool), None),
        ((2, 2), torch.ones(2, 2), None),
        ((2, 2), None, torch.tensor([[0, 2]])),
        ((2, 2), None, torch.tensor([[-1, 0]])),
        ((2, 2), None, torch.tensor([[0.0, 1.0]])),
        ((2, 2), None, torch.empty(0, 2, dtype=torch.int64)),
    ],
)
def test_what_does_not_fit_is_refused(shape, same, pairs):
    for loss in (RankingLoss(), InfoNCE()):
        with pytest.raises(ValueError):
            loss(torch.zeros(shape), same, pairs)


def test_unknown_words_and_bad_numbers_are_refused():
    for options in (
        {"negatives": "hard"},
        {"shape": "square"},
        {"reduction": "none"},
        {"margin": -1},
        {"strength": math.nan},
    ):
        with pytest.raises(ValueError):
            RankingLoss(**options)
    for temperature in (0, -1.0, torch.tensor(0.0)):
        with pytest.raises(ValueError, match="temperature"):
            InfoNCE(temperature=temperature)


def joint_loop(subtitles, captions, temperature, same):
    """Form (d)'s V<->S,C spelt as in the seed; `same` leaves further texts out of both pools."""
    n = len(subtitles)
    s, c = torch.exp(subtitles / temperature), torch.exp(captions / temperature)

    def others(i):
        return [j for j in range(n) if j != i and not (same is not None and same[i, j])]

    total = 0
    for i in range(n):
        pool = sum((s[i, j] + c[i, j] for j in others(i)), torch.zeros((), dtype=DOUBLE))
        total = total - torch.log(s[i, i] / (s[i, i] + pool)) - torch.log(c[i, i] / (c[i, i] + pool))
        for text in (s, c):
            rivals = sum((text[j, i] for j in range(n) if i in others(j)), torch.zeros((), dtype=DOUBLE))
            total = total - torch.log(text[i, i] / (text[i, i] + rivals))
    return total / (2 * n)


@pytest.mark.parametrize("groups", [None, [0, 1, 0, 2, 3], [0, 0, 0, 0, 0]])
def test_source_wise_forms_equal_their_loops(groups):
    generator = torch.Generator().manual_seed(3)
    rows = [torch.randn(5, 4, generator=generator, dtype=DOUBLE) for _ in range(4)]
    rows = [torch.nn.functional.normalize(one) for one in rows]
    same = None if groups is None else make_same_item_mask(torch.tensor(groups))
    heat = torch.tensor(0.3, dtype=DOUBLE)

    def pair(left, right, t):
        return nce_loop(left @ right.T, same, None, t)

    spelt = {
        "a": lambda v, f, s, c, t: pair(v, s, t) + pair(f, c, t),
        "b": lambda v, f, s, c, t: pair(v, s, t) + pair(v, c, t) + 0 * f.sum(),
        "c": lambda v, f, s, c, t: pair(v, s, t) + pair(v, c, t) + pair(f, c, t),
        "d": lambda v, f, s, c, t: joint_loop(v @ s.T, v @ c.T, t, same) + pair(f, c, t),
    }
    for form, loop in spelt.items():
        assert_equal(
            lambda v, f, s, c, t, form=form: source_wise_info_nce(v, f, s, c, form, t, same) + 0 * f.sum(),
            loop,
            *rows,
            heat,
        )


def test_the_joint_pool_is_harder_than_two_pools():
    generator = torch.Generator().manual_seed(4)
    subtitles, captions = (torch.rand(6, 6, generator=generator) for _ in range(2))
    apart = (info_nce(subtitles, 0.1) + info_nce(captions, 0.1)) / 2
    assert joint_info_nce(subtitles, captions, 0.1) > apart
    with pytest.raises(ValueError, match="known: a, b, c, d"):
        source_wise_info_nce(*[torch.eye(2)] * 4, form="e")


def test_mapping_loss_by_hand():
    audio, image = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    old_audio, old_image = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 6.0]])
    assert mapping_loss(audio, image, old_audio, old_image).item() == 25 + 1 + 4
    assert (
        mapping_loss(audio, image, old_audio, old_image, agreement_weight=0, image_weight=0.5).item() == 1 + 2
    )
    twice = [one.repeat(2, 1) for one in (audio, image, old_audio, old_image)]
    assert mapping_loss(*twice).item() == 60
    assert mapping_loss(*twice, reduction="mean").item() == 30
    for bad in ((audio[0], image, old_audio, old_image), (audio, image, old_audio, old_image[:, :1])):
        with pytest.raises(ValueError):
            mapping_loss(*bad)
    with pytest.raises(ValueError):
        mapping_loss(*twice, agreement_weight=-1)


def test_ccc_goldens():
    """PROTOCOL's values; with the sample variance the first would be .9777."""
    found = torch.tensor([[3, -0.5, 2, 7], [2.5, 0, 2, 8]], dtype=DOUBLE)[:, :, None]
    assert concordance(*found).item() == pytest.approx(0.9768, abs=5e-5)
    short = torch.tensor([[[0.1], [0.3]], [[0.1], [0.2]]], dtype=DOUBLE)
    assert ccc_loss(*short).item() == pytest.approx(1 - 0.6667, abs=5e-5)


def test_ccc_is_of_each_dimension_and_constants_have_a_finite_gradient():
    truth = torch.tensor([[0.0, 1.0, 0.1], [1.0, 0.0, 0.1], [0.5, 0.5, 0.1]])
    found = torch.tensor([[0.0, 0.0, 0.1], [1.0, 1.0, 0.1], [0.5, 0.5, 0.1]], requires_grad=True)
    loss = ccc_loss(found, truth)
    assert loss.tolist() == [0, 2, 1]
    loss.sum().backward()
    assert torch.isfinite(found.grad).all()
    for bad in (truth[0], truth[:, :2], truth[:0]):
        with pytest.raises(ValueError):
            concordance(truth, bad)
