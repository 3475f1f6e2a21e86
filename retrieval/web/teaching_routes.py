"""`/api/captions` and `/api/train`: teaching a library its owner's words, as `affect train` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from retrieval.library_location import require_folder
from retrieval.web.api_description import describe
from retrieval.web.caption_store import CaptionStore
from retrieval.web.catalog_view import CatalogView, make_unknown_item_error
from retrieval.web.errors import JsonAnswer, NotFoundError
from retrieval.web.schemas import Captions, Job
from retrieval.web.services import Services

Result = TypeVar("Result")
MAX_CAPTION_LENGTH = 2000  # characters
NO_NUL_PATTERN = r"^[^\x00]*$"  # which a table can't hold


class CaptionBody(BaseModel):
    """A caption of an item."""

    model_config = ConfigDict(extra="forbid")

    caption: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=MAX_CAPTION_LENGTH, pattern=NO_NUL_PATTERN
        ),
    ]


def add_teaching_routes(app: FastAPI, services: Services) -> None:
    """Add the routes of captions and training."""

    async def use_store(task: Callable[[CaptionStore, CatalogView], Result]) -> Result:
        """Do something with the captions on the catalogue's thread, where nothing else does meanwhile."""
        store = CaptionStore(require_folder(services.location, "teaching by captions"))
        return await services.catalog.run(lambda view: task(store, view))

    @app.get("/api/captions", responses=describe(Captions))
    async def get_captions() -> Response:
        """The captions that were typed or accepted on the page, by item."""
        return JsonAnswer({"captions": await use_store(lambda store, _: store.load())})

    @app.put("/api/captions/{item_id}", responses=describe(Captions, 404))
    async def put_caption(item_id: str, body: CaptionBody) -> Response:
        """Give an item a caption, in place of the one it has."""

        def set_caption(store: CaptionStore, view: CatalogView) -> dict[str, str]:
            if view.state.snapshot.find_item(item_id) is None:
                raise make_unknown_item_error(item_id)
            store.set(item_id, body.caption)
            return {item_id: body.caption}

        return JsonAnswer({"captions": await use_store(set_caption)})

    @app.delete("/api/captions/{item_id}", responses=describe(Captions, 404))
    async def delete_caption(item_id: str) -> Response:
        """Take the caption of an item back."""

        def remove_caption(store: CaptionStore, _: CatalogView) -> dict[str, str]:
            if not store.remove(item_id):
                raise NotFoundError(f"item {item_id[:64]!r}: has no caption")
            return store.load()

        return JsonAnswer({"captions": await use_store(remove_caption)})

    async def start_training(*options: str) -> Response:
        services.job.start("train", ["train", "--json", *options])
        return JsonAnswer(await services.describe_job(), 202)

    @app.post("/api/train", status_code=202, responses=describe(Job, 409, status=202))
    async def post_train() -> Response:
        """Train the library's spaces on the captions, in a process of its own; GET /api/index tells of it."""

        def write_table(store: CaptionStore, view: CatalogView) -> str:
            return str(store.write_table(view.library.catalog.find_best_paths(list(store.load()))))

        services.job.check_idle()
        return await start_training("--captions", await use_store(write_table))

    @app.delete("/api/train", status_code=202, responses=describe(Job, 409, status=202))
    async def delete_train() -> Response:
        """Go back to the heads that come with the package, as `affect train --undo`."""
        await use_store(lambda *_: None)
        return await start_training("--undo")
