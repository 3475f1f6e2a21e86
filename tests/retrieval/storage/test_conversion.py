"""Libraries of earlier formats are converted when they are opened, whole or not at all."""

import sqlite3
from contextlib import closing

import pytest
from earlier_formats import to_first_format, to_second_format
from library_factory import affect, content, encoded, random_rows, wrong_with
from stored_library import refused

from retrieval.search import Engine, Query
from retrieval.storage import conversion
from retrieval.storage.library import FileUpdate, Library
from retrieval.storage.locking import lock_folder

LINE = "converted to the format of this version; no media were read\n"


def get_format(lib):
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db:
        return db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0]


def search(lib):
    with closing(Library.open(lib)) as library, Engine(library) as engine:
        return [
            [(hit.id, hit.start, hit.score) for hit in engine.search(Query(item=item, k=9))]
            for item in sorted(item.id for item in library.catalog.list_items())
        ]


@pytest.mark.parametrize("make_earlier", [to_first_format, to_second_format])
def test_a_converted_library_holds_and_finds_the_same(lib, make_earlier):
    before = content(lib), search(lib)
    make_earlier(lib)
    done = affect("list", "--library", lib)
    assert done.returncode == 0 and done.stderr.endswith(LINE) and done.stderr.count("\n") == 1
    assert get_format(lib) == "3" and wrong_with(lib) == []
    assert affect("list", "--library", lib).stderr == ""
    assert (content(lib), search(lib)) == before
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        library.commit([encoded("ee", random_rows(4, 9), modality="video")])
        library.rebuild()
    assert len(content(lib)) == len(before[0]) + 1 and wrong_with(lib) == []


def test_items_without_a_file_stay_out_of_sight(lib):
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        path, known = next(iter(library.catalog.load_files().items()))
        library.record_files([FileUpdate(path=path, stamp=known.stamp, item_id=None, error="damaged")])
    before = search(lib)
    to_second_format(lib)
    assert search(lib) == before and wrong_with(lib) == []


def test_rows_of_deleted_segments_stay_unmapped(lib):
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        library.catalog.remove_paths_and_orphans(sorted(library.catalog.load_files())[:1])
    before = content(lib), search(lib)
    to_second_format(lib)
    assert (content(lib), search(lib)) == before and wrong_with(lib) == []


def test_a_conversion_that_is_killed_leaves_the_library_as_it_was(lib, monkeypatch):
    before = content(lib), search(lib)
    to_second_format(lib)
    with monkeypatch.context() as patched:
        patched.setattr(conversion, "_change_tables", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Library.open(lib)
    assert get_format(lib) == "2"
    assert (content(lib), search(lib)) == before and wrong_with(lib) == []


def test_not_while_another_process_writes_nor_where_nothing_can_be_written(lib, monkeypatch):
    to_second_format(lib)
    with lock_folder(lib):
        assert "is writing to this library" in refused(lib, "list")
    monkeypatch.setattr(conversion.os, "access", lambda path, mode: False)
    assert "can't be converted" in refused(lib, "list")
    assert get_format(lib) == "2"


@pytest.mark.parametrize("damage", ["DELETE FROM meta WHERE key = 'generation'", "DROP TABLE segments"])
def test_a_damaged_catalogue_is_one_line(lib, damage):
    to_second_format(lib)
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db, db:
        db.execute(damage)
    assert "damaged" in refused(lib, "list")
    assert get_format(lib) == "2"
