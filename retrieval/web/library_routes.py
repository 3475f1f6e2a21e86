"""`/api/library`, `/api/items`, `/api/map` and `/api/unreadable`."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from starlette.responses import Response

from encoders import AffectError
from retrieval.features import SPACES
from retrieval.search import FUSION_RULES, parse_folder, parse_modalities
from retrieval.storage import MODALITIES
from retrieval.web.api_description import describe, describe_body
from retrieval.web.catalog_view import CatalogView
from retrieval.web.errors import ApiError, JsonAnswer
from retrieval.web.media_response import make_media_response
from retrieval.web.schemas import Item, ItemPage, LibraryInfo, MapColumns, UnreadableFile
from retrieval.web.services import Services
from spaces.circumplex import LANDMARKS

DISTRIBUTION = "affect-fusion"
MAX_LISTED = 1000
EMPTY_COUNTS: dict[str, Any] = {
    "items": {}, "files": 0, "segments": 0, "unreadable": 0, "missing": 0, "folders": [], "segment": None,
}  # fmt: skip


def add_library_routes(app: FastAPI, services: Services) -> None:
    """Add the routes of a library and its items."""

    @app.get("/api/library", responses=describe(LibraryInfo))
    async def get_library() -> Response:
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

    @app.get("/api/items", responses=describe(ItemPage))
    async def list_items(
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 100,
        modalities: str = ",".join(MODALITIES),
        under: str = "",
        sort: Literal["path", "valence", "arousal", "date"] = "path",
    ) -> Response:
        """Items in order, a page at a time."""
        wanted, folder = parse_modalities(modalities), _parse_folder(under)
        return JsonAnswer(
            await services.catalog.run(
                lambda view: view.list_items(
                    offset=offset, limit=limit, modalities=wanted, folder=folder, sort=sort
                )
            )
        )

    @app.get("/api/items/{item_id}", responses=describe(Item, 404))
    async def get_item(item_id: str) -> Response:
        """An item, its paths, segments, labels, sound events and faces."""
        item = await services.catalog.run(lambda view: view.describe_item(item_id))
        faces = await asyncio.to_thread(services.previews.load_faces, item_id)
        return JsonAnswer({**item, "faces": [face._asdict() for face in faces]})

    @app.get(
        "/api/items/{item_id}/media",
        response_class=Response,
        responses={**describe_body("*/*", 404, 416), 206: {"description": "the range that was asked for"}},
    )
    async def get_media(item_id: str) -> Response:
        """The file of an item; a range of it, if the request asks for one."""
        path, modality = await services.catalog.run(lambda view: view.find_file(item_id))
        return make_media_response(path, modality)

    @app.get("/api/map", responses=describe(MapColumns))
    async def get_map() -> Response:
        """The items on the valence-arousal plane, column by column."""
        return JsonAnswer(await services.catalog.run(lambda view: view.state.map_columns))

    @app.get("/api/unreadable", responses=describe(list[UnreadableFile]))
    async def list_unreadable() -> Response:
        """The files that could not be read, and why."""
        return JsonAnswer(await services.catalog.run(CatalogView.list_unreadable))


def count_library(view: CatalogView) -> dict[str, Any]:
    """Counts of a library, and the length of its segments."""
    return {**view.state.counts, "segment": view.library.segment_seconds}


def _parse_folder(under: str) -> Path | None:
    if "\0" in under:
        raise AffectError(f"{under!r} is no folder name")
    return parse_folder(Path(under)) if under else None
