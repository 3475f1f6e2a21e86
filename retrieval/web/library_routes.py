"""`/api/library`, `/api/items`, `/api/map` and `/api/unreadable`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from encoders import AffectError
from retrieval.features import SPACES
from retrieval.search import FUSION_RULES
from retrieval.web.api_description import describe
from retrieval.web.catalog_view import CatalogView
from retrieval.web.errors import ApiError, JsonAnswer
from retrieval.web.schemas import LibraryInfo, MapColumns, UnreadableFile
from retrieval.web.services import SharedServices
from spaces.circumplex import LANDMARKS

router = APIRouter()
DISTRIBUTION = "affect-fusion"
MAX_LISTED = 1000
EMPTY_COUNTS: dict[str, Any] = {
    "items": {}, "files": 0, "segments": 0, "unreadable": 0, "missing": 0, "folders": [], "segment": None,
}  # fmt: skip


@router.get("/api/library", responses=describe(LibraryInfo))
async def get_library(services: SharedServices) -> Response:
    """What the library holds, and whether it can be searched now."""
    services.start_warming()
    try:
        counts = await services.catalog.run(count_library)
        error = None
    except (ApiError, AffectError) as unusable:
        counts, error = EMPTY_COUNTS, str(unusable)
    state, notice = services.get_state()
    if state == "loading" and error is not None:
        state, notice = "unavailable", error
    return JsonAnswer(
        {
            "library": str(services.location),
            **counts,
            "spaces": list(SPACES),
            "landmarks": [
                {"word": word, "valence": valence, "arousal": arousal}
                for word, (valence, arousal) in LANDMARKS.items()
            ],
            "moods": list(LANDMARKS),
            "version": version(DISTRIBUTION),
            "fusion": list(FUSION_RULES),
            "state": state,
            "notice": notice,
        }
    )


@router.get("/api/map", responses=describe(MapColumns))
async def get_map(services: SharedServices) -> Response:
    """The items on the valence-arousal plane, column by column."""
    return JsonAnswer(await services.catalog.run(lambda view: view.state.map_columns))


@router.get("/api/unreadable", responses=describe(list[UnreadableFile]))
async def list_unreadable(services: SharedServices) -> Response:
    """The files that could not be read, and why."""
    return JsonAnswer(await services.catalog.run(CatalogView.list_unreadable))


def count_library(view: CatalogView) -> dict[str, Any]:
    """Counts of a library, and the length of its segments."""
    return {**view.state.counts, "segment": view.library.segment_seconds}
