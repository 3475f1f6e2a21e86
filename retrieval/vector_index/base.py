"""The interface of nearest-neighbour search by cosine similarity, and the description of an index kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from encoders import Rows
from retrieval.vector_index.topk import Mask, Neighbours, Positions, StoredRows


class VectorIndex(Protocol):
    """An index over unit rows for nearest-neighbour search.

    effort: how much an approximate index searches, one of its kind's `efforts`; more gives a higher recall
    """

    effort: int

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """The k nearest rows of each query: positions (q, k) int64 and similarity (q, k) float32.

        `queries` (q, d) are unit rows; a missing (NaN) query has no neighbours. Order is (-similarity,
        position); with fewer than k neighbours the rest is -1 and -inf. `mask` (n,), if given, is True
        for rows that may be returned. Raises ValueError for k < 1 or a shape that does not fit.
        """
        ...

    def find_candidates(self, queries: Rows, k: int, mask: Mask | None = None) -> Positions:
        """Positions (q, k) as of `search`, -1 where there are fewer, for a caller that scores them itself.

        They need not be in order, and an approximate index may take them by its own similarities.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class IndexOption:
    """An integer build parameter of an index, and an option of `affect rebuild`."""

    name: str
    default: int
    minimum: int
    maximum: int
    help: str


OptionValues: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class IndexKind:
    """A kind of index.

    name: value of `affect rebuild --index`
    build: from unit rows (n, d), a path (unused by kinds without a file), values of all options and a seed
        to an index ready for search
    load: from a file written by `build` and its rows (n, d); raises OSError or ValueError for a file that is
        absent or damaged. None: the kind has no file, and searches the rows directly
    file_suffix: of its files, with the dot
    efforts: values of `VectorIndex.effort` to choose from, ascending, the first one the default
    """

    name: str
    build: Callable[[StoredRows, Path, OptionValues, int], VectorIndex]
    load: Callable[[Path, StoredRows], VectorIndex] | None = None
    file_suffix: str = ""
    options: tuple[IndexOption, ...] = ()
    efforts: tuple[int, ...] = (1,)

    def fill_options(self, values: OptionValues) -> dict[str, int]:
        """Values of all options: the given ones, else defaults."""
        return {option.name: values.get(option.name, option.default) for option in self.options}
