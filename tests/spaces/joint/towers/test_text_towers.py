"""Towers of sentences and of words."""

import numpy as np
import pytest
import torch
from joint_models import DIM, material, normal, total
from torch import nn
from torch.nn.functional import normalize

from spaces.joint.towers import GRUTower, JointModel, Projection, SentenceTower


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
