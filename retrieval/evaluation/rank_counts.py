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

from retrieval.evaluation.similarity_blocks import Block, Product, Table, as_table, spans

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Ties = Literal["average", "optimistic", "pessimistic", "argsort", "each"]

TIES: tuple[Ties, ...] = get_args(Ties)
THREADS = min(os.cpu_count() or 1, 4)  # more would wait for the memory
CACHED = 1 << 18  # similarities compared in one step: with the marks they fit a core's cache


@dataclass(frozen=True, eq=False, kw_only=True)
class Standing:
    """Of each of q queries: items `ahead` of the right one, others `tied` with it, of these how many `later`.

    A NaN is a missing similarity and lies below everything, -inf included; missing ones tie with each
    other, so beware of "optimistic" where all are missing.
    """

    ahead: Ints  # (q,)
    tied: Ints  # (q,)
    later: Ints  # (q,) tied ones with a larger column number

    def ranks(self, ties: Ties = "average") -> Floats:
        """(q,) 0-based ranks, fractions are possible; more than q of them under "each".

        "optimistic" puts the right item first of those as similar, "pessimistic" last and "average" in the
        middle (McSherry and Najork 2008; CE, MMT). "argsort" is a reversed ascending sort: the later column
        first (JEMC, VSE++; NumPy's default sort may shuffle ties, this is the stable one). "each" has one
        entry for every place the item may take, so that the denominator grows (CLIP4Clip, CLIP-ViP, the
        emotion report).

        Raises ValueError for another rule.
        """
        if ties == "each":
            return each_place(self.ahead, self.tied)
        behind: dict[str, Ints | Floats | int] = {
            "average": self.tied / 2,
            "optimistic": 0,
            "pessimistic": self.tied,
            "argsort": self.later,
        }
        if ties not in behind:
            raise ValueError(f"no rule {ties!r} for ties; known: {', '.join(TIES)}")
        return self.ahead.astype(np.float64) + behind[ties]

    def askers(self, ties: Ties = "average") -> Ints:
        """The query number behind every entry of `ranks`: 0..q-1, repeated under "each"."""
        return np.repeat(np.arange(len(self.ahead)), self.tied + 1 if ties == "each" else 1)

    def only(self, queries: npt.NDArray[np.bool_] | Ints) -> Self:
        """Of some queries: bool (q,) or their numbers."""
        return type(self)(**{part.name: getattr(self, part.name)[queries] for part in fields(self)})

    @classmethod
    def joined(cls, parts: Iterable[Standing]) -> Standing:
        """Several, one after the other."""
        listed = list(parts)
        empty = [np.empty(0, np.int64)]
        names = [part.name for part in fields(cls)]
        return cls(**{name: np.concatenate(empty + [getattr(one, name) for one in listed]) for name in names})


def ranks(similarity: Block | Table, target: npt.ArrayLike, ties: Ties = "average") -> Floats:
    """(q,) 0-based rank of item target[i] in row i of `similarity` (q, n); rules in `Standing.ranks`.

    Raises ValueError for shapes that do not fit, a target outside 0..n-1 or an unknown rule.
    """
    return standing(similarity, target).ranks(ties)


def ranks_from_rows(queries: Block, items: Block, target: npt.ArrayLike, ties: Ties = "average") -> Floats:
    """`ranks` by the inner products of rows (q, d) and (n, d); the whole matrix is never held.

    Raises as `ranks` does.
    """
    return ranks(Product(queries, items), target, ties)


def standing(similarity: Block | Table, target: npt.ArrayLike) -> Standing:
    """Where item target[i] stands in row i of `similarity` (q, n). Raises as `ranks` does."""
    table = as_table(similarity)
    wanted = checked_targets(table.shape, target)
    return standing_by(table, lambda queries, block: (block, wanted[queries]))


def standing_by(table: Table, read: Callable[[slice, Block], tuple[Block, Ints]]) -> Standing:
    """Block by block of `table` through `read`, which gives what to look at (step, m) and columns (step,)."""

    def part(queries: slice) -> Standing:
        block, wanted = read(queries, table.rows(queries))
        found = [counted(block[near], wanted[near]) for near in spans(len(block), block.shape[1], CACHED)]
        return Standing.joined(found)

    with ThreadPoolExecutor(THREADS) as pool:  # numpy works without the lock; a block a thread is held
        return Standing.joined(pool.map(part, spans(*table.shape)))


def counted(block: Block, wanted: Ints) -> Standing:
    """The standing of columns (s,) in a block (s, m)."""
    own = np.take_along_axis(block, wanted[:, None], axis=1)  # (s, 1)
    gone = np.isnan(own[:, 0])
    marks = np.zeros((len(block), -(-block.shape[1] // 8) * 8), bool)  # whole words, the rest stays False
    seen = marks[:, : block.shape[1]]
    np.greater(block, own, out=seen)
    ahead = marked(marks)
    np.equal(block, own, out=seen)
    if gone.any():
        np.isnan(block, out=seen, where=gone[:, None])
        ahead[gone] = block.shape[1] - marked(marks[gone])
    if np.count_nonzero(marks) == len(block):  # nobody ties, as nearly always
        return Standing(ahead=ahead, tied=np.zeros_like(ahead), later=np.zeros_like(ahead))
    tied = marked(marks) - 1
    marks &= np.arange(marks.shape[1]) > wanted[:, None]
    return Standing(ahead=ahead, tied=tied, later=marked(marks))


def marked(marks: npt.NDArray[np.bool_]) -> Ints:
    """(s,) how many are true in each row of (s, 8 w): added up as words of eight bytes, a byte holds 255."""
    words = marks.view(np.uint64)  # (s, w)
    lanes = np.add.reduceat(words, np.arange(0, words.shape[1], 255), axis=1)
    return lanes.view(np.uint8).sum(axis=1, dtype=np.int64)


def checked_targets(shape: tuple[int, int], target: npt.ArrayLike) -> Ints:
    """`target` as int64 (q,), each in 0..n-1, else ValueError."""
    wanted = np.asarray(target)
    if wanted.shape != shape[:1]:
        raise ValueError(f"similarity (q, n) and target (q,) do not fit: {shape}, {wanted.shape}")
    if wanted.size and not np.issubdtype(wanted.dtype, np.integer):
        raise ValueError(f"targets are column numbers, not {wanted.dtype}")
    if ((wanted < 0) | (wanted >= shape[1])).any():
        raise ValueError(f"a target lies outside 0..{shape[1] - 1}")
    return wanted.astype(np.int64)


def each_place(ahead: Ints, tied: Ints) -> Floats:
    """(q + all ties,) every place the right items may take: ahead, ahead + 1, ... ahead + tied."""
    counts = tied + 1
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return (np.repeat(ahead, counts) + np.arange(counts.sum()) - starts).astype(np.float64)
