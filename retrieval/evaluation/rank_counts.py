"""Where the right item stands among the others, with its ties kept apart from what is clearly ahead.

All five rules for ties that published figures were made with follow from three counts per query, so a table
of similarities is looked at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.similarity_blocks import (
    Block,
    InnerProductSimilarity,
    Similarity,
    as_similarity,
    split_into_blocks,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TieRule = Literal["average", "optimistic", "pessimistic", "argsort", "each"]

TIE_RULES: tuple[TieRule, ...] = get_args(TieRule)
MAX_THREADS = min(os.cpu_count() or 1, 4)  # more would wait for the memory
CACHED_ELEMENTS = 1 << 18  # similarities compared in one step: with the marks they fit a core's cache


@dataclass(frozen=True, eq=False, kw_only=True)
class RankCounts:
    """Of each of q queries: items `ahead` of the right one, others `tied` with it, of these how many
    `tied_later`.

    A NaN is a missing similarity and lies below everything, -inf included; missing ones tie with each
    other, so beware of "optimistic" where all are missing.
    """

    ahead: Ints  # (q,)
    tied: Ints  # (q,)
    tied_later: Ints  # (q,) tied ones with a larger column number

    def compute_ranks(self, ties: TieRule = "average") -> Floats:
        """(q,) 0-based ranks, fractions are possible; more than q of them under "each".

        "optimistic" puts the right item first of those as similar, "pessimistic" last and "average" in the
        middle (McSherry and Najork 2008; CE, MMT). "argsort" is a reversed ascending sort: the later column
        first (JEMC, VSE++; NumPy's default sort may shuffle ties, this is the stable one). "each" has one
        entry for every place the item may take, so that the denominator grows (CLIP4Clip, CLIP-ViP, the
        emotion report).

        Raises ValueError for another rule.
        """
        if ties == "each":
            return expand_tied_ranks(self.ahead, self.tied)
        behind: dict[str, Ints | Floats | int] = {
            "average": self.tied / 2,
            "optimistic": 0,
            "pessimistic": self.tied,
            "argsort": self.tied_later,
        }
        if ties not in behind:
            raise ValueError(f"no rule {ties!r} for ties; known: {', '.join(TIE_RULES)}")
        return self.ahead.astype(np.float64) + behind[ties]

    def list_query_indices(self, ties: TieRule = "average") -> Ints:
        """The query number behind every entry of `ranks`: 0..q-1, repeated under "each"."""
        return np.repeat(np.arange(len(self.ahead)), self.tied + 1 if ties == "each" else 1)

    def select_queries(self, queries: npt.NDArray[np.bool_] | Ints) -> Self:
        """Of some queries: bool (q,) or their numbers."""
        return type(self)(**{part.name: getattr(self, part.name)[queries] for part in fields(self)})

    @classmethod
    def concatenate(cls, parts: Iterable[RankCounts]) -> RankCounts:
        """Several, one after the other."""
        listed = list(parts)
        empty = [np.empty(0, np.int64)]
        names = [part.name for part in fields(cls)]
        return cls(**{name: np.concatenate(empty + [getattr(one, name) for one in listed]) for name in names})


def compute_ranks(
    similarity: Block | Similarity, targets: npt.ArrayLike, ties: TieRule = "average"
) -> Floats:
    """(q,) 0-based rank of item target[i] in row i of `similarity` (q, n); rules in
    `RankCounts.compute_ranks`.

    Raises ValueError for shapes that do not fit, a target outside 0..n-1 or an unknown rule.
    """
    return count_ranks(similarity, targets).compute_ranks(ties)


def compute_ranks_from_embeddings(
    queries: Block, items: Block, targets: npt.ArrayLike, ties: TieRule = "average"
) -> Floats:
    """`compute_ranks` by the inner products of rows (q, d) and (n, d); the whole matrix is never held.

    Raises as `compute_ranks` does.
    """
    return compute_ranks(InnerProductSimilarity(queries, items), targets, ties)


def count_ranks(similarity: Block | Similarity, targets: npt.ArrayLike) -> RankCounts:
    """Where item target[i] stands in row i of `similarity` (q, n). Raises as `compute_ranks` does."""
    table = as_similarity(similarity)
    wanted = validate_targets(table.shape, targets)
    return count_ranks_by_block(table, lambda queries, block: (block, wanted[queries]))


def count_ranks_by_block(
    similarity: Similarity, select_block: Callable[[slice, Block], tuple[Block, Ints]]
) -> RankCounts:
    """Block by block of `similarity`; `select_block` gives similarities (step, m) and columns (step,)."""

    def count_part(queries: slice) -> RankCounts:
        block, wanted = select_block(queries, similarity.rows(queries))
        found = [
            count_block_ranks(block[near], wanted[near])
            for near in split_into_blocks(len(block), block.shape[1], CACHED_ELEMENTS)
        ]
        return RankCounts.concatenate(found)

    with ThreadPoolExecutor(MAX_THREADS) as pool:  # numpy works without the lock; a block a thread is held
        return RankCounts.concatenate(pool.map(count_part, split_into_blocks(*similarity.shape)))


def count_block_ranks(block: Block, target_columns: Ints) -> RankCounts:
    """The standing of columns (s,) in a block (s, m)."""
    own = np.take_along_axis(block, target_columns[:, None], axis=1)  # (s, 1)
    gone = np.isnan(own[:, 0])
    marks = np.zeros((len(block), -(-block.shape[1] // 8) * 8), bool)  # whole words, the rest stays False
    seen = marks[:, : block.shape[1]]
    np.greater(block, own, out=seen)
    ahead = count_true_by_row(marks)
    np.equal(block, own, out=seen)
    if gone.any():
        np.isnan(block, out=seen, where=gone[:, None])
        ahead[gone] = block.shape[1] - count_true_by_row(marks[gone])
    if np.count_nonzero(marks) == len(block):  # nobody ties, as nearly always
        return RankCounts(ahead=ahead, tied=np.zeros_like(ahead), tied_later=np.zeros_like(ahead))
    tied = count_true_by_row(marks) - 1
    marks &= np.arange(marks.shape[1]) > target_columns[:, None]
    return RankCounts(ahead=ahead, tied=tied, tied_later=count_true_by_row(marks))


def count_true_by_row(mask: npt.NDArray[np.bool_]) -> Ints:
    """(s,) how many are true in each row of (s, 8 w): added up as words of eight bytes, a byte holds 255."""
    words = mask.view(np.uint64)  # (s, w)
    lanes = np.add.reduceat(words, np.arange(0, words.shape[1], 255), axis=1)
    return lanes.view(np.uint8).sum(axis=1, dtype=np.int64)


def validate_targets(shape: tuple[int, int], targets: npt.ArrayLike) -> Ints:
    """`targets` as int64 (q,), each in 0..n-1, else ValueError."""
    wanted = np.asarray(targets)
    if wanted.shape != shape[:1]:
        raise ValueError(f"similarity (q, n) and target (q,) do not fit: {shape}, {wanted.shape}")
    if wanted.size and not np.issubdtype(wanted.dtype, np.integer):
        raise ValueError(f"targets are column numbers, not {wanted.dtype}")
    if ((wanted < 0) | (wanted >= shape[1])).any():
        raise ValueError(f"a target lies outside 0..{shape[1] - 1}")
    return wanted.astype(np.int64)


def expand_tied_ranks(ahead: Ints, tied: Ints) -> Floats:
    """(q + all ties,) every place the right items may take: ahead, ahead + 1, ... ahead + tied."""
    counts = tied + 1
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return (np.repeat(ahead, counts) + np.arange(counts.sum()) - starts).astype(np.float64)
