"""A GRU over the distinct beginnings of texts: nn.GRU's states and gradients, each state computed once.

Captions begin alike ("a man is ..."), and a state depends on the words up to it alone, so a batch is a tree
of beginnings; texts that share one share its state, and its gradient adds up there. Inputs are projected
once a distinct word, and the weights' gradients are one product at the end instead of one a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

MIN_BFLOAT16_WIDTH = 512  # below, the time goes into other things than products
TreeLevel = tuple[
    slice, slice, Tensor
]  # nodes of one length, those a word shorter, each node's place among these


class PrefixTree(NamedTuple):
    """The tree of b distinct beginnings of n texts, level by level: those of one word, of two, ..."""

    word_ids: Tensor  # (w,) the distinct words
    last_word_index: Tensor  # (b,) where in `words` each beginning's last word stands
    parents: tuple[Tensor, ...]  # a level (its size,) place in the level before; of the first, nothing but 0
    text_nodes: Tensor  # (n,) each whole text among the beginnings

    @property
    def levels(self) -> list[TreeLevel]:
        """From the first to the last; the level before the first is empty."""
        starts = [0, 0]
        for parents in self.parents:
            starts.append(starts[-1] + len(parents))
        spans = [slice(*pair) for pair in pairwise(starts)]
        return list(zip(spans[1:], spans[:-1], self.parents, strict=True))


def build_prefix_tree(texts: Tensor) -> PrefixTree:
    """Of word numbers (n, length), 0 behind the end. Raises ValueError for a text without words."""
    lengths = (texts != 0).sum(1)
    if not len(texts) or int(lengths.min()) == 0:
        raise ValueError("a text without words has no state")
    span = int(texts.max()) + 1
    last, parents = list[Tensor](), list[Tensor]()
    node, ends = torch.zeros_like(lengths), torch.zeros_like(lengths)
    start = 0
    for at in range(int(lengths.max())):
        going = (lengths > at).nonzero()[:, 0]
        paths, place = torch.unique(node[going] * span + texts[going, at], return_inverse=True)
        last.append(paths % span)
        parents.append(paths // span)
        node[going], ends[going] = place, place + start
        start += len(paths)
    words, places = torch.unique(torch.cat(last), return_inverse=True)
    return PrefixTree(words, places, tuple(parents), ends)


def compute_last_states(
    gru: nn.GRU, embedding: nn.Embedding, texts: Tensor, *, use_bfloat16: bool = False
) -> Tensor:
    """(n, h) what nn.GRU ends with on texts (n, length) of word numbers, 0 behind the end.

    use_bfloat16: products round their factors to bfloat16 and add up in float32; all else stays float32
    The GRU has one layer and one direction. Raises ValueError for a text without words.
    """
    tree = build_prefix_tree(texts)
    weights = gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0
    states: Tensor = _PrefixGRU.apply(embedding(tree.word_ids), *weights, tree, use_bfloat16)
    return states[tree.text_nodes]


def is_bfloat16_faster(hidden_size: int) -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AMX) and states of this width gain by it."""
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return hidden_size >= MIN_BFLOAT16_WIDTH and bool(has_amx and has_amx())


class _PrefixGRU(torch.autograd.Function):
    """Words' vectors (w, d) and a GRU's weights to the states (b, h) of all beginnings; gates r, z, n."""

    @staticmethod
    def forward(
        ctx: Any,
        vectors: Tensor,
        input_weight: Tensor,
        hidden_weight: Tensor,
        input_bias: Tensor,
        hidden_bias: Tensor,
        tree: PrefixTree,
        use_bfloat16: bool,
    ) -> Tensor:
        width = hidden_weight.shape[1]
        both = input_bias.clone()
        both[: 2 * width] += hidden_bias[: 2 * width]
        with _set_matmul_precision(use_bfloat16):
            gates = linear(vectors, input_weight, both)[tree.last_word_index]  # (b, 3 h)
            past, held, states = (gates.new_empty(len(gates), width) for _ in range(3))
            for here, before, parents in tree.levels:
                r_z, n = gates[here].split((2 * width, width), 1)
                if len(states[before]):
                    torch.index_select(states[before], 0, parents, out=past[here])
                    product = past[here] @ hidden_weight.T
                    r_z += product[:, : 2 * width]
                    torch.add(product[:, 2 * width :], hidden_bias[2 * width :], out=held[here])
                else:
                    past[here], held[here] = 0, hidden_bias[2 * width :]
                r, z = r_z.sigmoid_().chunk(2, 1)
                n.addcmul_(r, held[here]).tanh_()
                torch.lerp(n, past[here], z, out=states[here])
        ctx.save_for_backward(vectors, input_weight, hidden_weight, gates, past, held)
        ctx.tree, ctx.bfloat16 = tree, use_bfloat16
        return states

    @staticmethod
    def backward(ctx: Any, state_gradients: Tensor) -> tuple[Tensor | None, ...]:
        vectors, into, across, gates, past, held = ctx.saved_tensors
        state_gradients = state_gradients.clone()
        outer, inner = torch.empty_like(gates), torch.empty_like(gates)  # of the input's and the state's part
        with _set_matmul_precision(ctx.bfloat16):
            for here, before, parents in reversed(ctx.tree.levels):
                own, (r, z, n) = state_gradients[here], gates[here].chunk(3, 1)
                by_n = torch.ops.aten.tanh_backward(own.addcmul(own, z, value=-1), n)
                by_z = torch.ops.aten.sigmoid_backward((past[here] - n).mul_(own), z)
                by_r = torch.ops.aten.sigmoid_backward(by_n * held[here], r)
                torch.cat((by_r, by_z, by_n), 1, out=outer[here])
                torch.cat((by_r, by_z, by_n.mul_(r)), 1, out=inner[here])
                if len(state_gradients[before]):
                    state_gradients[before].index_add_(0, parents, (inner[here] @ across).addcmul_(own, z))
            first = len(ctx.tree.parents[0])  # where the past is 0
            by_word = outer.new_zeros(len(vectors), outer.shape[1]).index_add_(
                0, ctx.tree.last_word_index, outer
            )
            by_across = inner[first:].T @ past[first:]
            return by_word @ into, by_word.T @ vectors, by_across, outer.sum(0), inner.sum(0), None, None


@contextmanager
def _set_matmul_precision(use_bfloat16: bool) -> Iterator[None]:
    """Products of float32 matrices by bfloat16 factors, or as they were; the setting is the process's."""
    usual = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if use_bfloat16 else usual)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(usual)
