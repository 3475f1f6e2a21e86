"""The application: routes, static files of the page, and the guard before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from retrieval.report import THEME_PATH
from retrieval.web.api_description import add_description
from retrieval.web.errors import add_error_handlers
from retrieval.web.index_routes import add_index_routes
from retrieval.web.item_routes import add_item_routes
from retrieval.web.library_routes import DISTRIBUTION, add_library_routes
from retrieval.web.preview_routes import add_preview_routes
from retrieval.web.request_guard import AccessRules, RequestGuard
from retrieval.web.search_routes import add_search_routes
from retrieval.web.services import Services
from retrieval.web.teaching_routes import add_teaching_routes

ROUTES = (
    add_search_routes,
    add_library_routes,
    add_item_routes,
    add_preview_routes,
    add_index_routes,
    add_teaching_routes,
)
STATIC_FOLDER = Path(str(files("retrieval.web") / "static"))


def make_app(services: Services, rules: AccessRules) -> FastAPI:
    """The application over a library; `rules` say who may ask."""

    @asynccontextmanager
    async def run_services(_: FastAPI) -> AsyncIterator[None]:
        services.start_warming()
        yield
        await services.close()

    app = FastAPI(
        title="affect-fusion",
        version=version(DISTRIBUTION),
        description="Search a library of photos, videos and sound by content and mood.",
        docs_url=None,
        redoc_url=None,
        lifespan=run_services,
    )
    app.state.services = services
    add_error_handlers(app)
    add_description(app)
    for add_routes in ROUTES:
        add_routes(app, services)

    @app.get("/", include_in_schema=False)
    async def get_page() -> FileResponse:
        return FileResponse(STATIC_FOLDER / "index.html")

    @app.get("/static/theme.css", include_in_schema=False)
    async def get_theme() -> FileResponse:
        return FileResponse(Path(str(THEME_PATH)))

    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    app.add_middleware(RequestGuard, rules=rules)
    return app
