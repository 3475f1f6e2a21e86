"""`/api/items/ID/preview` and `/api/items/ID/waveform`: what index runs have kept to show an item."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from retrieval.web.api_description import describe, describe_body
from retrieval.web.errors import JsonAnswer, NotFoundError
from retrieval.web.schemas import Waveform
from retrieval.web.services import SharedServices

router = APIRouter()
MAX_PEAK = 255
CACHE_HEADERS = {"Cache-Control": "private, max-age=3600"}  # an id is that of the content
MAX_SECONDS = 1e9  # of a moment that may be asked for


@router.head("/api/items/{item_id}/preview", include_in_schema=False)
@router.get(
    "/api/items/{item_id}/preview", response_class=Response, responses=describe_body("image/jpeg", 404)
)
async def get_preview(
    item_id: str,
    services: SharedServices,
    at: Annotated[float | None, Query(ge=0, le=MAX_SECONDS, allow_inf_nan=False)] = None,
) -> Response:
    """A small JPEG of a picture, or of a video about `at` seconds (by default its middle)."""
    image = await asyncio.to_thread(services.previews.load_image, item_id, at)
    if image is None:
        raise NotFoundError("no preview of this item; affect index makes those of pictures and videos")
    return Response(image, media_type="image/jpeg", headers=CACHE_HEADERS)


@router.head("/api/items/{item_id}/waveform", include_in_schema=False)
@router.get("/api/items/{item_id}/waveform", responses=describe(Waveform, 404))
async def get_waveform(item_id: str, services: SharedServices) -> Response:
    """The peaks of an item's sound, relative to its loudest."""
    waveform = await asyncio.to_thread(services.previews.load_peaks, item_id)
    if waveform is None:
        raise NotFoundError("no waveform of this item; affect index makes those of sound")
    peaks, seconds = waveform
    body = {"peaks": [round(peak / MAX_PEAK, 3) for peak in peaks.tolist()], "seconds": seconds}
    return JsonAnswer(body, headers=CACHE_HEADERS)
