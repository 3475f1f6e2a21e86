import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from spaces.joint import gru as grus
from spaces.joint.gru import build_prefix_tree, compute_last_states

COUNT, VECTOR, WIDTH = 12, 20, 24


def batch(n=40, longest=9, seed=0):
    """Word numbers of many lengths; few words, so that many texts begin alike and some are equal."""
    generator = torch.Generator().manual_seed(seed)
    texts = torch.randint(1, COUNT, (n, longest), generator=generator)
    texts[: n // 2, :3] = torch.tensor([2, 5, 6])[:longest]
    lengths = torch.randint(1, longest + 1, (n, 1), generator=generator)
    lengths[0] = longest
    texts[-1], lengths[-1] = texts[0], lengths[0]
    return torch.where(torch.arange(longest) < lengths, texts, 0)


def parts(dtype=torch.float32, *, width=WIDTH, seed=0):
    torch.manual_seed(seed)
    embedding = nn.Embedding(COUNT, VECTOR, padding_idx=0, dtype=dtype)
    return nn.GRU(VECTOR, width, batch_first=True, dtype=dtype), embedding


def by_torch(gru, embedding, texts):
    lengths = (texts != 0).sum(1)
    packed = pack_padded_sequence(embedding(texts), lengths, batch_first=True, enforce_sorted=False)
    return gru(packed)[1][-1]


def slopes(way, gru, embedding, texts, **more):
    """Last states, and the gradients of every weight where each number of each state counts differently."""
    weights = [*gru.parameters(), *embedding.parameters()]
    rows = way(gru, embedding, texts, **more)
    matter = torch.linspace(-1, 2, rows.numel(), dtype=rows.dtype).reshape(rows.shape).sin()
    return rows.detach(), torch.autograd.grad((rows * matter).sum(), weights)


def apart(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_states_and_gradients_are_those_of_torch(dtype, most):
    for texts in (batch(), batch(n=1), batch(longest=1), batch()[:, [0, 1]]):
        rows, ours = slopes(compute_last_states, *parts(dtype), texts)
        wanted, theirs = slopes(by_torch, *parts(dtype), texts)
        assert apart(rows, wanted) < most
        for found, want in zip(ours, theirs, strict=True):
            assert want.norm() == 0 == found.norm() or apart(found, want) < most


def test_gradients_are_those_of_small_steps():
    gru, _ = parts(torch.float64, width=3)
    weights = [weight.detach().requires_grad_() for weight in gru.parameters()]
    vectors = torch.randn(COUNT, VECTOR, dtype=torch.float64, requires_grad=True)
    tree = build_prefix_tree(batch(n=6, longest=4))

    def states(vectors, *weights):
        return grus._PrefixGRU.apply(vectors[tree.word_ids], *weights, tree, False)

    assert torch.autograd.gradcheck(states, (vectors, *weights))


def test_a_beginning_stands_once():
    tree = build_prefix_tree(
        torch.tensor([[2, 5, 6, 3, 0], [2, 5, 3, 0, 0], [2, 5, 6, 3, 0], [4, 5, 6, 3, 3]])
    )
    assert [len(parents) for parents in tree.parents] == [2, 2, 3, 2, 1]
    assert tree.word_ids.tolist() == [2, 3, 4, 5, 6]
    assert tree.word_ids[tree.last_word_index].tolist() == [2, 4, 5, 5, 3, 6, 6, 3, 3, 3]
    assert [parents.tolist() for parents in tree.parents[1:]] == [[0, 1], [0, 0, 1], [1, 2], [1]]
    assert tree.text_nodes.tolist() == [7, 4, 7, 9]


@pytest.mark.parametrize("bfloat16", [False, True])
def test_neither_padding_nor_the_batch_matters(bfloat16):
    gru, embedding = parts()
    texts, most = batch(), 1e-2 if bfloat16 else 1e-6
    together = compute_last_states(gru, embedding, texts, use_bfloat16=bfloat16)
    wider = torch.cat([texts, torch.zeros(len(texts), 4, dtype=torch.int64)], 1)
    turned = compute_last_states(gru, embedding, texts.flip(0), use_bfloat16=bfloat16).flip(0)
    alone = torch.cat(
        [compute_last_states(gru, embedding, text[None], use_bfloat16=bfloat16) for text in texts]
    )
    for rows in (compute_last_states(gru, embedding, wider, use_bfloat16=bfloat16), turned, alone):
        assert torch.allclose(rows, together, atol=most)
    assert torch.equal(together[0], together[-1])  # the same text


def test_rounding_is_small_is_repeatable_and_leaves_no_trace():
    before = torch.get_float32_matmul_precision()
    texts = batch()
    rows, exact = slopes(compute_last_states, *parts(width=128), texts)
    first, rounded = slopes(compute_last_states, *parts(width=128), texts, use_bfloat16=True)
    again, repeated = slopes(compute_last_states, *parts(width=128), texts, use_bfloat16=True)
    assert torch.equal(first, again)
    assert all(torch.equal(*pair) for pair in zip(rounded, repeated, strict=True))
    assert apart(first, rows) < 0.02
    for found, want in zip(rounded, exact, strict=True):
        assert found.dtype == torch.float32 and apart(found, want) < 0.02
    if grus.is_bfloat16_faster(grus.MIN_BFLOAT16_WIDTH):
        assert not torch.equal(first, rows)
    assert torch.get_float32_matmul_precision() == before


def test_a_failure_leaves_no_trace_either():
    before = torch.get_float32_matmul_precision()
    gru, _ = parts()
    with pytest.raises(RuntimeError):
        compute_last_states(gru, nn.Embedding(COUNT, VECTOR + 1), batch(), use_bfloat16=True)
    assert torch.get_float32_matmul_precision() == before


def test_a_text_without_words_has_no_state():
    for texts in (torch.tensor([[2, 3], [0, 0]]), torch.empty(0, 4, dtype=torch.int64)):
        with pytest.raises(ValueError, match="without words"):
            build_prefix_tree(texts)


def test_bfloat16_pays_where_states_are_wide_and_the_cpu_has_it(monkeypatch):
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has=has: has, raising=False)
        assert grus.is_bfloat16_faster(1024) == has and not grus.is_bfloat16_faster(256)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert not grus.is_bfloat16_faster(1024)
