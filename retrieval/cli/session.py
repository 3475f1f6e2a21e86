"""Context managers that open a library, an engine or an input for one command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from encoders import AffectError, to_printable

if TYPE_CHECKING:
    from retrieval.search import Engine
    from retrieval.storage import Library


@contextmanager
def open_any_library(folder: Path) -> Iterator[Library]:
    """Open a library to inspect it or remove items, even if its encoders are not installed."""
    from retrieval.storage import Library

    with closing(Library.open_unchecked(folder)) as library:
        yield library


@contextmanager
def open_engine(folder: Path) -> Iterator[Engine]:
    """Open an engine to search. Raises AffectError if the library's encoders are not installed."""
    from retrieval.search import Engine
    from retrieval.storage import Library

    with closing(Library.open(folder)) as library, Engine(library) as engine:
        yield engine


@contextmanager
def open_for_update(folder: Path) -> Iterator[Library]:
    """Open and lock a library to change its spaces, which may be outdated; then rebuild its index files."""
    from retrieval.search import load_index_kind, load_index_options, rebuild_index
    from retrieval.storage import Library

    with closing(Library.open(folder, to_rebuild=True)) as library, library.lock_for_writing():
        kind = load_index_kind(library)
        options = load_index_options(library, kind)
        yield library
        rebuild_index(library, kind, options)


@contextmanager
def open_input(description: str, path: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input for "-", in binary mode. Raises AffectError if it can't be read."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise AffectError(
            f"{to_printable(path)}: can't be read as {description} ({error.strerror})"
        ) from error
    with stream:
        yield stream
