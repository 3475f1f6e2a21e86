"""Registry of the index kinds, used by the engine, `affect rebuild`, `affect verify` and benchmarks."""

from __future__ import annotations

from pathlib import Path

from encoders import UnknownNameError
from retrieval.vector_index.annoy import DEFAULT_TREE_COUNT, AnnoyIndex
from retrieval.vector_index.base import IndexKind, IndexOption, OptionValues, VectorIndex
from retrieval.vector_index.exact import ExactIndex
from retrieval.vector_index.topk import StoredRows


def _build_exact(rows: StoredRows, path: Path, options: OptionValues, seed: int) -> VectorIndex:
    return ExactIndex(rows)


def _build_annoy(rows: StoredRows, path: Path, options: OptionValues, seed: int) -> VectorIndex:
    return AnnoyIndex.build(rows, path, tree_count=options["trees"], seed=seed)


DEFAULT_INDEX = "exact"
INDEX_KINDS: dict[str, IndexKind] = {
    kind.name: kind
    for kind in (
        IndexKind(name=DEFAULT_INDEX, build=_build_exact),
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
        ),
    )
}


def get_index_kind(name: str) -> IndexKind:
    """The index kind with a name. Raises UnknownNameError."""
    if name not in INDEX_KINDS:
        raise UnknownNameError(f"no index {name!r}; known: {', '.join(sorted(INDEX_KINDS))}")
    return INDEX_KINDS[name]
