"""`/api/index` and `/api/sample`: indexing from the page, and its progress as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from encoders import AffectError, describe_os_error, to_printable
from retrieval.library_location import require_folder
from retrieval.samples import create_sample_media
from retrieval.web.api_description import describe, describe_body
from retrieval.web.errors import ApiError, JsonAnswer
from retrieval.web.schemas import Job
from retrieval.web.services import Services, SharedServices

router = APIRouter()
MAX_PATHS = 100
POLL_SECONDS = 1.0  # between looks at what was committed
HEARTBEAT_POLLS = 15  # without news until a line is sent, which finds clients that have gone
EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class IndexRequest(BaseModel):
    """Folders to index."""

    model_config = ConfigDict(extra="forbid")

    paths: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        min_length=1, max_length=MAX_PATHS, description="absolute folders on the server's machine"
    )
    retry: bool = Field(False, description="try files again that could not be read before")


async def start_indexing(
    services: Services, paths: list[Path], *options: str, prepare: Callable[[], object] = lambda: None
) -> Response:
    """Start an index run, and tell of it. Raises ApiError where the library is gone or a command runs."""
    services.check_present()
    words = ["index", "--json", "--progress", *options]
    services.job.start("index", [*words, "--", *map(str, paths)], prepare)
    return JsonAnswer(await services.describe_job(), 202)


@router.get("/api/index", responses=describe(Job))
async def get_index(services: SharedServices) -> Response:
    """The index run in progress, or the last one, and the folders indexed before."""
    return JsonAnswer(await services.describe_job())


@router.post("/api/index", status_code=202, responses=describe(Job, 409, status=202))
async def post_index(body: IndexRequest, services: SharedServices) -> Response:
    """Index folders, or bring them up to date, in a process of its own."""
    folders = [parse_existing_folder(path) for path in body.paths]
    return await start_indexing(services, folders, *(["--retry"] if body.retry else []))


@router.delete("/api/index", responses=describe(Job))
async def delete_index(services: SharedServices) -> Response:
    """Stop it, as Ctrl-C does; what is committed stays."""
    await services.job.stop()
    return JsonAnswer(await services.describe_job())


@router.get(
    "/api/index/events",
    response_class=StreamingResponse,
    responses=describe_body("text/event-stream"),
)
async def get_events(services: SharedServices) -> Response:
    """Events `progress`, `done`, and `library` when something was committed."""
    return StreamingResponse(stream_events(services), media_type="text/event-stream", headers=EVENT_HEADERS)


@router.post("/api/sample", status_code=202, responses=describe(Job, 409, status=202))
async def post_sample(services: SharedServices) -> Response:
    """Make the sample files of `affect demo` beside the library, and index them."""
    library = require_folder(services.location, "indexing samples")
    folder = library.absolute().with_name(f"{library.name}-samples")
    return await start_indexing(services, [folder], prepare=partial(create_sample_media, folder))


def parse_existing_folder(text: str) -> Path:
    """An absolute path of a folder that is there. Raises AffectError for another one."""
    path = Path(text)
    if "\0" in text or not path.is_absolute():
        raise AffectError(f"{to_printable(text)}: name a folder by its absolute path")
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise AffectError(f"{to_printable(text)}: {describe_os_error(error)}") from error
    if not is_folder:
        raise AffectError(f"{to_printable(text)}: no such folder")
    return path


async def stream_events(services: Services) -> AsyncIterator[str]:
    """Server-sent events (WHATWG HTML, section 9.2) until the server ends or the client has gone."""
    job = services.job
    was_running, version, idle_polls = job.is_running, await _find_version(services), 0
    last_state = await services.describe_job()
    yield format_event("progress", last_state)
    while not services.is_ending:
        await job.wait_for_change(POLL_SECONDS)
        events: list[str] = []
        if (state := await services.describe_job()) != last_state:
            events.append(format_event("progress", state))
        if was_running and not job.is_running:
            events.append(format_event("done", state))
        if (current := await _find_version(services)) != version:
            events.append(format_event("library", {"version": current}))
        was_running, version, last_state = job.is_running, current, state
        idle_polls = 0 if events else idle_polls + 1
        if idle_polls >= HEARTBEAT_POLLS:
            idle_polls, events = 0, [": still here\n\n"]
        for event in events:
            yield event


async def _find_version(services: Services) -> int:
    """Changes with each commit; 0 where the library is not there."""
    try:
        return await services.catalog.run(lambda view: view.state.number)
    except (ApiError, AffectError):
        return 0


def format_event(name: str, data: dict[str, Any]) -> str:
    """A server-sent event with JSON, which has no line breaks."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
