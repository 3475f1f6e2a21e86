"""What the server's requests share: the library on its threads, and uploads."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.requests import Request

from encoders import AffectError, to_printable
from retrieval.cluster import MilvusUrl
from retrieval.library_kinds import get_library_kind
from retrieval.library_location import Location
from retrieval.previews import PreviewStore
from retrieval.search import Engine, Query, QueryEncoder
from retrieval.web.catalog_view import CatalogView, open_catalog_view
from retrieval.web.command_job import CommandJob
from retrieval.web.errors import ApiError, ClientGoneError, UnavailableError
from retrieval.web.library_thread import LibraryThread, identify_library
from retrieval.web.uploads import UploadStore

log = logging.getLogger(__name__)
Result = TypeVar("Result")
NO_FOLDER = Path(os.devnull)  # in which no previews are found
JOB_GRACE_SECONDS = 2.5  # at the end of the server, which has `encoders.interrupts.GRACE_SECONDS` itself
CLOSE_SECONDS = 0.5  # to wait for a search in progress at the end of the server
PATIENCE_SECONDS = 2.0  # for a server of Milvus that is away, of which the page then tells
WARM_UP_TEXT = "a photo"
GONE_NOTICE = (
    "{}: the library is not there now; its folder was moved or removed, or its disk is not mounted. The page "
    "goes on once it is back."
)


def shorten_patience(location: Location) -> Location:
    """A location with which requests are not kept waiting while its server is away."""
    if isinstance(location, MilvusUrl):
        return replace(location, patience=min(location.patience, PATIENCE_SECONDS))
    return location


@contextmanager
def open_search_engine(location: Location) -> Iterator[Engine]:
    """Open a library to search it, and answer a query, so that the next is quick. Raises AffectError."""
    with closing(get_library_kind(location).open(location)) as library, Engine(library) as engine:
        with suppress(AffectError):  # of a library whose encoders read no words
            engine.search(Query(text=WARM_UP_TEXT, k=1))
        yield engine


@contextmanager
def open_query_encoder(location: Location) -> Iterator[QueryEncoder]:
    """Open a library to encode uploads as it was encoded. Raises AffectError."""
    with closing(get_library_kind(location).open(location)) as library:
        encoder = QueryEncoder(library)
        try:
            yield encoder
        finally:
            encoder.close()


class Services:
    """What requests share.

    engine:  answers searches
    catalog: answers what is looked up, beside searches that run
    encoder: encodes uploads, beside both
    uploads: what it has encoded
    previews: of its items; none of a library in Milvus
    job:     the command that writes to the library
    is_ending: whether the server is about to end, so that streams of events must
    """

    def __init__(self, location: Location) -> None:
        """Make the threads; nothing is opened yet."""
        self.job = CommandJob(location)
        self.location, self.is_ending = shorten_patience(location), False
        location = self.location
        self.engine: LibraryThread[Engine] = LibraryThread(location, lambda: open_search_engine(location))
        self.catalog: LibraryThread[CatalogView] = LibraryThread(
            location, lambda: open_catalog_view(location)
        )
        self.encoder: LibraryThread[QueryEncoder] = LibraryThread(
            location, lambda: open_query_encoder(location)
        )
        folder = location if isinstance(location, Path) else NO_FOLDER
        self.previews = PreviewStore.open(folder)
        self.uploads = UploadStore()
        self._warming: asyncio.Task[None] | None = None
        self._was_there = identify_library(location) is not None

    def start_warming(self) -> None:
        """Open the library ahead of the first request, unless it is open or being opened."""
        if not self.engine.is_open and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        with suppress(ApiError, AffectError):  # which the page's state tells of
            await self.engine.run(lambda engine: engine.snapshot.item_count)

    def begin_ending(self) -> None:
        """Answer what waits, and end streams of events, so that the server can end soon."""
        self.is_ending = True
        for thread in (self.engine, self.catalog, self.encoder):
            thread.refuse_tasks()

    async def close(self) -> None:
        """Stop the command that runs, and close the library on all threads but those that are busy."""
        self.begin_ending()
        await self.job.stop(JOB_GRACE_SECONDS)
        threads = asyncio.gather(self.engine.close(), self.catalog.close(), self.encoder.close())
        with suppress(TimeoutError):
            await asyncio.wait_for(threads, CLOSE_SECONDS)

    async def describe_job(self) -> dict[str, Any]:
        """The command that runs or ran last, what else writes, and the folders indexed before."""

        def look_up(view: CatalogView) -> tuple[str | None, list[str]]:
            return view.library.find_writer_pid(), [str(root) for root in view.library.catalog.load_roots()]

        try:
            writer, roots = await self.catalog.run(look_up)
        except (ApiError, AffectError):
            writer, roots = None, []  # of a library that is yet to be made, or not there
        own = str(self.job.pid)
        return {**self.job.to_json(), "writer": None if writer == own else writer, "roots": roots}

    def get_state(self) -> tuple[str, str | None]:
        """(state, notice) of the library for the page."""
        if self.is_gone():
            return "missing", GONE_NOTICE.format(to_printable(str(self.location)))
        if identify_library(self.location) is None:
            return "missing", None
        if self.engine.is_open:
            return "ready", None
        return ("unavailable", self.engine.error) if self.engine.error else ("loading", None)

    def check_present(self) -> None:
        """Raises UnavailableError where there was a library and is none now."""
        if self.is_gone():
            raise UnavailableError(GONE_NOTICE.format(to_printable(str(self.location))))

    def is_gone(self) -> bool:
        """Whether there was a library since the server began, and is none now."""
        self._was_there |= (is_there := identify_library(self.location) is not None)
        return self._was_there and not is_there


async def get_services(request: Request) -> Services:
    """What the requests of an application share; as a dependency, see `SharedServices`."""
    services: Services = request.app.state.services
    return services


SharedServices = Annotated[Services, Depends(get_services)]


async def answer_if_connected(request: Request, work: Awaitable[Result]) -> Result:
    """The result of work, which is cancelled when the client closes its connection meanwhile.

    Raises ClientGoneError then.
    """
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        watcher.cancel()
        task.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await request.receive()
