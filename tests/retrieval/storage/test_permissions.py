"""Libraries that may only be read, or not even that."""

from contextlib import closing

import pytest
from library_factory import ENCODERS, affect_process, encoded, random_rows

from retrieval.storage.library import Library


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
