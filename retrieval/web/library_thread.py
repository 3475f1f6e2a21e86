"""A library opened on a thread of its own, on which all that is asked of it is done in turn.

SQLite's connections and the engine belong to one thread. The library is opened when it is first needed, and
anew when another one lies at its place; while there is none, what is asked raises UnavailableError.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Generic, TypeVar

from encoders import AffectError, to_printable
from retrieval.library_location import Location
from retrieval.storage import CATALOG_NAME
from retrieval.web.errors import UnavailableError

Session = TypeVar("Session")
Result = TypeVar("Result")
Identity = tuple[int, int] | str


def identify_library(location: Location) -> Identity | None:
    """What tells a library from another one at the same place; None where there is none.

    In Milvus, where a library is never replaced in a moment, its URL.
    """
    if not isinstance(location, Path):
        return str(location)
    try:
        status = (location / CATALOG_NAME).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class LibraryThread(Generic[Session]):
    """Runs tasks on a session of a library, one after the other.

    is_open: whether the session was opened and its library was there at the last task
    error:   why a library that is there could not be opened the last time; empty if it could
    """

    def __init__(
        self, location: Location, open_session: Callable[[], AbstractContextManager[Session]]
    ) -> None:
        self._location, self._open_session = location, open_session
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="library")
        self._stack = ExitStack()
        self._session: Session | None = None
        self._identity: Identity | None = None
        self._is_closing = False
        self.is_open, self.error = False, ""

    async def run(self, task: Callable[[Session], Result]) -> Result:
        """The result of a task. One that is cancelled before its turn is not done.

        Raises UnavailableError where the library is not there or can't be used, and what the task raises.
        """
        return await asyncio.wrap_future(self._executor.submit(self._run, task))

    def refuse_tasks(self) -> None:
        """Let tasks raise UnavailableError from now on, those that wait included."""
        self._is_closing = True

    async def close(self) -> None:
        """Close the session, once the task in progress is done; tasks that wait are not done."""
        self.refuse_tasks()
        await asyncio.wrap_future(self._executor.submit(self._close_session))
        self._executor.shutdown(wait=False)

    def _run(self, task: Callable[[Session], Result]) -> Result:
        if self._is_closing:
            raise UnavailableError("the server is ending")
        return task(self._get_session())

    def _get_session(self) -> Session:
        identity = identify_library(self._location)
        if self._session is not None and identity == self._identity:
            return self._session
        self._close_session()
        self._identity = identity
        if identity is None:
            self.error = ""
            raise UnavailableError(f"{to_printable(str(self._location))}: there is no library at this place")
        try:
            self._session = self._stack.enter_context(self._open_session())
        except AffectError as error:
            self.error = str(error)
            raise UnavailableError(self.error) from error
        self.is_open, self.error = True, ""
        return self._session

    def _close_session(self) -> None:
        self.is_open, self._session = False, None
        with contextlib.suppress(AffectError, OSError):  # of a library that is gone
            self._stack.close()
