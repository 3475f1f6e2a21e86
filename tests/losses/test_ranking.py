import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_loops import DOUBLE, MARGIN, SHAPES, assert_equal, batches, ranking_loop, value_and_gradients

from losses import LOSSES, RankingLoss, compute_rank_weight, is_collapsed


@settings(max_examples=60)
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


def test_collapse_is_seen():
    similarity = torch.full((128, 128), 0.7)
    weight = compute_rank_weight(torch.tensor([64.5]), torch.tensor([128])).item()
    for name, factor in (("vse++", 1.0), ("weighted", weight)):
        loss = LOSSES[name]()(similarity).item()
        assert loss == pytest.approx(2 * 128 * 0.2 * factor, rel=1e-5)
        assert loss == pytest.approx(LOSSES[name].collapsed_loss(LOSSES[name](), 128), rel=1e-5)
        assert is_collapsed(loss, LOSSES[name].collapsed_loss(LOSSES[name](), 128), tolerance=1e-4)
    assert not is_collapsed(LOSSES["vse++"]()(torch.eye(128)).item(), 2 * 128 * 0.2)
