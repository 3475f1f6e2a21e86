"""Libraries and engines for the length of one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.engine import Engine
    from retrieval.library import Library


@contextmanager
def any_library(folder: Path) -> Iterator[Library]:
    """To look at or take things out of, even where its encoders are not here."""
    from retrieval.library import Library

    with closing(Library.look(folder)) as library:
        yield library


@contextmanager
def engine_of(folder: Path) -> Iterator[Engine]:
    """To search. Raises AffectError for a library made by encoders that are not here."""
    from retrieval.engine import Engine
    from retrieval.library import Library

    with closing(Library.open(folder)) as library, Engine(library) as engine:
        yield engine
