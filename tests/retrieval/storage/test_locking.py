"""Two processes, and two connections, on one library."""

import fcntl
import json
import subprocess
import sys
from contextlib import closing

from library_factory import ROOT, affect
from stored_library import refused

from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.library import Library
from retrieval.storage.locking import LOCK_NAME, find_writer_pid

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


def test_a_writer_is_not_named_after_the_one_before(lib):
    """Between taking the lock and writing its own id it is unknown."""
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        pass
    with (lib / LOCK_NAME).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert find_writer_pid(lib) == "unknown"


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
