"""Registry of the index kinds, used by the engine, `affect rebuild`, `affect verify` and benchmarks."""

from __future__ import annotations

from pathlib import Path

from encoders import UnknownNameError
from retrieval.vector_index import annoy, faiss
from retrieval.vector_index.annoy import DEFAULT_TREE_COUNT, AnnoyIndex
from retrieval.vector_index.base import IndexKind, IndexOption, OptionValues, VectorIndex
from retrieval.vector_index.exact import ExactIndex
from retrieval.vector_index.faiss import FaissIndex
from retrieval.vector_index.topk import StoredRows


def _build_exact(rows: StoredRows, path: Path, options: OptionValues, seed: int) -> VectorIndex:
    return ExactIndex(rows)


def _build_annoy(rows: StoredRows, path: Path, options: OptionValues, seed: int) -> VectorIndex:
    return AnnoyIndex.build(rows, path, tree_count=options["trees"], seed=seed)


def _build_faiss(rows: StoredRows, path: Path, options: OptionValues, seed: int) -> VectorIndex:
    return FaissIndex.build(rows, path, seed=seed)


EXACT, AUTO = "exact", "auto"
DEFAULT_INDEX = AUTO
MAX_EXACT_BYTES = 20 << 20  # of float32 rows that are compared one by one by "auto": some 2 ms
LARGE_INDEX = "faiss"  # what "auto" takes for more
INDEX_KINDS: dict[str, IndexKind] = {
    kind.name: kind
    for kind in (
        IndexKind(name=EXACT, build=_build_exact),
        IndexKind(
            name="annoy",
            build=_build_annoy,
            load=AnnoyIndex.load,
            file_suffix=".ann",
            options=(
                IndexOption(
                    name="trees",
                    default=DEFAULT_TREE_COUNT,
                    minimum=1,
                    maximum=1000,
                    help="Trees of Annoy (default: as before, or 40).",
                ),
            ),
            efforts=annoy.EFFORTS,
        ),
        IndexKind(
            name="faiss",
            build=_build_faiss,
            load=FaissIndex.load,
            file_suffix=".faiss",
            efforts=faiss.EFFORTS,
        ),
    )
}


def list_index_choices() -> list[str]:
    """Values of `affect rebuild --index`: "auto", and the kinds."""
    return [AUTO, *INDEX_KINDS]


def get_index_kind(name: str) -> IndexKind:
    """The index kind with a name. Raises UnknownNameError."""
    if name not in INDEX_KINDS:
        raise UnknownNameError(f"no index {name!r}; known: {', '.join(sorted(list_index_choices()))}")
    return INDEX_KINDS[name]


def choose_index_kind(choice: str, row_count: int, dim: int) -> IndexKind:
    """The kind for rows (row_count, dim), by "auto" or a kind's name. Raises UnknownNameError."""
    if choice != AUTO:
        return get_index_kind(choice)
    return INDEX_KINDS[EXACT if is_small(row_count, dim) else LARGE_INDEX]


def is_small(row_count: int, dim: int) -> bool:
    """Whether exact search of rows (row_count, dim) is fast enough."""
    return 4 * row_count * dim <= MAX_EXACT_BYTES
