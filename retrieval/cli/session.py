"""Libraries and engines for the length of one command."""

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
    """To look at or take things out of, even where its encoders are not here."""
    from retrieval.storage import Library

    with closing(Library.open_unchecked(folder)) as library:
        yield library


@contextmanager
def open_engine(folder: Path) -> Iterator[Engine]:
    """To search. Raises AffectError for a library made by encoders that are not here."""
    from retrieval.search import Engine
    from retrieval.storage import Library

    with closing(Library.open(folder)) as library, Engine(library) as engine:
        yield engine


@contextmanager
def open_for_update(folder: Path) -> Iterator[Library]:
    """To project anew: it may be of other spaces, is locked for writing, and its index files follow."""
    from retrieval.search import load_index_kind, load_index_options, rebuild_index
    from retrieval.storage import Library

    with closing(Library.open(folder, to_rebuild=True)) as library, library.lock_for_writing():
        kind = load_index_kind(library)
        options = load_index_options(library, kind)
        yield library
        rebuild_index(library, kind, options)


@contextmanager
def open_input(description: str, path: Path) -> Iterator[BinaryIO]:
    """A file's bytes, or standard input for "-". Raises AffectError: it can't be read as `description`."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = path.open("rb")
    except OSError as bad:
        raise AffectError(f"{to_printable(path)}: can't be read as {description} ({bad.strerror})") from bad
    with opened:
        yield opened
