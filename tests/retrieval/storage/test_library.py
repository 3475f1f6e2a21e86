"""What is committed is there when opened again, and a commit is whole or not at all."""

import os
from contextlib import closing

import numpy as np
import pytest
from library_factory import TOYS, affect, content, encoded, new_library, random_rows, wrong_with
from stored_library import row_file

from encoders.base import AffectError
from retrieval.report.library_info import get_library_info
from retrieval.search.engine import Engine
from retrieval.search.index_files import IndexSettings
from retrieval.storage.file_stamps import FileStamp
from retrieval.storage.integrity import find_problems
from retrieval.storage.library import FileUpdate, Library
from retrieval.storage.path_resolution import resolve_paths
from retrieval.vector_index import INDEX_KINDS


def test_what_is_committed_is_there_when_opened_again(lib):
    held = content(lib)
    assert [len(segments) for segments in held.values()] == [1, 1, 4]
    assert held["00000000000000cc"][1][:2] == (15, 30)
    raw = np.frombuffer(held["00000000000000aa"][0][2]["objects"], np.float16)
    assert np.allclose(raw, random_rows(1, 1)[0], atol=2e-3)
    unit = np.frombuffer(held["00000000000000aa"][0][2]["object.looks"], np.float16).astype(float)
    assert np.linalg.norm(unit) == pytest.approx(1, abs=2e-3)
    assert set(held["00000000000000aa"][0][2]) == {"objects", "object.looks"}  # no sound: no row
    assert set(held["00000000000000cc"][0][2]) == {"objects", "object.looks", "sound", "audio.sounds"}
    assert wrong_with(lib) == []


def test_items_without_rows_are_known_until_their_row_file_is_removed(lib):
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        catalog = library.catalog
        assert catalog.list_items_without_rows("events") == set()
        catalog.record_items_without_rows("events", ["aa", "bb"])
        catalog.record_items_without_rows("events", ["bb", "cc"])
        catalog.record_items_without_rows("pose", ["aa"])
        assert catalog.list_items_without_rows("events") == {"aa", "bb", "cc"}
        catalog.remove_vector_file("events")
        assert catalog.list_items_without_rows("events") == set()
        assert catalog.list_items_without_rows("pose") == {"aa"}
    assert wrong_with(lib) == []


def test_equal_content_is_held_once(lib):
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        again = encoded("aa", random_rows(1, 9))
        library.commit([again, encoded("dd", random_rows(1, 5)), encoded("dd", random_rows(1, 5))])
        assert library.catalog.list_vector_files()["objects"].count == 7
    assert len(content(lib)) == 4 and wrong_with(lib) == []


def test_removed_items_leave_rows_until_a_rebuild(lib):
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        gone = [path for path, known in library.catalog.load_files().items() if known.item_id.endswith("bb")]
        with library.catalog.transaction():
            library.catalog.remove_paths_and_orphans(gone)
        assert library.catalog.list_vector_files()["objects"].count == 6
    held = content(lib)
    assert set(held) == {"00000000000000aa", "00000000000000cc"} and wrong_with(lib) == []
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        library.rebuild()
        assert library.catalog.list_vector_files()["objects"].count == 5
    assert content(lib) == held and wrong_with(lib) == []


def test_a_rebuild_changes_no_row_and_leaves_no_file(lib):
    before = content(lib)
    for generation in ("2", "3"):
        with closing(Library.open(lib)) as library, library.lock_for_writing():
            library.rebuild()
        assert content(lib) == before
        assert [folder.name for folder in (lib / "rows").iterdir()] == [generation]


def test_an_empty_library_can_be_rebuilt(tmp_path):
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.rebuild()
    assert wrong_with(tmp_path / "lib") == []


def test_items_that_stand_nowhere_go(lib):
    """A file whose content changed leaves its old item behind."""
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        path, known = next(
            (p, k) for p, k in library.catalog.load_files().items() if k.item_id.endswith("aa")
        )
        library.record_files([FileUpdate(path=path, stamp=known.stamp, item_id=None, error="damaged")])
        with Engine(library) as engine:
            assert engine.snapshot.find_item("00000000000000aa") is None
        with library.catalog.transaction():
            library.catalog.remove_orphans()
    assert set(content(lib)) == {"00000000000000bb", "00000000000000cc"} and wrong_with(lib) == []


def test_rows_too_large_for_float16_keep_their_direction(tmp_path):
    loud = random_rows(1, 1) * 1e6
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded("aa", sound=loud, modality="audio")])
    kept = np.frombuffer(content(tmp_path / "lib")["00000000000000aa"][0][2]["sound"], np.float16).astype(
        float
    )
    assert np.isfinite(kept).all() and kept @ loud[0] / np.linalg.norm(kept) / np.linalg.norm(loud) > 0.9999


def test_rows_past_the_last_commit_are_ignored_then_cut_off(lib):
    before, file = content(lib), row_file(lib, "objects")
    size = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"half a row that a kill left")
    assert content(lib) == before and wrong_with(lib) == []
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        library.commit([encoded("dd", random_rows(1, 5))])
    assert file.stat().st_size == size + 32
    assert {**before, "00000000000000dd": content(lib)["00000000000000dd"]} == content(lib)


def test_a_commit_is_whole_or_not_at_all(lib, monkeypatch):
    before = content(lib)
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        monkeypatch.setattr(library.catalog, "record_vector_file", lambda vector_file: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library.commit([encoded("dd", random_rows(3, 5), modality="video")])
        monkeypatch.undo()
        assert wrong_with(lib) == [] and content(lib) == before
        library.commit([encoded("dd", random_rows(3, 5), modality="video")])
    assert len(content(lib)["00000000000000dd"]) == 3


def test_sizes_are_told_while_a_writer_takes_files_away(lib, monkeypatch):
    (lib / "link").symlink_to(lib / "gone")
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda top: [*walk(top), (str(lib / "rows" / "9"), [], ["objects.f16"])])
    with closing(Library.open(lib)) as library:
        assert get_library_info(library)["bytes"] > 0


def test_a_path_goes_before_an_id_that_begins_so(lib, monkeypatch):
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        path, stamp = lib.parent / "bb".zfill(16), FileStamp(size=1, mtime_ns=1)
        library.record_files([FileUpdate(path=path, stamp=stamp, item_id="cc".zfill(16), error=None)])
        monkeypatch.chdir(lib.parent)
        assert resolve_paths(library, "bb".zfill(16)) == [path]
        monkeypatch.chdir(lib)
        assert [found.name for found in resolve_paths(library, "bb".zfill(16))] == ["bb.png"]
        with pytest.raises(AffectError, match="more than one"):
            resolve_paths(library, "00000")


def test_trees_are_as_before_if_not_told(lib):
    def kept(*words):
        assert affect("rebuild", "--library", lib, *words).returncode == 0
        with closing(Library.open(lib)) as library:
            settings = IndexSettings.load(library)
            return settings.fill_options(INDEX_KINDS["annoy"])["trees"]

    assert kept() == 40
    assert kept("--index", "annoy") == 40
    assert kept("--trees", "7") == 7
    assert kept() == 7


def test_library_keeps_its_recipe(lib):
    with closing(Library.open(lib)) as library:
        assert library.config == TOYS and library.segment_seconds == 15 and find_problems(library) == []
