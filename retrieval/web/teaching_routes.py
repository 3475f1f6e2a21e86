"""`/api/captions` and `/api/train`: teaching a library its owner's words, as `affect train` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from retrieval.library_location import require_folder
from retrieval.web.api_description import describe
from retrieval.web.caption_store import CaptionStore
from retrieval.web.catalog_view import CatalogView, make_unknown_item_error
from retrieval.web.errors import JsonAnswer, NotFoundError
from retrieval.web.schemas import Captions, Job
from retrieval.web.services import Services, SharedServices

Result = TypeVar("Result")
router = APIRouter()
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


async def use_store(services: Services, task: Callable[[CaptionStore, CatalogView], Result]) -> Result:
    """Do something with the captions on the catalogue's thread, where nothing else does meanwhile."""
    store = CaptionStore(require_folder(services.location, "teaching by captions"))
    return await services.catalog.run(lambda view: task(store, view))


@router.get("/api/captions", responses=describe(Captions))
async def get_captions(services: SharedServices) -> Response:
    """The captions that were typed or accepted on the page, by item."""
    return JsonAnswer({"captions": await use_store(services, lambda store, _: store.load())})


@router.put("/api/captions/{item_id}", responses=describe(Captions, 404))
async def put_caption(item_id: str, body: CaptionBody, services: SharedServices) -> Response:
    """Give an item a caption, in place of the one it has."""

    def set_caption(store: CaptionStore, view: CatalogView) -> dict[str, str]:
        if view.state.snapshot.find_item(item_id) is None:
            raise make_unknown_item_error(item_id)
        store.set(item_id, body.caption)
        return {item_id: body.caption}

    return JsonAnswer({"captions": await use_store(services, set_caption)})


@router.delete("/api/captions/{item_id}", responses=describe(Captions, 404))
async def delete_caption(item_id: str, services: SharedServices) -> Response:
    """Take the caption of an item back."""

    def remove_caption(store: CaptionStore, _: CatalogView) -> dict[str, str]:
        if not store.remove(item_id):
            raise NotFoundError(f"item {item_id[:64]!r}: has no caption")
        return store.load()

    return JsonAnswer({"captions": await use_store(services, remove_caption)})


async def start_training(services: Services, *options: str) -> Response:
    """Start training, and tell of it. Raises ApiError where a command runs already."""
    services.job.start("train", ["train", "--json", *options])
    return JsonAnswer(await services.describe_job(), 202)


@router.post("/api/train", status_code=202, responses=describe(Job, 409, status=202))
async def post_train(services: SharedServices) -> Response:
    """Train the library's spaces on the captions, in a process of its own; GET /api/index tells of it."""

    def write_table(store: CaptionStore, view: CatalogView) -> str:
        return str(store.write_table(view.library.catalog.find_best_paths(list(store.load()))))

    services.job.check_idle()
    return await start_training(services, "--captions", await use_store(services, write_table))


@router.delete("/api/train", status_code=202, responses=describe(Job, 409, status=202))
async def delete_train(services: SharedServices) -> Response:
    """Go back to the heads that come with the package, as `affect train --undo`."""
    await use_store(services, lambda *_: None)
    return await start_training(services, "--undo")
