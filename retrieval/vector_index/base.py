"""The port of nearest-neighbour search by cosine, and what a kind of index declares of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from encoders import Rows
from retrieval.vector_index.topk import Mask, Neighbours, StoredRows


class VectorIndex(Protocol):
    """A set of unit rows that can be searched for the nearest to a query."""

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """The k nearest rows of each query: positions (q, k) int64 and similarity (q, k) float32.

        `queries` (q, d) are unit rows; a missing (NaN) query finds nothing. Order is (-similarity,
        position); where fewer than k were found the rest is -1 and -inf. `mask` (n,), if given, says
        which rows may be returned. Raises ValueError for k < 1 or a shape that does not fit.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class IndexOption:
    """A whole number by which an index is built; an option of `affect rebuild`."""

    name: str
    default: int
    minimum: int
    maximum: int
    help: str


OptionValues: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class IndexKind:
    """A kind of index, by its name in `affect rebuild --index`.

    build: over unit rows (n, d), into the file at the path if the kind keeps one, with values of all its
           options and a seed; gives the index ready for search
    load:  the index in a file that `build` wrote, for rows of d numbers; raises OSError or ValueError for a
           file that is absent or damaged. None: the kind keeps no file, and rows are searched as they are
    file_suffix: of its files, with the dot
    """

    name: str
    build: Callable[[StoredRows, Path, OptionValues, int], VectorIndex]
    load: Callable[[Path, int], VectorIndex] | None = None
    file_suffix: str = ""
    options: tuple[IndexOption, ...] = ()

    def fill_options(self, values: OptionValues) -> dict[str, int]:
        """Values of all its options: those given, and defaults."""
        return {option.name: values.get(option.name, option.default) for option in self.options}
