"""Annoy's files answer as exact search, and damaged ones fall back to it."""

import shutil

import numpy as np
from library_factory import content, encoded, random_rows

from retrieval.search.candidates import CandidateSearch
from retrieval.search.engine import Engine
from retrieval.search.index_files import find_index_problems, load_index_kind, rebuild_index
from retrieval.search.query import Query
from retrieval.storage.snapshot import load_snapshot
from retrieval.vector_index.registry import INDEX_KINDS


def answers(library):
    """Every item asked for its ten nearest, per modality."""
    with Engine(library) as engine:
        return {
            (item, kind): [(hit.id, hit.score) for hit in engine.search(Query(item=item, modalities=(kind,)))]
            for item in engine.snapshot.item_ids
            for kind in ("image", "video")
        }


def test_annoy_answers_as_exact_with_later_rows_and_deletions(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(60)])
    empty.commit([encoded(f"b{n:02x}", random_rows(5, 100 + n), modality="video") for n in range(20)])
    before = answers(empty)
    recall = rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 40})
    assert recall and min(recall.values()) > 0.95 and load_index_kind(empty).name == "annoy"
    assert answers(empty) == before
    empty.commit([encoded(f"d{n:02x}", random_rows(2, 200 + n), modality="video") for n in range(10)])
    empty.commit([encoded(f"e{n:02x}", random_rows(1, 300 + n)) for n in range(10)])
    gone = [path for number, path in enumerate(sorted(empty.catalog.load_files())) if number % 3 == 0]
    with empty.catalog.transaction():
        empty.catalog.remove_paths_and_orphans(gone)
    with_annoy = answers(empty)
    with Engine(empty) as engine:
        candidates = CandidateSearch(empty, engine.snapshot)
        search_of = candidates._get_view_search("object.looks", "video")
        assert search_of._stored_index is not None and search_of._mask.any()  # the file, and a tail
    assert len(with_annoy) == 2 * (100 - len(gone))
    rebuild_index(empty, INDEX_KINDS["exact"], {})
    assert answers(empty) == with_annoy


def test_a_damaged_or_missing_annoy_file_falls_back_to_exact(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    before = answers(empty)
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    for file in (empty.folder / "annoy").rglob("*.ann"):
        file.write_bytes(file.read_bytes()[:-3])
    assert answers(empty) == before
    assert len(find_index_problems(empty)) == len(list((empty.folder / "annoy").rglob("*.ann"))) > 0
    shutil.rmtree(empty.folder / "annoy")
    assert answers(empty) == before


def test_rebuild_keeps_annoy_up_to_date(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    empty.commit([encoded(f"b{n:02x}", random_rows(1, 50 + n)) for n in range(30)])
    before, lib = answers(empty), empty.folder
    held = content(lib)
    with Engine(empty) as engine:
        engine.search(Query(item="0000000000000a00"))
        empty.rebuild()
        rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
        assert engine.snapshot.indexed_row_counts["object.looks"] == 60
    assert answers(empty) == before and content(lib) == held


def test_a_snapshot_goes_with_its_own_index_files(empty):
    """A rebuild between taking a state and opening its files must not mix the two."""
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    with empty.catalog.transaction():
        empty.catalog.remove_paths_and_orphans(
            [p for i, p in enumerate(sorted(empty.catalog.load_files())) if i % 2]
        )
    old = load_snapshot(empty)
    candidates = CandidateSearch(empty, old)
    empty.rebuild()
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    rows = old.views["object.looks"].select_rows(np.array([3]))
    assert 3 in candidates.find([{"object.looks": rows}], ("image",), 1)
