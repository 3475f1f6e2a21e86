"""`/api/search` and `/api/uploads`."""

from __future__ import annotations

import time
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, UploadFile
from starlette.responses import Response

from encoders import AffectError
from retrieval.cluster import UnreachableServerError
from retrieval.search import Engine, QueryMedia, answer_query, group_near_duplicates
from retrieval.search import Query as SearchQuery
from retrieval.web.api_description import describe
from retrieval.web.errors import JsonAnswer, NotFoundError
from retrieval.web.log_capture import collect_warnings
from retrieval.web.schemas import SearchAnswer, Upload
from retrieval.web.search_parameters import SearchParameters, make_query
from retrieval.web.services import SharedServices, answer_if_connected
from retrieval.web.uploads import describe_upload, make_upload_id, read_upload

router = APIRouter()
MAX_GROUPED = 1000  # results among which near-duplicates are looked for: time grows with their square


@router.get("/api/search", responses=describe(SearchAnswer, 404))
async def search(
    request: Request, parameters: Annotated[SearchParameters, Query()], services: SharedServices
) -> Response:
    """Search, as `affect search --json` does."""
    parameters.check_repeats(request.query_params)
    query = make_query(parameters, services.uploads.find)
    work = services.engine.run(lambda engine: run_search(engine, query, parameters))
    return JsonAnswer(await answer_if_connected(request, work))


@router.post("/api/uploads", status_code=201, responses=describe(Upload, 415, status=201))
async def upload(request: Request, file: UploadFile, services: SharedServices) -> Response:
    """Send a picture, sound or video to search with; it is encoded at once and deleted."""
    upload_id, name = make_upload_id(), file.filename or ""

    def read(encoder: Any) -> QueryMedia:
        return read_upload(file.file, name, upload_id, encoder.read_media)

    media = await answer_if_connected(request, services.encoder.run(read))
    services.uploads.add(upload_id, media)
    return JsonAnswer(describe_upload(upload_id, media, name), 201)


def run_search(engine: Engine, query: SearchQuery, parameters: SearchParameters) -> dict[str, Any]:
    """The answer of `affect search --json`, with the warnings that it logs, and the time it took.

    Raises AffectError for a query that makes no sense, NotFoundError for an item that is not in the library,
    and UnreachableServerError.
    """
    start = time.perf_counter()
    with collect_warnings() as warnings:
        explained_ids = set(filter(None, parameters.explain_items.split(",")))
        try:
            found = answer_query(engine, query, explain=parameters.explain, explained_ids=explained_ids)
        except UnreachableServerError:
            raise
        except AffectError:
            if query.item is not None:
                check_item(engine, query.item)
            raise
        answer = found.to_json()
        groups = group_near_duplicates(engine, found.results.hits[:MAX_GROUPED])
    for result, first in zip_longest(answer["results"], groups):
        result["group"] = None if first is None else answer["results"][first]["id"]
    took_ms = round((time.perf_counter() - start) * 1000, 1)
    return {**answer, "warnings": warnings, "took_ms": took_ms}


def check_item(engine: Engine, item_id: str) -> None:
    """Raises NotFoundError for an id that is of no item of the library."""
    try:
        engine.snapshot.resolve_item(item_id)
    except AffectError as error:
        raise NotFoundError(str(error)) from error
