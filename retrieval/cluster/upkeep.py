"""Indexes by size, and checks, of a library in Milvus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from retrieval.cluster.library import MilvusLibrary
from retrieval.cluster.schema import ITEMS, SEGMENTS, choose_index

ProgressCallback = Callable[[str], None]


def update_index(library: MilvusLibrary, on_progress: ProgressCallback = lambda line: None) -> None:
    """Give each collection that is searched the index for its number of rows, see `INDEX_CHOICES`."""
    store = library.store
    for name, collection in {"affect": SEGMENTS, **library.catalog.list_row_collections()}.items():
        if not collection.is_searched:
            continue
        row_count = store.count(collection)
        choice = choose_index(collection, row_count)
        if store.get_index_kind(collection) != choice.kind:
            on_progress(f"{name}: building {choice.kind} over {row_count} rows")
            store.build_index(collection, choice, row_count)
            store.load(collection)


def find_problems(library: MilvusLibrary) -> list[str]:
    """What is wrong with a library, a line each; empty if nothing is."""
    return list(_find_problems(library))


def _find_problems(library: MilvusLibrary) -> Iterator[str]:
    store, catalog = library.store, library.catalog
    orphans = catalog.find_orphans()
    if orphans:
        yield f"{len(orphans)} items have no file; the next affect index removes them"
    expected = sum(int(record["segments"]) for record in store.iterate(ITEMS, ["segments"]))
    count = store.count(SEGMENTS)
    if count < expected:
        yield f"{expected - count} segments of {expected} are gone; index the files of affect list again"
    if count > expected:
        yield f"{count - expected} segments of items cut off in the middle; index their files again"
    for name, rows in library.count_rows().items():
        if rows > count:
            yield f"{rows - count} rows of {name} belong to no segment; index their files again"
