"""The application: routes, static files of the page, and the guard before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from retrieval.report import THEME_PATH
from retrieval.web import (
    index_routes,
    item_routes,
    library_routes,
    preview_routes,
    search_routes,
    teaching_routes,
)
from retrieval.web.api_description import add_description
from retrieval.web.errors import ERROR_HANDLERS
from retrieval.web.library_routes import DISTRIBUTION
from retrieval.web.request_guard import AccessRules, RequestGuard
from retrieval.web.services import Services

page_router = APIRouter(include_in_schema=False)
ROUTERS = (
    search_routes.router,
    library_routes.router,
    item_routes.router,
    preview_routes.router,
    index_routes.router,
    teaching_routes.router,
    page_router,
)
STATIC_FOLDER = Path(str(files("retrieval.web") / "static"))


@page_router.get("/")
async def get_page() -> FileResponse:
    """The page."""
    return FileResponse(STATIC_FOLDER / "index.html")


@page_router.get("/static/theme.css")
async def get_theme() -> FileResponse:
    """The colours that the page shares with reports."""
    return FileResponse(Path(str(THEME_PATH)))


@asynccontextmanager
async def run_services(app: FastAPI) -> AsyncIterator[None]:
    """Open the library when the server starts, and close it when it ends."""
    services: Services = app.state.services
    services.start_warming()
    yield
    await services.close()


def make_app(services: Services, rules: AccessRules) -> FastAPI:
    """The application over a library; `rules` say who may ask."""
    app = FastAPI(
        title="affect-fusion",
        version=version(DISTRIBUTION),
        description="Search a library of photos, videos and sound by content and mood.",
        docs_url=None,
        redoc_url=None,
        lifespan=run_services,
        exception_handlers=ERROR_HANDLERS,
    )
    app.state.services = services
    add_description(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    app.add_middleware(RequestGuard, rules=rules)
    return app
