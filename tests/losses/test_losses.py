import math

import pytest
import torch
from loss_loops import DOUBLE, value_and_gradients

from losses import LOSSES, InfoNCE, RankingLoss, make_same_item_mask


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
