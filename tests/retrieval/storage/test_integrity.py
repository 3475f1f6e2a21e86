"""Damage of the catalogue and of row files is one clear line, and verify finds it."""

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from library_factory import affect, content, wrong_with
from stored_library import refused, row_file


def test_a_strangers_catalogue_names_no_files_elsewhere(lib):
    precious = lib.parent / "precious.f16"
    precious.write_bytes(b"dear to me")
    for spoil in (
        "UPDATE stores SET name = '../../../precious' WHERE name = 'objects'",
        f"UPDATE stores SET name = '{precious.with_suffix('')}' WHERE name = 'objects'",
        "UPDATE meta SET value = '../..' WHERE key = 'generation'",
        "UPDATE meta SET value = x'2e2e' WHERE key = 'generation'",
    ):
        shutil.copytree(lib, lib.with_name("strange"))
        with closing(sqlite3.connect(lib.with_name("strange") / "catalog.sqlite")) as db, db:
            db.execute(spoil)
        for words in (["info"], ["rebuild"], ["search", "--item", "00000000000000aa"]):
            assert "catalogue" in refused(lib.with_name("strange"), *words)
        shutil.rmtree(lib.with_name("strange"))
    assert precious.read_bytes() == b"dear to me"


def spoil(file, how):
    data = file.read_bytes()
    return {
        "garbage": np.random.default_rng(0).bytes(9000),
        "text": b"not a database\n" * 400,
        "empty": b"",
        "halved": data[: len(data) // 2],
        "a page": data[:4096],
        "holes": data[:4096] + b"\xff" * (len(data) - 4096),
    }[how]


@pytest.mark.parametrize("how", ["garbage", "text", "empty", "halved", "a page", "holes"])
def test_a_broken_catalogue_is_one_clear_line(lib, how):
    file = lib / "catalog.sqlite"
    file.write_bytes(spoil(file, how))
    for words in (["info"], ["list"], ["verify"], ["search", "--item", "00000000000000aa"]):
        done = affect(*words, "--library", lib)
        assert "Traceback" not in done.stderr and done.returncode in (1, 2), (words, done)
        if done.returncode == 2:
            assert "damaged" in done.stderr and done.stderr.count("\n") == 1, done.stderr
        else:
            assert words == ["verify"]  # which goes on to say what is wrong


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_row_file_of_a_space_that_is_missing_or_short(lib, damage):
    before, file = content(lib), row_file(lib, "object.looks")
    file.unlink() if damage == "missing" else file.write_bytes(file.read_bytes()[:-1])
    said = refused(lib, "search", "--item", "00000000000000aa")
    assert str(file) in said and "the catalogue counts on" in said and "affect rebuild" in said
    done = affect("verify", "--library", lib)
    assert done.returncode == 1 and str(file) in done.stdout
    assert affect("list", "--library", lib).returncode == 0
    assert affect("rebuild", "--library", lib).returncode == 0  # spaces are projected afresh
    assert content(lib) == before and wrong_with(lib) == []


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_row_file_of_an_expert_that_is_missing_or_short(lib, damage):
    file = row_file(lib, "objects")
    file.unlink() if damage == "missing" else file.write_bytes(file.read_bytes()[:-1])
    assert "put a backup in its place" in refused(lib, "rebuild")
    assert str(file) in refused(lib, "rebuild")
    assert affect("search", "--item", "00000000000000aa", "--library", lib).returncode == 0
    assert affect("verify", "--library", lib).returncode == 1


def write_segments(lib, name, segments):
    """Let the first rows of a row file belong to other segments."""
    path = row_file(lib, name).with_name(f"{name}.segments.i4")
    stored = np.fromfile(path, "<i4")
    stored[: len(segments)] = segments
    stored.tofile(path)


@pytest.mark.parametrize(
    "column", ["item_ids.s16", "segment_items.i4", "segment_spans.f8", "item_modalities.u1"]
)
@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_column_that_is_missing_or_short(lib, column, damage):
    file = row_file(lib, "objects").with_name(column)
    file.unlink() if damage == "missing" else file.write_bytes(file.read_bytes()[:-1])
    assert str(file) in refused(lib, "search", "--item", "00000000000000aa")
    assert "put a backup in its place" in refused(lib, "rebuild")
    done = affect("verify", "--library", lib)
    assert done.returncode == 1 and str(file) in done.stdout


def test_verify_finds_what_does_not_fit(lib):
    with sqlite3.connect(lib / "catalog.sqlite") as db:
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("UPDATE items SET segment_count = 9 WHERE segment_count = 4")
        db.execute("INSERT INTO removed_items SELECT position FROM items WHERE id LIKE '%bb'")
        db.execute("UPDATE files SET item = 'nobody' WHERE item LIKE '%aa'")
    write_segments(lib, "objects", [0, 0, 99])
    write_segments(lib, "object.looks", [1, 1])
    found = "\n".join(wrong_with(lib))
    for problem in (
        "outside the columns", "differ from their columns", "with a file are marked", "stand for no item",
        "objects.segments.i4: rows belong to no segment", "segments have more than one row",
    ):  # fmt: skip
        assert problem in found, found
    write_segments(lib, "objects", [0, 1, 2])
    rows = row_file(lib, "objects")
    rows.write_bytes(b"\0\x7e" * (rows.stat().st_size // 2))  # NaN all over
    assert "not finite" in "\n".join(wrong_with(lib))


def test_a_catalogue_that_counts_on_other_rows_is_told(lib):
    write_segments(lib, "object.looks", [99])
    assert "affect verify" in refused(lib, "search", "--item", "00000000000000aa")
