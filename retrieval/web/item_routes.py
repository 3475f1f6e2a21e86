"""`/api/items`: lists of items, single ones, and their files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from encoders import AffectError
from retrieval.search import parse_folder, parse_modalities
from retrieval.storage import MODALITIES
from retrieval.web.api_description import describe, describe_body
from retrieval.web.errors import JsonAnswer
from retrieval.web.media_response import make_media_response
from retrieval.web.query_parameters import QueryParameters
from retrieval.web.schemas import Item, ItemPage
from retrieval.web.services import SharedServices

router = APIRouter()
MAX_LISTED = 1000


class ItemListParameters(QueryParameters):
    """What `GET /api/items` takes."""

    offset: int = Field(0, ge=0, le=10**9)
    limit: int = Field(100, ge=1, le=MAX_LISTED)
    modalities: str = Field(",".join(MODALITIES), description="image,video,audio, or some of them")
    under: str = Field("", description="only items at or below this folder")
    sort: Literal["path", "valence", "arousal", "date"] = "path"


@router.get("/api/items", responses=describe(ItemPage))
async def list_items(
    request: Request, parameters: Annotated[ItemListParameters, Query()], services: SharedServices
) -> Response:
    """Items in order, a page at a time."""
    parameters.check_repeats(request.query_params)
    modalities, folder = parse_modalities(parameters.modalities), _parse_folder(parameters.under)
    return JsonAnswer(
        await services.catalog.run(
            lambda view: view.list_items(
                offset=parameters.offset,
                limit=parameters.limit,
                modalities=modalities,
                folder=folder,
                sort=parameters.sort,
            )
        )
    )


@router.get("/api/items/{item_id}", responses=describe(Item, 404))
async def get_item(item_id: str, services: SharedServices) -> Response:
    """An item, its paths, segments, labels, sound events and faces."""
    item = await services.catalog.run(lambda view: view.describe_item(item_id))
    faces = await asyncio.to_thread(services.previews.load_faces, item_id)
    return JsonAnswer({**item, "faces": [face._asdict() for face in faces]})


@router.head("/api/items/{item_id}/media", include_in_schema=False)
@router.get(
    "/api/items/{item_id}/media",
    response_class=Response,
    responses={**describe_body("*/*", 404, 416), 206: {"description": "the range that was asked for"}},
)
async def get_media(item_id: str, request: Request, services: SharedServices) -> Response:
    """The file of an item; a range of it, if the request asks for one."""
    path, modality, stamp = await services.catalog.run(lambda view: view.find_file(item_id))
    return make_media_response(path, modality, stamp, request.headers)


def _parse_folder(under: str) -> Path | None:
    if "\0" in under:
        raise AffectError(f"{under!r} is no folder name")
    return parse_folder(Path(under)) if under else None
