"""Context managers that open a library, an engine or an input for one command."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

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

    with closing(open_current_library(folder)) as library, Engine(library) as engine:
        yield engine


def open_current_library(folder: Path) -> Library:
    """Open a library; where only its spaces are outdated, its rows are projected afresh first.

    Raises OutdatedSpacesError where it can't be written or another process writes to it, and AffectError as
    `Library.open` does.
    """
    from retrieval.storage import Library, OutdatedSpacesError

    try:
        return Library.open(folder)
    except OutdatedSpacesError as outdated:
        try:
            _project_afresh(folder, outdated.spaces)
        except AffectError as error:
            raise outdated from error
    return Library.open(folder)


def _project_afresh(folder: Path, outdated_spaces: Sequence[str]) -> None:
    with open_for_update(folder) as library:
        click.echo(
            f"affect: {to_printable(folder)}: made by another version of the {', '.join(outdated_spaces)}; "
            "projecting its rows afresh (no media are read)",
            err=True,
        )
        library.rebuild()


@contextmanager
def open_for_update(folder: Path) -> Iterator[Library]:
    """Open and lock a library to change its spaces, which may be outdated; then rebuild its index files."""
    from retrieval.storage import Library

    with (
        closing(Library.open(folder, to_rebuild=True)) as library,
        library.lock_for_writing(),
        rebuild_index_after(library),
    ):
        yield library


@contextmanager
def rebuild_index_after(library: Library) -> Iterator[None]:
    """Build a locked library's index files anew after its rows have changed, of the kind they were."""
    from retrieval.search import IndexSettings, rebuild_index

    settings = IndexSettings.load(library)
    yield
    rebuild_index(library, settings, log_progress)


def log_progress(line: str) -> None:
    """Write a line of progress to standard error."""
    click.echo(f"affect: {line}", err=True)


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
