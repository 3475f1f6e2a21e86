"""Previews cost nothing else: absent, damaged, unwritable, killed, or read while they are written."""

import logging
import os
import random
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from library_factory import ROOT, affect, affect_process, content, index, painted, paths, wrong_with

from retrieval.previews import PREVIEWS_NAME, FaceBox, ItemPreview, PreviewStore, PreviewWriter
from retrieval.previews.item_preview import pack_faces, unpack_faces

MUTILATIONS = {
    "no database": lambda path: path.write_bytes(b"no database" * 1000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "other version": lambda path: run_sql(path, "PRAGMA user_version = 99"),
    "other tables": lambda path: run_sql(path, "DROP TABLE items"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


def run_sql(path, statement):
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)


def read_all(store, items):
    return {item: (store.load_image(item, None), store.load_faces(item)) for item in items}


def test_no_store_is_empty_and_silent(tmp_path, caplog):
    store = PreviewStore.open(tmp_path)
    assert store.load_image("aa", None) is store.load_image("aa", 3.0) is store.load_peaks("aa") is None
    assert store.load_faces("aa") == [] and store.list_missing(["bb", "aa"]) == ["bb", "aa"]
    assert not caplog.records and list(tmp_path.iterdir()) == []


def test_a_store_that_comes_later_is_found(tmp_path):
    store = PreviewStore.open(tmp_path)
    assert store.load_image("aa", None) is None
    with closing(PreviewWriter(tmp_path)) as writer:
        writer.add({"aa": ItemPreview(images=[(None, b"jpeg")])})
    assert store.load_image("aa", None) == b"jpeg" and store.list_missing(["aa", "bb"]) == ["bb"]


faces = st.builds(
    FaceBox, st.none() | st.floats(0, 1e5, width=32), *[st.floats(0, 1, width=32) for _ in range(5)]
)


@given(st.lists(faces, max_size=5))
def test_faces_come_back(boxes):
    packed = pack_faces(boxes)
    assert (unpack_faces(packed) if packed else []) == boxes


def test_adding_replaces(tmp_path):
    face = FaceBox(1.5, 0.25, 0.5, 0.125, 0.25, 1.0)
    peaks = np.arange(9, dtype=np.uint8)
    with closing(PreviewWriter(tmp_path)) as writer:
        writer.add({"aa": ItemPreview(images=[(1.0, b"1"), (2.0, b"2"), (3.0, b"3")], duration=4.0)})
        writer.add({"aa": ItemPreview(images=[(9.0, b"9")], peaks=peaks, duration=10.0, faces=[face])})
        store = PreviewStore.open(tmp_path)
        assert store.load_image("aa", 1.0) == b"9" and store.load_faces("aa") == [face]
        found, seconds = store.load_peaks("aa")
        assert found.tolist() == peaks.tolist() and seconds == 10.0
        assert writer.keep_only({"aa", "bb"}) == {"bb"}
        assert writer.keep_only({"bb"}) == {"bb"}
        assert store.load_image("aa", 1.0) is None and store.list_missing(["aa"]) == ["aa"]


def test_without_a_store_all_items_lack_a_preview_unless_none_can_be_written(tmp_path):
    with closing(PreviewWriter(tmp_path)) as writer:
        assert writer.keep_only({"aa"}) == {"aa"} and not (tmp_path / PREVIEWS_NAME).exists()
    (tmp_path / PREVIEWS_NAME).mkdir()
    with closing(PreviewWriter(tmp_path)) as writer:
        assert writer.keep_only({"aa"}) == set()


@pytest.mark.parametrize("mutilate", MUTILATIONS.values(), ids=MUTILATIONS)
def test_a_damaged_store_costs_no_more_than_previews(lib, media, mutilate, caplog, recwarn):
    items, before = [*paths(lib).values()], content(lib)
    with closing(PreviewStore.open(lib)) as store:
        whole = read_all(store, items)
        store.close()
        mutilate(lib / PREVIEWS_NAME)
        for _ in range(3):
            found = read_all(store, items)  # nothing, or of a file that is damaged in part, what is whole
            assert all(jpeg in (None, whole[item][0]) and not boxes for item, (jpeg, boxes) in found.items())
        assert len(caplog.records) <= 1
        assert affect("search", "words", "-l", lib).returncode == 0
        if (lib / PREVIEWS_NAME).is_dir():
            assert affect("index", media, "-l", lib).returncode == 0
            return
        done = affect("index", media, "-l", lib)
        assert done.returncode == 0 and "Traceback" not in done.stderr
        assert content(lib) == before and affect("verify", "-l", lib).stdout == "all is well\n"
        again = read_all(store, items)
        assert {item for item in items if again[item][0]} == {item for item in items if whole[item][0]}


def test_verify_tells_of_damage(lib):
    path = lib / PREVIEWS_NAME
    data = bytearray(path.read_bytes())
    data[4096:8192] = os.urandom(4096)
    path.write_bytes(data)
    said = affect("verify", "-l", lib)
    assert said.returncode == 1 and f"{path}: damaged (" in said.stdout and wrong_with(lib) == []


@pytest.mark.parametrize("was_read", [False, True])
def test_a_library_that_can_only_be_read(lib, bound, was_read):
    item = next(item for path, item in paths(lib).items() if path.suffix == ".png")
    if was_read:  # then the files of a log may lie beside
        with closing(PreviewStore.open(lib)) as store:
            assert store.load_image(item, None)
    for path in lib.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    lib.chmod(0o555)
    code = "import sys; from pathlib import Path; from retrieval.previews import PreviewStore\n"
    code += "print(len(PreviewStore.open(Path(sys.argv[1])).load_image(sys.argv[2], None)))"
    done = subprocess.run(
        [*bound, sys.executable, "-c", code, lib, item], capture_output=True, text=True, cwd=ROOT
    )
    lib.chmod(0o755)
    assert done.stdout.strip().isdigit() and not done.stderr, done.stderr


def test_readers_see_whole_items_while_a_writer_writes(tmp_path):
    """Images of an item are written together, so a reader sees all of them or none."""
    store, stop, wrong, seen = PreviewStore.open(tmp_path), threading.Event(), [], set()

    def read():
        while not stop.is_set():
            for number in range(200):
                found = [store.load_image(f"{number:016}", at) for at in (0.0, 5.0)]
                if None not in found:
                    seen.add(number)
                    wrong.extend(jpeg for jpeg in found if jpeg != bytes([number]) * 9000)
                if found[0] is not None and found[1] is None:
                    wrong.append(number)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with closing(PreviewWriter(tmp_path)) as writer:
        for number in range(200):
            jpeg = bytes([number]) * 9000
            writer.add({f"{number:016}": ItemPreview(images=[(0.0, jpeg), (5.0, jpeg)])})
    while len(seen) < 200 and not wrong:
        pass
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong and len(seen) == 200


WRITE = """
import sys
from pathlib import Path
from retrieval.previews import ItemPreview, PreviewWriter
writer = PreviewWriter(Path(sys.argv[1]))
for number in range(10**6):
    writer.add({f"{number:016}": ItemPreview(images=[(float(i), bytes(9000)) for i in range(3)])})
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_items(tmp_path):
    rng = random.Random(4)
    for _ in range(4):
        run = subprocess.Popen([sys.executable, "-c", WRITE, tmp_path], cwd=ROOT, stdout=subprocess.PIPE)
        numbers = [run.stdout.readline() for _ in range(rng.randrange(40, 150))]
        run.kill()
        numbers += run.communicate()[0].splitlines(keepends=True)
        last = max(int(number) for number in numbers if number.endswith(b"\n"))
        with closing(PreviewStore.open(tmp_path)) as store:
            assert store.list_missing(f"{number:016}" for number in range(last + 1)) == []
        with closing(sqlite3.connect(tmp_path / PREVIEWS_NAME)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            counts = db.execute("SELECT DISTINCT count(*) FROM images GROUP BY item").fetchall()
            assert counts == [(3,)]


def test_a_store_that_cannot_be_written_costs_no_run(lib, media, caplog):
    painted(media / "new.png", 60)
    (lib / PREVIEWS_NAME).unlink()
    (lib / PREVIEWS_NAME).mkdir()
    with caplog.at_level(logging.WARNING):
        assert index(lib, media).indexed == 1
    assert [record for record in caplog.records if "previews are not written" in record.getMessage()]
    assert media / "new.png" in paths(lib) and wrong_with(lib) == []
    (lib / PREVIEWS_NAME).rmdir()
    assert "8 items got previews" in affect("index", media, "-l", lib).stdout


@pytest.mark.slow
def test_an_index_run_with_previews_from_the_command(tmp_path, media):
    """In processes of their own, as people run it."""
    done = affect_process("index", media, "-l", tmp_path / "lib")
    assert done.returncode == 0, done.stderr
    (tmp_path / "lib" / PREVIEWS_NAME).unlink()
    done = affect_process("index", media, "-l", tmp_path / "lib")
    assert "7 items got previews" in done.stdout
