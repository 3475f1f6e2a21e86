import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from library_factory import (
    ENCODERS,
    ROOT,
    TOYS,
    affect,
    affect_process,
    content,
    encoded,
    gallery,
    index,
    new_library,
    painted,
    paths,
    random_rows,
    wrong_with,
)

from encoders.base import AffectError
from retrieval.report.library_info import get_library_info, resolve_paths
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage import schema
from retrieval.storage import vector_file as rowfile
from retrieval.storage.file_stamps import FileStamp
from retrieval.storage.integrity import find_problems
from retrieval.storage.library import FileUpdate, Library


@pytest.fixture
def lib(tmp_path):
    """A library of three items: two photos and a video of four segments with sound."""
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded("aa", random_rows(1, 1)), encoded("bb", random_rows(1, 2))])
        library.commit([encoded("cc", random_rows(4, 3), random_rows(4, 4), modality="video")])
    return tmp_path / "lib"


def row_file(lib, store):
    with closing(Library.open(lib)) as library:
        return lib / library.catalog.list_vector_files()[store].relative_path


def refused(lib, *words):
    """What the command says of a library it can't use: one line, exit code 2."""
    done = affect(*words, "--library", lib)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("affect: ")
    return done.stderr


# -- the plain path ---------------------------------------------------------------------------------------


def test_a_new_library_is_empty_and_whole(tmp_path):
    new_library(tmp_path / "deep" / "down").close()
    assert wrong_with(tmp_path / "deep" / "down") == []
    assert content(tmp_path / "deep" / "down") == {}


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
            assert "00000000000000aa" not in engine.snapshot.item_ids
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


# -- interrupted writing ----------------------------------------------------------------------------------


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
        monkeypatch.setattr(library.catalog, "map_rows_to_segments", lambda pairs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library.commit([encoded("dd", random_rows(3, 5), modality="video")])
        monkeypatch.undo()
        assert wrong_with(lib) == [] and content(lib) == before
        library.commit([encoded("dd", random_rows(3, 5), modality="video")])
    assert len(content(lib)["00000000000000dd"]) == 3


@pytest.mark.parametrize("left_over", ["lock", *schema.UNFINISHED_NAMES])
def test_a_kill_while_a_library_is_made_is_no_hindrance(tmp_path, left_over):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / left_over).write_bytes(b"\0" * 700)
    assert not Library.exists(tmp_path / "lib")
    new_library(tmp_path / "lib").close()
    assert wrong_with(tmp_path / "lib") == []


def test_no_catalogue_without_its_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "SCHEMA", schema.SCHEMA + "; CREATE NONSENSE")
    with pytest.raises(AffectError):
        new_library(tmp_path / "lib")
    assert not Library.exists(tmp_path / "lib")


def test_a_rebuild_on_a_full_disk_leaves_all_as_it_was(lib, monkeypatch):
    before = content(lib)
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        monkeypatch.setattr(rowfile, "append_rows", full_disk)
        with pytest.raises(AffectError, match="no space left"):
            library.rebuild()
    monkeypatch.undo()
    assert content(lib) == before and [folder.name for folder in (lib / "rows").iterdir()] == ["1"]


def full_disk(file, count, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"half")
    raise OSError(28, "No space left on device")


# -- refusals ---------------------------------------------------------------------------------------------


def test_a_folder_of_other_things_is_refused(tmp_path):
    painted(tmp_path / "photo.png", 1)
    with pytest.raises(AffectError, match="holds no library"):
        new_library(tmp_path)
    with pytest.raises(AffectError, match="holds no library"):
        new_library(tmp_path / "photo.png")


def test_no_library(tmp_path):
    assert "no library here" in refused(tmp_path, "info")
    assert "no library here" in refused(tmp_path / "nowhere", "list")


def test_a_library_of_other_encoders_is_refused(lib):
    with closing(Library.open(lib)) as library, library.catalog.transaction():
        made = json.loads(library.catalog.get_meta("signature"))
        library.catalog.set_meta("signature", json.dumps({**made, "objects": "clip/512/abc"}))
    for words in (["search", "--item", "00000000000000aa"], ["index", lib.parent], ["rebuild"]):
        said = refused(lib, *words)
        assert "other encoders" in said and "clip/512/abc" in said


def test_without_its_encoders_a_library_can_be_looked_at_and_emptied(lib):
    with closing(Library.open(lib)) as library, library.catalog.transaction():
        library.catalog.set_meta(
            "recipe", library.catalog.get_meta("recipe").replace("toy-frames", "gone-frames")
        )
    assert "gone-frames" in refused(lib, "search", "--item", "00000000000000aa")
    for words in (["info"], ["list"], ["verify"], ["remove", "00000000000000aa"]):
        done = affect(*words, "--library", lib)
        assert (done.returncode, done.stderr) == (0, ""), done


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


def set_modes(folder, folders, files):
    for path in (folder, *folder.rglob("*")):
        path.chmod(folders if path.is_dir() else files)


LOOKS = (["search", "--item", "00000000000000aa"], ["info"], ["list"], ["verify"])


@pytest.mark.slow
@pytest.mark.parametrize("written_meanwhile", [False, True])
def test_a_library_that_may_only_be_read(lib, bound, written_meanwhile):
    """Either nobody else has it open, or its owner has: then SQLite's log holds what is newest."""
    with closing(Library.open(lib)) as library:
        if not written_meanwhile:
            library.close()
        else:
            with library.lock_for_writing():
                library.commit([encoded("dd", random_rows(1, 5))])
        assert (lib / "catalog.sqlite-wal").exists() == written_meanwhile
        set_modes(lib, 0o555, 0o444)
        done = [affect_process(*words, "--library", lib, prefix=bound) for words in LOOKS]
        removed = affect_process("remove", "00000000000000aa", "--library", lib, prefix=bound)
        set_modes(lib, 0o755, 0o644)
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * len(LOOKS), done
    assert ("dd.png" in done[2].stdout) == written_meanwhile
    assert removed.returncode == 2 and removed.stderr.count("\n") == 1, removed


@pytest.mark.slow
def test_a_library_one_may_not_look_into_is_one_line(lib, bound):
    lib.chmod(0)
    done = [
        affect_process(*words, "--library", where, prefix=bound)
        for where in (lib, lib / "deeper")
        for words in (*LOOKS, ["index", lib.parent, "--encoders", ENCODERS])
    ]
    lib.chmod(0o755)
    for one in done:
        assert one.returncode == 2 and one.stderr.count("\n") == 1, one
        assert "permission denied" in one.stderr


def test_sizes_are_told_while_a_writer_takes_files_away(lib, monkeypatch):
    (lib / "link").symlink_to(lib / "gone")
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda top: [*walk(top), (str(lib / "rows" / "9"), [], ["objects.f16"])])
    with closing(Library.open(lib)) as library:
        assert get_library_info(library)["bytes"] > 0


def test_other_encoders_for_a_library_that_is_there_are_refused(lib):
    said = refused(lib, "index", lib.parent, "--encoders", "objects=toy-frames,sound=,tone=,faces=,text=")
    assert "made with the encoders" in said
    assert "made with segments of 15 s" in refused(lib, "index", lib.parent, "--segment", "5")


def test_a_library_of_a_later_format_is_refused(lib):
    with closing(Library.open(lib)) as library:
        library.catalog.set_meta("format", "99")
    assert "format 99" in refused(lib, "info")


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


def test_verify_finds_what_does_not_fit(lib):
    with sqlite3.connect(lib / "catalog.sqlite") as db:
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("DELETE FROM segments WHERE number = 2")
        db.execute("UPDATE rows SET row = 99 WHERE row = 0 AND store = 'objects'")
        db.execute("UPDATE files SET item = 'nobody' WHERE item LIKE '%aa'")
    found = "\n".join(wrong_with(lib))
    for problem in ("belong to no segment", "no row file has", "lack a segment", "stand for no item"):
        assert problem in found
    rows = row_file(lib, "objects")
    rows.write_bytes(b"\0\x7e" * (rows.stat().st_size // 2))  # NaN all over
    assert "not finite" in "\n".join(wrong_with(lib))


def test_a_catalogue_that_counts_on_other_rows_is_told(lib):
    with sqlite3.connect(lib / "catalog.sqlite") as db:
        db.execute("UPDATE rows SET row = 99 WHERE row = 0 AND store = 'object.looks'")
    assert "affect verify" in refused(lib, "search", "--item", "00000000000000aa")


# -- two processes ----------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from retrieval.storage.library import Library
library = Library.open(Path(sys.argv[1]))
with library.lock_for_writing():
    print("writing", flush=True)
    sys.stdin.readline()
"""


def test_a_second_writer_is_told_and_readers_go_on(lib):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, lib],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout.readline() == "writing\n"
        for words in (["index", lib.parent], ["rebuild"], ["remove", "00000000000000aa"]):
            assert f"process {writer.pid} is writing to this library" in refused(lib, *words)
        done = affect("search", "--item", "00000000000000aa", "--library", lib, "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["results"]
        assert affect("list", "--library", lib).returncode == 0
    finally:
        writer.communicate("\n")
    assert affect("remove", "00000000000000aa", "--library", lib).returncode == 0


def test_a_dead_writer_leaves_no_lock(lib):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, lib],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout.readline() == "writing\n"
    writer.kill()
    writer.communicate()
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        pass


def test_an_engine_sees_a_rebuild_of_another_connection(lib):
    with closing(Library.open(lib)) as reader, Engine(reader) as engine:
        first = engine.search(Query(item="00000000000000aa"))
        with closing(Library.open(lib)) as writer, writer.lock_for_writing():
            writer.rebuild()
        assert engine.search(Query(item="00000000000000aa")) == first
        assert engine.snapshot.generation == "2"


# -- full disk --------------------------------------------------------------------------------------------

FILLER = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests/factories")
from library_factory import encoded, random_rows
from encoders.base import AffectError
from retrieval.storage.library import Library
library = Library.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with library.lock_for_writing():
        library.commit([encoded("ee", random_rows(int(sys.argv[3]), 1), modality="video")])
except AffectError as bad:
    sys.exit(str(bad))
"""


@pytest.mark.parametrize(("limit", "segments"), [(30_000, 5000), (4096, 40)])
def test_a_write_that_fails_loses_nothing(lib, limit, segments):
    """EFBIG from the kernel: first in a row file, then in SQLite's log."""
    before = content(lib)
    done = subprocess.run(
        [sys.executable, "-c", FILLER, lib, str(limit), str(segments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "no space left to write" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1
    assert content(lib) == before and wrong_with(lib) == []
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        library.commit([encoded("ee", random_rows(segments, 1), modality="video")])
    assert len(content(lib)["00000000000000ee"]) == segments and wrong_with(lib) == []


def test_indexing_on_a_full_disk_is_one_clear_line(tmp_path):
    index(tmp_path / "lib", gallery(tmp_path / "media", photos=2))
    before = content(tmp_path / "lib")
    more = tmp_path / "more"
    more.mkdir()
    for seed in range(100, 180):
        painted(more / f"{seed}.png", seed)
    done = affect_process("index", more, "--library", tmp_path / "lib", preexec_fn=lambda: file_size(25_000))
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "no space left to write" in done.stderr.splitlines()[-1]
    assert before.items() <= content(tmp_path / "lib").items() and wrong_with(tmp_path / "lib") == []
    assert affect("index", more, "--library", tmp_path / "lib").returncode == 0
    assert len(content(tmp_path / "lib")) == len(before) + 80 and wrong_with(tmp_path / "lib") == []


def file_size(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system takes root")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("no small file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_disk_that_is_really_full(tmp_path, small_disk):
    media, lib = gallery(tmp_path / "media", photos=2), small_disk / "lib"
    index(lib, media)
    before = content(lib)
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
        while True:
            filler.write(bytes(4096))
    for seed in range(100, 120):
        painted(media / f"{seed}.png", seed)
    done = affect("index", media, "--library", lib)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "no space left to write" in done.stderr.splitlines()[-1]
    assert "no space left to write" in refused(lib, "rebuild")
    (small_disk / "filler").unlink()
    assert content(lib) == before and wrong_with(lib) == []
    assert affect("index", media, "--library", lib).returncode == 0
    assert before.items() <= content(lib).items() and len(paths(lib)) == len(before) + 20


def test_no_room_for_a_library_at_all(tmp_path, small_disk):
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
        while True:
            filler.write(bytes(4096))
    media = gallery(tmp_path / "media", photos=1)
    said = refused(small_disk / "lib", "index", media, "--encoders", ENCODERS)
    assert "no space left" in said
    (small_disk / "filler").unlink()
    assert affect("index", media, "--library", small_disk / "lib", "--encoders", ENCODERS).returncode == 0


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
            return json.loads(library.catalog.get_meta("index")).get("trees")

    assert kept() is None
    assert kept("--index", "annoy") == 40
    assert kept("--trees", "7") == 7
    assert kept() == 7


def test_library_keeps_its_recipe(lib):
    with closing(Library.open(lib)) as library:
        assert library.config == TOYS and library.segment_seconds == 15 and find_problems(library) == []
