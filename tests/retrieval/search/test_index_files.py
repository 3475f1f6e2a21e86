"""Annoy's files answer as exact search, and damaged ones fall back to it."""

import errno
import json
import shutil

import numpy as np
import pytest
from library_factory import affect, content, encoded, random_rows

from encoders import AffectError
from retrieval.search.candidates import CandidateSearch
from retrieval.search.engine import Engine
from retrieval.search.index_builds import find_index_problems, rebuild_index, update_index
from retrieval.search.index_files import IndexSettings
from retrieval.search.query import Query
from retrieval.storage.library import FileUpdate
from retrieval.storage.snapshot_loading import load_snapshot


def annoy(tree_count):
    return IndexSettings(choice="annoy", options={"trees": tree_count})


def list_ids(snapshot):
    return [snapshot.get_item_id(item) for item in np.flatnonzero(snapshot.is_shown)]


def answers(library):
    """Every item asked for its ten nearest, per modality."""
    with Engine(library) as engine:
        return {
            (item, kind): [(hit.id, hit.score) for hit in engine.search(Query(item=item, modalities=(kind,)))]
            for item in list_ids(engine.snapshot)
            for kind in ("image", "video")
        }


def test_annoy_answers_as_exact_with_later_rows_and_deletions(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(60)])
    empty.commit([encoded(f"b{n:02x}", random_rows(5, 100 + n), modality="video") for n in range(20)])
    before = answers(empty)
    recall = rebuild_index(empty, annoy(40))
    assert recall and min(recall.values()) > 0.95 and IndexSettings.load(empty).choice == "annoy"
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
        assert search_of._stored_index is not None and search_of._is_unindexed.any()  # the file, and a tail
    assert len(with_annoy) == 2 * (100 - len(gone))
    rebuild_index(empty, IndexSettings(choice="exact", options={}))
    assert answers(empty) == with_annoy


def test_a_damaged_or_missing_annoy_file_falls_back_to_exact(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    before = answers(empty)
    rebuild_index(empty, annoy(10))
    for file in (empty.folder / "annoy").rglob("*.ann"):
        file.write_bytes(file.read_bytes()[:-3])
    assert answers(empty) == before
    assert len(find_index_problems(empty)) == len(list((empty.folder / "annoy").rglob("*.ann"))) > 0
    shutil.rmtree(empty.folder / "annoy")
    assert answers(empty) == before


def test_rebuild_keeps_annoy_up_to_date(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    rebuild_index(empty, annoy(10))
    empty.commit([encoded(f"b{n:02x}", random_rows(1, 50 + n)) for n in range(30)])
    before, lib = answers(empty), empty.folder
    held = content(lib)
    with Engine(empty) as engine:
        engine.search(Query(item="0000000000000a00"))
        empty.rebuild()
        rebuild_index(empty, annoy(10))
        assert engine.snapshot.index_records["object.looks.image"].row_count == 60
    assert answers(empty) == before and content(lib) == held


def test_a_snapshot_goes_with_its_own_index_files(empty):
    """A rebuild between taking a state and opening its files must not mix the two."""
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    rebuild_index(empty, annoy(10))
    with empty.catalog.transaction():
        empty.catalog.remove_paths_and_orphans(
            [p for i, p in enumerate(sorted(empty.catalog.load_files())) if i % 2]
        )
    old = load_snapshot(empty)
    candidates = CandidateSearch(empty, old)
    empty.rebuild()
    rebuild_index(empty, annoy(10))
    shown = np.flatnonzero(old.is_shown)[3]
    rows = old.views["object.looks"].select_rows(np.array([shown]))
    assert shown in candidates.find([{"object.looks": rows}], ("image",), 1)


def test_verify_tells_the_recall_that_it_measures(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(60)])
    assert "recall at" not in affect("verify", "--library", empty.folder).stdout
    rebuild_index(empty, annoy(40))
    told = json.loads(affect("verify", "--library", empty.folder, "--json").stdout)
    assert set(told["recall"]) == {"object.looks.image"} and told["problems"] == []
    recall = told["recall"]["object.looks.image"]
    assert 0.95 <= recall <= 1
    assert f"exact: {recall:.3f}" in affect("verify", "--library", empty.folder).stdout


def test_an_item_that_came_back_after_the_index_was_built_is_found(empty):
    """It has its old position, which the index leaves out."""
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    path, known = sorted(empty.catalog.load_files().items())[5]
    before = answers(empty)
    empty.record_files([FileUpdate(path=path, stamp=known.stamp, item_id=None, error="damaged")])
    assert len(answers(empty)) == 2 * 29
    rebuild_index(empty, annoy(40))
    empty.record_files([FileUpdate(path=path, stamp=known.stamp, item_id=known.item_id, error=None)])
    assert answers(empty) == before


def test_auto_builds_files_once_many_rows_are_searched_one_by_one(empty, monkeypatch):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(60)])
    before = answers(empty)
    update_index(empty)
    assert load_snapshot(empty).index_records == {}
    monkeypatch.setattr("retrieval.vector_index.registry.MAX_EXACT_BYTES", 4 * 16 * 50)
    lines = []
    update_index(empty, lines.append)
    first = load_snapshot(empty).index_records["object.looks.image"]
    assert (first.kind, first.row_count, len(lines)) == ("faiss", 60, 1) and answers(empty) == before
    empty.commit([encoded(f"b{n:02x}", random_rows(1, 100 + n)) for n in range(50)])
    update_index(empty)
    assert load_snapshot(empty).index_records["object.looks.image"] == first  # 50 later rows are few
    empty.commit([encoded(f"c{n:02x}", random_rows(1, 200 + n)) for n in range(10)])
    exact = answers(empty)
    update_index(empty)
    second = load_snapshot(empty).index_records["object.looks.image"]
    assert (second.row_count, second.number) == (120, first.number + 1) and answers(empty) == exact
    assert len(list((empty.folder / "faiss").rglob("*.faiss"))) == 1  # the first is gone


def test_a_build_that_fails_leaves_the_index_there_was(empty, monkeypatch):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(60)])
    rebuild_index(empty, annoy(10))
    records, before = load_snapshot(empty).index_records, answers(empty)

    def fill_disk(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("retrieval.search.index_builds.np.save", fill_disk)
    with pytest.raises(AffectError, match="no space left"):
        rebuild_index(empty, annoy(20))
    assert load_snapshot(empty).index_records == records and answers(empty) == before
    assert find_index_problems(empty) == []
