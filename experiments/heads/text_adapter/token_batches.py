"""Texts as batches of token ids of about the same length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from encoders.minilm import MiniLM

Ints = npt.NDArray[np.int64]


def tokenize(encoder: MiniLM, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, at most `max_tokens`."""
    ids, mask = encoder.tokenize(texts)
    return [
        row[: min(length, max_tokens)].tolist() for row, length in zip(ids, mask.sum(axis=1), strict=True)
    ]


def pad_tokens(token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids and mask, (n, length) each."""
    rows = [torch.tensor(text) for text in token_ids]
    ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids, mask


def draw_batches(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator, pool_size: int = 8
) -> Iterator[Ints]:
    """Endless batches of indices of texts: each shuffle is sorted by length within pools of batches.

    The rest of a pool, fewer than a batch, waits for the next shuffle.
    """
    text_lengths = np.asarray(lengths)
    size = min(batch_size, len(text_lengths))
    while True:
        order = rng.permutation(len(text_lengths))
        batches = []
        for pool in np.split(order, range(size * pool_size, len(order), size * pool_size)):
            by_length = pool[np.argsort(text_lengths[pool], kind="stable")]
            parts = np.split(by_length, range(size, len(by_length), size))
            batches += [part for part in parts if len(part) == size]
        for number in rng.permutation(len(batches)):
            yield batches[number]
