"""Similarities in blocks of queries: of a given matrix, or from embeddings without the full matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.floating]

CHUNK_ELEMENTS = 1 << 23  # similarities computed in one step: 32 MiB in float32
TILE_COLUMNS = 256  # columns copied at a time


class Similarity(Protocol):
    """Similarities of q queries and n items."""

    @property
    def shape(self) -> tuple[int, int]:
        """(q, n)."""
        ...

    def rows(self, queries: slice) -> Block:
        """The similarities (step, n) of these queries."""
        ...

    def transpose(self) -> Similarity:
        """The similarities with items as queries (n, q)."""
        ...


@dataclass(frozen=True, eq=False)
class DenseSimilarity:
    """A matrix (q, n) in memory or mapped from a file. Raises ValueError unless it has two dimensions."""

    values: Block

    def __post_init__(self) -> None:
        if self.values.ndim != 2:
            raise ValueError(f"similarities must be (q, n), not {self.values.shape}")

    @property
    def shape(self) -> tuple[int, int]:
        """(q, n)."""
        return self.values.shape[0], self.values.shape[1]

    def rows(self, queries: slice) -> Block:
        """A contiguous block (step, n), copied if necessary."""
        block = self.values[queries]
        if block.flags.c_contiguous:
            return block
        out = np.empty(block.shape, block.dtype)
        # a transposed copy of the whole block would miss the cache at every element
        for start in range(0, block.shape[1], TILE_COLUMNS):
            out[:, start : start + TILE_COLUMNS] = block[:, start : start + TILE_COLUMNS]
        return out

    def transpose(self) -> DenseSimilarity:
        """The transpose, not copied."""
        return DenseSimilarity(self.values.T)


@dataclass(frozen=True, eq=False)
class InnerProductSimilarity:
    """Inner products of rows (q, d) and (n, d), unit length for cosines, computed on demand.

    For JEMC's sum over spaces concatenate the rows of the spaces: the products add up. Equal rows give equal
    similarities except for the last bit with a single query, which depends on BLAS and the row's position.

    Raises ValueError unless both have two dimensions and the same width.
    """

    queries: Block
    items: Block

    def __post_init__(self) -> None:
        shapes = (self.queries.shape, self.items.shape)
        if self.queries.ndim != 2 or self.items.ndim != 2 or shapes[0][1] != shapes[1][1]:
            raise ValueError(f"rows must be (q, d) and (n, d), not {shapes}")

    @property
    def shape(self) -> tuple[int, int]:
        """(q, n)."""
        return len(self.queries), len(self.items)

    def rows(self, queries: slice) -> Block:
        """Inner products (step, n) in the rows' own precision."""
        return self.queries[queries] @ self.items.T

    def transpose(self) -> InnerProductSimilarity:
        """Queries and items exchanged."""
        return InnerProductSimilarity(self.items, self.queries)


def as_similarity(similarity: Block | Similarity) -> Similarity:
    """The similarity itself, or that of a matrix (q, n)."""
    return DenseSimilarity(similarity) if isinstance(similarity, np.ndarray) else similarity


def split_into_blocks(
    query_count: int, item_count: int, chunk_elements: int | None = None
) -> Iterator[slice]:
    """Consecutive slices of queries, each of about `chunk_elements` similarities (None: CHUNK_ELEMENTS)."""
    step = max(1, (chunk_elements or CHUNK_ELEMENTS) // max(1, item_count))
    return (slice(start, min(start + step, query_count)) for start in range(0, query_count, step))
