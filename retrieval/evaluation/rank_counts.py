"""Counts of items ranked above the target and of items tied with it; ranks and hits under any rule for ties.

All rules for ties follow from three counts per query, so a table of similarities is scanned once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import digamma

from retrieval.evaluation.similarity_blocks import (
    Block,
    InnerProductSimilarity,
    Similarity,
    as_similarity,
    split_into_blocks,
)
from retrieval.vector_index import validate_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TieRule = Literal["expected", "average", "optimistic", "pessimistic", "argsort", "each"]

TIE_RULES: tuple[TieRule, ...] = get_args(TieRule)
MAX_THREADS = min(os.cpu_count() or 1, 4)  # more are limited by memory bandwidth
CACHED_ELEMENTS = 1 << 18  # similarities compared in one step: with the masks they fit a core's cache


@dataclass(frozen=True, eq=False, kw_only=True)
class RankCounts:
    """For each of q queries: items ranked `ahead` of the target, others `tied` with it, some `tied_later`.

    A NaN is a missing similarity and ranks below everything, -inf included; missing ones tie with each other,
    so "optimistic" ranks the target first where all are missing.
    """

    ahead: Ints  # (q,)
    tied: Ints  # (q,)
    tied_later: Ints  # (q,) tied ones with a larger column number

    def compute_ranks(self, ties: TieRule = "expected") -> Floats:
        """(q,) 0-based ranks, fractions are possible; more than q of them under "each".

        "optimistic" ranks the target first among its ties, "pessimistic" last, "expected" and "average" in
        the middle: the mean over all orders of the ties (CE, MMT). "argsort" is a reversed ascending sort:
        the later column first (JEMC, VSE++; NumPy's default sort may shuffle ties, this is the stable one).
        "each" has one entry for every rank the target may take, so that the denominator grows (CLIP4Clip,
        CLIP-ViP, the emotion report).

        Raises ValueError for another rule.
        """
        if ties == "each":
            return expand_tied_ranks(self.ahead, self.tied)
        tied_above: dict[str, Ints | Floats | int] = {
            "expected": self.tied / 2,
            "average": self.tied / 2,
            "optimistic": 0,
            "pessimistic": self.tied,
            "argsort": self.tied_later,
        }
        if ties not in tied_above:
            raise ValueError(f"no rule {ties!r} for ties; known: {', '.join(TIE_RULES)}")
        return self.ahead.astype(np.float64) + tied_above[ties]

    def compute_hits(self, k: int, ties: TieRule = "expected") -> Floats:
        """(q,) whether each target is among the first k, 0 or 1; more than q of them under "each".

        "expected" gives the share of the orders of its ties in which it is, 0 to 1 (McSherry and Najork
        2008), so that a system without information has chance level; the other rules ask whether
        `compute_ranks` is below k. Raises ValueError for k < 1 or another rule.
        """
        depth = validate_k(k)
        if ties == "expected":
            return np.clip((depth - self.ahead) / (self.tied + 1), 0, 1)
        return (self.compute_ranks(ties) < depth).astype(np.float64)

    def compute_reciprocal_ranks(self, ties: TieRule = "expected") -> Floats:
        """(q,) 1 / (rank + 1), whose mean is MRR; under "expected" its mean over the orders of the ties."""
        if ties == "expected":
            return (digamma(self.ahead + self.tied + 2) - digamma(self.ahead + 1)) / (self.tied + 1)
        return 1 / (self.compute_ranks(ties) + 1)

    def list_query_indices(self, ties: TieRule = "expected") -> Ints:
        """The query number of every entry of `compute_ranks`: 0..q-1, repeated under "each"."""
        return np.repeat(np.arange(len(self.ahead)), self.tied + 1 if ties == "each" else 1)

    def select_queries(self, queries: npt.NDArray[np.bool_] | Ints) -> Self:
        """The counts of some queries, by a mask (q,) or by numbers."""
        return type(self)(**{field.name: getattr(self, field.name)[queries] for field in fields(self)})

    def to_rows(self) -> Ints:
        """(q, 3) the three counts of each query, from which `from_rows` makes them again."""
        return np.stack([getattr(self, field.name) for field in fields(self)], axis=1)

    @classmethod
    def from_rows(cls, rows: npt.NDArray[Any]) -> RankCounts:
        """The counts of `to_rows`."""
        return cls(**{field.name: column for field, column in zip(fields(cls), rows.T, strict=True)})

    @classmethod
    def concatenate(cls, parts: Iterable[RankCounts]) -> RankCounts:
        """The counts of all parts in sequence."""
        counts = list(parts)
        empty = [np.empty(0, np.int64)]
        names = [field.name for field in fields(cls)]
        return cls(
            **{name: np.concatenate(empty + [getattr(part, name) for part in counts]) for name in names}
        )


def compute_ranks(
    similarity: Block | Similarity, targets: npt.ArrayLike, ties: TieRule = "expected"
) -> Floats:
    """(q,) 0-based rank of item target[i] in row i of `similarity` (q, n); rules in
    `RankCounts.compute_ranks`.

    Raises ValueError for shapes that do not fit, a target outside 0..n-1 or an unknown rule.
    """
    return count_ranks(similarity, targets).compute_ranks(ties)


def compute_ranks_from_embeddings(
    queries: Block, items: Block, targets: npt.ArrayLike, ties: TieRule = "expected"
) -> Floats:
    """`compute_ranks` by the inner products of rows (q, d) and (n, d); the whole matrix is never held.

    Raises as `compute_ranks` does.
    """
    return compute_ranks(InnerProductSimilarity(queries, items), targets, ties)


def count_ranks(similarity: Block | Similarity, targets: npt.ArrayLike) -> RankCounts:
    """Rank counts of item targets[i] in row i of `similarity` (q, n). Raises as `compute_ranks` does."""
    table = as_similarity(similarity)
    columns = validate_targets(table.shape, targets)
    return count_ranks_by_block(table, lambda queries, block: (block, columns[queries]))


def count_ranks_by_block(
    similarity: Similarity, select_block: Callable[[slice, Block], tuple[Block, Ints]]
) -> RankCounts:
    """Rank counts by block; `select_block` returns similarities (step, m) and target columns (step,)."""

    def count_part(queries: slice) -> RankCounts:
        block, columns = select_block(queries, similarity.rows(queries))
        parts = [
            count_block_ranks(block[rows], columns[rows])
            for rows in split_into_blocks(len(block), block.shape[1], CACHED_ELEMENTS)
        ]
        return RankCounts.concatenate(parts)

    with ThreadPoolExecutor(MAX_THREADS) as pool:  # numpy releases the GIL; one block per thread is in memory
        return RankCounts.concatenate(pool.map(count_part, split_into_blocks(*similarity.shape)))


def count_block_ranks(block: Block, target_columns: Ints) -> RankCounts:
    """Rank counts of target columns (s,) in a block (s, m)."""
    target = np.take_along_axis(block, target_columns[:, None], axis=1)  # (s, 1)
    is_missing = np.isnan(target[:, 0])
    mask = np.zeros((len(block), -(-block.shape[1] // 8) * 8), bool)  # padded with False to whole words
    unpadded = mask[:, : block.shape[1]]
    np.greater(block, target, out=unpadded)
    ahead = count_true_by_row(mask)
    np.equal(block, target, out=unpadded)
    if is_missing.any():
        np.isnan(block, out=unpadded, where=is_missing[:, None])
        ahead[is_missing] = block.shape[1] - count_true_by_row(mask[is_missing])
    if np.count_nonzero(mask) == len(block):  # no ties, which is the usual case
        return RankCounts(ahead=ahead, tied=np.zeros_like(ahead), tied_later=np.zeros_like(ahead))
    tied = count_true_by_row(mask) - 1
    mask &= np.arange(mask.shape[1]) > target_columns[:, None]
    return RankCounts(ahead=ahead, tied=tied, tied_later=count_true_by_row(mask))


def count_true_by_row(mask: npt.NDArray[np.bool_]) -> Ints:
    """(s,) number of True in each row of (s, 8 w): 255 words at a time, so that no byte overflows."""
    words = mask.view(np.uint64)  # (s, w)
    lanes = np.add.reduceat(words, np.arange(0, words.shape[1], 255), axis=1)
    return lanes.view(np.uint8).sum(axis=1, dtype=np.int64)


def validate_targets(shape: tuple[int, int], targets: npt.ArrayLike) -> Ints:
    """`targets` as int64 (q,), each in 0..n-1, else ValueError."""
    columns = np.asarray(targets)
    if columns.shape != shape[:1]:
        raise ValueError(f"similarity (q, n) and target (q,) do not fit: {shape}, {columns.shape}")
    if columns.size and not np.issubdtype(columns.dtype, np.integer):
        raise ValueError(f"targets are column numbers, not {columns.dtype}")
    if ((columns < 0) | (columns >= shape[1])).any():
        raise ValueError(f"a target lies outside 0..{shape[1] - 1}")
    return columns.astype(np.int64)


def expand_tied_ranks(ahead: Ints, tied: Ints) -> Floats:
    """(q + all ties,) every rank the targets may take: ahead, ahead + 1, ... ahead + tied."""
    counts = tied + 1
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return (np.repeat(ahead, counts) + np.arange(counts.sum()) - starts).astype(np.float64)
