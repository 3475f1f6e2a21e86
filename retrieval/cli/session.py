"""Context managers that open a library, an engine or an input for one command."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from encoders import AffectError, MissingBackendError, to_printable
from retrieval.library_location import Location

if TYPE_CHECKING:
    from retrieval.search import Engine
    from retrieval.storage import AnyLibrary, Library

MAX_WAIT_SECONDS = 60.0  # for another process that projects a library afresh; most take a few seconds


@contextmanager
def open_any_library(location: Location) -> Iterator[AnyLibrary]:
    """Open a library to inspect it or remove items, even if its encoders are not installed."""
    from retrieval.library_kinds import get_library_kind

    with closing(get_library_kind(location).open_unchecked(location)) as library:
        yield library


@contextmanager
def open_engine(location: Location) -> Iterator[Engine]:
    """Open an engine to search. Raises AffectError if the library's encoders are not installed."""
    from retrieval.search import Engine

    with closing(open_current_library(location)) as library, Engine(library) as engine:
        yield engine


def open_current_library(location: Location) -> AnyLibrary:
    """Open a library, one in a folder as `open_current_folder` does. Raises AffectError as that does."""
    from retrieval.library_kinds import get_library_kind

    if isinstance(location, Path):
        return open_current_folder(location)
    return get_library_kind(location).open(location)


def open_current_folder(folder: Path) -> Library:
    """Open a library in a folder; where only its spaces are outdated, its rows are projected afresh first.

    Another process that is doing so, or writes for another reason, is waited for, for MAX_WAIT_SECONDS.

    Raises OutdatedSpacesError where it can't be written, and AffectError where that process goes on for
    longer and as `Library.open` does.
    """
    from retrieval.storage import Library, LockedLibraryError, OutdatedSpacesError

    try:
        return Library.open(folder)
    except OutdatedSpacesError as outdated:
        try:
            _project_afresh(folder)
        except LockedLibraryError as error:
            raise AffectError(
                f"{to_printable(folder)}: made by another version of the {', '.join(outdated.spaces)}, and "
                f"process {error.writer_pid} is writing to it; run this again when that is done"
            ) from error
        except MissingBackendError:
            raise
        except AffectError as error:
            raise outdated from error
    return Library.open(folder)


def _project_afresh(folder: Path) -> None:
    """Project the rows of outdated spaces, unless another process does so first.

    Raises LockedLibraryError where that process writes for longer than MAX_WAIT_SECONDS.
    """
    from retrieval.storage import Library, LockedLibraryError

    deadline = time.monotonic() + MAX_WAIT_SECONDS
    has_told = False
    with closing(Library.open(folder, to_rebuild=True)) as library:
        while _list_outdated_spaces(library):
            try:
                with library.lock_for_writing():  # waits a moment by itself, so this loop need not
                    _project_locked(library)
            except LockedLibraryError as error:
                if time.monotonic() > deadline:
                    raise
                if not has_told:
                    log_progress(
                        f"{to_printable(folder)}: waiting for process {error.writer_pid}, which writes to it"
                    )
                has_told = True


def _project_locked(library: Library) -> None:
    """Project the rows of a locked library, whose lock may have been free only after another process had."""
    if spaces := _list_outdated_spaces(library):
        log_progress(
            f"{to_printable(library.folder)}: made by another version of the {', '.join(spaces)}; "
            "projecting its rows afresh (no media are read)"
        )
        with rebuild_index_after(library):
            library.rebuild()


def _list_outdated_spaces(library: Library) -> Sequence[str]:
    from retrieval.storage import OutdatedSpacesError

    library.refresh_pipeline()
    try:
        library.check_signature(check_spaces=True)
    except OutdatedSpacesError as outdated:
        return outdated.spaces
    return ()


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
