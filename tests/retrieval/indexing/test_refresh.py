"""What makes an index run read a file again, and libraries of the first format."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from earlier_formats import to_first_format
from library_factory import (
    ENCODERS,
    ROOT,
    affect,
    affect_process,
    content,
    encoded,
    index,
    new_library,
    painted,
    paths,
    wrong_with,
)

from encoders.media import Probe
from retrieval.indexing import file_encoding
from retrieval.report.index_report import format_index_summary
from retrieval.storage.library import Library


@pytest.fixture
def lib(tmp_path):
    return tmp_path / "lib"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    for seed in range(4):
        painted(tmp_path / "root" / f"{seed}.bmp", seed)
    return tmp_path / "root"


def told(progress):
    return progress.indexed, progress.unchanged, progress.rechecked, progress.moved, progress.removed


def rewrite(path, seed):
    """Other content with the same size and times of modification, as by exiftool -P."""
    before = path.stat()
    painted(path, seed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


# -- changed files ----------------------------------------------------------------------------------------


def test_new_content_of_the_same_size_and_time(root, lib):
    index(lib, root)
    before = paths(lib)
    time.sleep(0.02)  # file systems keep times by ticks
    rewrite(root / "1.bmp", 99)
    assert told(index(lib, root)) == (1, 3, 0, 0, 0)
    assert paths(lib)[root / "1.bmp"] != before[root / "1.bmp"] and len(content(lib)) == 4


def test_a_change_of_rights_costs_a_read_once(root, lib, monkeypatch):
    index(lib, root)
    time.sleep(0.02)
    (root / "1.bmp").chmod(0o600)
    with monkeypatch.context() as patched:
        patched.setattr(Library, "commit", None)  # nothing is encoded
        assert told(index(lib, root)) == (0, 3, 1, 0, 0)
        patched.setattr(file_encoding, "DecoderPool", None)  # nor read
        assert told(index(lib, root)) == (0, 4, 0, 0, 0)


def test_recheck_reads_what_looks_unchanged(root, lib):
    (root / "bad.png").write_text("words")
    index(lib, root)
    rewrite(root / "1.bmp", 99)
    later = (root / "1.bmp").stat().st_ctime_ns
    with closing(Library.open(lib)) as library:  # as on a file system that keeps no ctime
        path = os.fsencode(root / "1.bmp")
        library.catalog.execute("UPDATE files SET ctime_ns = ? WHERE path = ?", later, path)
    assert told(index(lib, root)) == (0, 4, 0, 0, 0)
    progress = index(lib, root, recheck=True)
    assert told(progress) == (1, 0, 3, 0, 0) and len(progress.failed) == 1
    assert progress.processed == progress.to_process == 5


# -- the first format -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_library_of_the_first_format_that_can_only_be_read_is_told(root, lib, bound):
    index(lib, root)
    to_first_format(lib)
    everything = (lib, *lib.rglob("*"))
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = affect_process("list", "-l", lib, prefix=bound)
    for path in everything:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "can't be converted" in done.stderr
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() == ("1",)


def test_a_library_of_the_first_format_is_gone_on_with(root, lib, monkeypatch):
    index(lib, root)
    before = content(lib)
    to_first_format(lib)
    with monkeypatch.context() as patched:
        patched.setattr(file_encoding, "DecoderPool", None)  # nothing is read
        assert told(index(lib, root)) == (0, 4, 0, 0, 0)
    assert content(lib) == before and wrong_with(lib) == []
    time.sleep(0.02)
    rewrite(root / "1.bmp", 99)  # from now on it has ctimes
    assert told(index(lib, root)) == (1, 3, 0, 0, 0)


@pytest.mark.parametrize("command", [["remove", "1.bmp"], ["rebuild"]])
def test_other_writers_upgrade_a_library_too(root, lib, command):
    index(lib, root)
    to_first_format(lib)
    done = affect(*[root / word if word == "1.bmp" else word for word in command], "-l", lib)
    assert done.returncode == 0, done
    assert len(paths(lib)) == (3 if command[0] == "remove" else 4) and wrong_with(lib) == []


def test_a_reader_of_the_first_format_goes_on_while_a_writer_upgrades(root, lib):
    index(lib, root)
    to_first_format(lib)
    with closing(Library.open(lib)) as reader:
        assert len(reader.catalog.load_files()) == 4
        index(lib, root)
        assert len(reader.catalog.load_files()) == 4


def test_paths_that_were_dead_before_give_way(root, lib):
    """As the version before left them: both paths of each item are known, the old one is gone."""
    index(lib, root)
    shutil.copytree(root, root.with_name("z_new"))
    index(lib, root.with_name("z_new"))
    to_first_format(lib)
    shutil.rmtree(root)
    assert told(index(lib, root.with_name("z_new"))) == (0, 4, 0, 0, 4)
    assert set(paths(lib)) == {*root.with_name("z_new").iterdir()}


# -- what is told -----------------------------------------------------------------------------------------


def test_duplicates_are_told(root, lib):
    shutil.copy(root / "1.bmp", root / "copy.bmp")
    done = affect("index", root, "-l", lib, "--encoders", ENCODERS)
    assert "  in the library: 5 files, 4 items (1 duplicate)\n" in done.stdout
    facts = json.loads(affect("info", "-l", lib, "--json").stdout)
    assert (facts["files"], facts["duplicates"], facts["items"]) == (5, 1, {"image": 4})


def test_incomplete_files_are_told(lib):
    whole = encoded("aa", [[1.0] * 16])
    part = encoded("bb", [[2.0] * 16])
    probe = {**vars(part.probe), "incomplete_reason": "the last third is missing"}
    object.__setattr__(part, "probe", Probe(**probe))
    with closing(new_library(lib)) as library, library.lock_for_writing():
        library.commit([whole, part])
    rows = [json.loads(line) for line in affect("list", "-l", lib, "--json").stdout.splitlines()]
    assert [row["incomplete"] for row in rows] == [None, "the last third is missing"]
    assert "the last third is missing" in affect("list", "-l", lib).stdout
    assert json.loads(affect("info", "-l", lib, "--json").stdout)["incomplete"] == 1


def test_incomplete_files_of_a_run(root, lib, monkeypatch):
    read = "import dataclasses, encoders.media as m\ndef read(path, *rest):\n"
    read += (
        "    probe, *parts = m.read_media(path, *rest)\n    why = 'cut' if path.name == '2.bmp' else None\n"
    )
    read += "    yield from (dataclasses.replace(probe, incomplete_reason=why), *parts)\n"
    (root.parent / "partly.py").write_text(read)
    monkeypatch.syspath_prepend(str(root.parent))
    pool = file_encoding.DecoderPool
    monkeypatch.setattr(
        file_encoding, "DecoderPool", lambda *given, reader: pool(*given, reader="partly:read")
    )
    progress = index(lib, root)
    assert progress.incomplete == {str(root / "2.bmp"): "cut"} and progress.indexed == 4
    assert f"  incomplete: {root / '2.bmp'}: cut" in list(format_index_summary(progress, lib))


NAMES = (b"new\nline.bmp", b"esc\x1b[31m.bmp", b"caf\xe9.bmp", b"back\\x0aslash.bmp")


def test_paths_in_json_can_be_opened(root, lib):
    for seed, name in enumerate(NAMES):
        painted(root / "next.bmp", seed + 10).rename(root / os.fsdecode(name))
    bad = root / os.fsdecode(b"bad\xff\n.png")
    bad.write_text("words")
    made = affect("index", root, "-l", lib, "--json", "--encoders", ENCODERS).stdout
    assert [Path(entry["path"]) for entry in json.loads(made)["failed"]] == [bad]
    listed = affect("list", "-l", lib, "--json").stdout.splitlines()
    assert {Path(json.loads(line)["path"]) for line in listed} == {*root.iterdir()} - {bad}
    failed = json.loads(affect("list", "-l", lib, "--json", "--failed").stdout)
    assert Path(failed["path"]) == bad
    people = affect("list", "-l", lib).stdout + affect("list", "-l", lib, "--failed").stdout
    people += affect("index", root, "-l", lib).stdout
    assert "\x1b" not in people and "new\\x0aline.bmp" in people and "bad\\xff\\x0a.png" in people
    (root / os.fsdecode(b"caf\xe9.bmp")).unlink()
    gone = json.loads(affect("verify", "-l", lib, "--json").stdout)["missing"]
    assert gone == [str(root / os.fsdecode(b"caf\xe9.bmp"))]
    removed = json.loads(affect("remove", root, "-l", lib, "--json").stdout)["removed"]
    assert {Path(path) for path in removed} >= {*root.iterdir()}


def test_progress_without_a_terminal(root, lib):
    code = "from retrieval import progress_reporter; from retrieval.cli.main import main; "
    code += "progress_reporter.PLAIN_LINE_SECONDS = 0; main()"
    words = "index", root, "-l", lib, "--encoders", ENCODERS, "--json"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    assert done.returncode == 0 and json.loads(done.stdout)["indexed"] == 4
    assert any(line.startswith("affect: indexing: 4 of 4 files, ") for line in lines), lines
