"""A full disk loses nothing."""

import os
import resource
import shutil
import subprocess
import sys
from contextlib import closing

import pytest
from library_factory import (
    ENCODERS,
    ROOT,
    affect,
    affect_process,
    content,
    encoded,
    gallery,
    index,
    painted,
    paths,
    random_rows,
    wrong_with,
)
from stored_library import refused

from encoders.base import AffectError
from retrieval.storage import vector_file as rowfile
from retrieval.storage.library import Library


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
