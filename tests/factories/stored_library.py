"""Row files of a library, and what the command says of one it can't use."""

from contextlib import closing

from library_factory import affect

from retrieval.storage.library import Library


def row_file(lib, store):
    with closing(Library.open(lib)) as library:
        return lib / library.catalog.list_vector_files()[store].relative_path


def refused(lib, *words):
    """What the command says of a library it can't use: one line, exit code 2."""
    done = affect(*words, "--library", lib)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("affect: ")
    return done.stderr
