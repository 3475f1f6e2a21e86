"""A library whose spaces were of another version is projected afresh by the next command that needs them."""

import json
import os
import subprocess
import sys
from contextlib import closing

import pytest
from command_output import ok
from library_factory import (
    ROOT,
    affect,
    affect_process,
    content,
    encoded,
    index,
    new_library,
    painted,
    random_rows,
    wrong_with,
)
from stored_library import refused

from retrieval.cli import session
from retrieval.search import IndexSettings
from retrieval.storage import Library, OutdatedSpacesError

SEARCH = ("search", "--item", "00000000000000aa", "--json")
COMMAND = (sys.executable, "-m", "retrieval")
PROJECTION = (
    sys.executable,
    "-c",
    """
import sys
from pathlib import Path
from retrieval.storage import Library
library = Library.open(Path(sys.argv[1]), to_rebuild=True)
with library.lock_for_writing():
    print("locked", flush=True)
    sys.stdin.readline()
    library.rebuild()
""",
)


def start(*words, stdin=None):
    return subprocess.Popen(
        [*map(str, words)], cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def lib(tmp_path):
    """Three photos and a video with sound."""
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded(name, random_rows(1, i)) for i, name in enumerate(("aa", "bb", "dd"))])
        library.commit([encoded("cc", random_rows(4, 3), random_rows(4, 4), modality="video")])
    return tmp_path / "lib"


def make_outdated(lib):
    with closing(Library.open(lib)) as library, library.catalog.transaction():
        signature = json.loads(library.catalog.get_meta("signature"))
        assert "audio space" in signature
        library.catalog.set_meta("signature", json.dumps({**signature, "audio space": "of last year"}))


def test_a_search_projects_afresh_once_and_says_so(lib):
    before, stored = json.loads(ok(*SEARCH, "--library", lib)), content(lib)
    make_outdated(lib)
    done = affect(*SEARCH, "--library", lib)
    assert done.returncode == 0 and json.loads(done.stdout) == before
    assert done.stderr.count("\n") == 1 and "audio space; projecting its rows afresh" in done.stderr
    assert content(lib) == stored and wrong_with(lib) == []
    assert affect(*SEARCH, "--library", lib).stderr == ""


def test_the_kind_of_index_and_its_options_are_kept(lib):
    ok("rebuild", "--library", lib, "--index", "annoy", "--trees", "7")
    make_outdated(lib)
    assert affect(*SEARCH, "--library", lib).returncode == 0
    with closing(Library.open(lib)) as library:
        assert IndexSettings.load(library) == IndexSettings(choice="annoy", options={"trees": 7})
    assert json.loads(ok("verify", "--library", lib, "--json"))["problems"] == []


def test_where_another_process_writes_for_long_it_is_one_line_and_stays(lib, monkeypatch):
    monkeypatch.setattr(session, "MAX_WAIT_SECONDS", 0.0)
    make_outdated(lib)
    with closing(Library.open(lib, to_rebuild=True)) as library, library.lock_for_writing():
        line = refused(lib, *SEARCH)
        assert f"another version of the audio space, and process {os.getpid()} is writing to it" in line
    with pytest.raises(OutdatedSpacesError, match="audio space"):
        Library.open(lib)


@pytest.mark.parametrize("words", [SEARCH, ("index", "MEDIA"), ("export", "--html", "OUT")])
def test_a_projection_of_another_process_is_waited_for(lib, tmp_path, words):
    (tmp_path / "media").mkdir()
    painted(tmp_path / "media" / "photo.png", 1)
    places = {"MEDIA": tmp_path / "media", "OUT": tmp_path / "out.html"}
    make_outdated(lib)
    with start(*PROJECTION, lib, stdin=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == "locked\n"
        with start(*COMMAND, *(places.get(word, word) for word in words), "--library", lib) as waiting:
            assert f"waiting for process {writer.pid}" in waiting.stderr.readline()
            writer.communicate("project\n")
            error = waiting.communicate()[1]
    assert writer.returncode == 0 and waiting.returncode == 0 and "projecting" not in error, error
    assert wrong_with(lib) == []


def test_a_command_projects_where_the_one_it_waited_for_was_killed(lib):
    make_outdated(lib)
    with start(*PROJECTION, lib, stdin=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == "locked\n"
        with start(*COMMAND, *SEARCH, "--library", lib) as waiting:
            assert f"waiting for process {writer.pid}" in waiting.stderr.readline()
            writer.kill()
            error = waiting.communicate()[1]
    assert waiting.returncode == 0 and error.count("projecting its rows afresh") == 1, error


def test_of_three_commands_at_once_one_projects(lib):
    make_outdated(lib)
    commands = [start(*COMMAND, *SEARCH, "--library", lib) for _ in range(3)]
    errors = [command.communicate()[1] for command in commands]
    assert [command.returncode for command in commands] == [0, 0, 0], errors
    assert "".join(errors).count("projecting its rows afresh") == 1, errors


@pytest.mark.slow
def test_a_library_that_may_only_be_read_is_one_line(lib, bound):
    make_outdated(lib)
    places = (lib, *lib.rglob("*"))
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = affect_process(*SEARCH, "--library", lib, prefix=bound)
    for path in places:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done
    assert "another version of the audio space; run: affect rebuild" in done.stderr


def test_an_index_run_projects_afresh_before_it_adds(lib, tmp_path):
    make_outdated(lib)
    (tmp_path / "media").mkdir()
    painted(tmp_path / "media" / "photo.png", 1)
    done = affect("index", tmp_path / "media", "--library", lib)
    assert done.returncode == 0 and "projecting its rows afresh" in done.stderr
    assert wrong_with(lib) == [] and index(lib, tmp_path / "media").unchanged == 1
