"""What OpenAPI says of the answers of the API: their JSON, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from retrieval.web.schemas import Error

Responses = dict[int | str, dict[str, Any]]
VALIDATION_STATUS = "422"  # of FastAPI, for which this API has 400
ERRORS: Mapping[int, str] = {
    400: "a request that makes no sense",
    401: "without the token that the server asks for",
    403: "from another site, or to another name than the server's",
    404: "no such item, upload or page",
    409: "another command writes to the library",
    413: "more was sent than may be",
    415: "no media, or none that can be read",
    416: "a range that the file does not have",
    503: "the library is not there, or can't be used, at the moment",
}
COMMON_ERRORS = (400, 401, 403, 413, 503)


def describe(schema: Any, *errors: int, status: int = HTTPStatus.OK) -> Responses:
    """The answers of a route: JSON of a schema with this status, errors of these and of COMMON_ERRORS."""
    return {int(status): {"model": schema}, **describe_errors(*errors)}


def describe_errors(*errors: int) -> Responses:
    """Errors with these statuses, and with those of COMMON_ERRORS."""
    return {
        status: {"model": Error, "description": ERRORS[status]}
        for status in sorted({*COMMON_ERRORS, *errors})
    }


def describe_body(content_type: str, *errors: int) -> Responses:
    """The answers of a route whose body is no JSON."""
    content = {content_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"content": content}, **describe_errors(*errors)}


def add_description(app: FastAPI) -> None:
    """Let an app describe itself without FastAPI's own answer to bad requests, which it never gives."""

    def make_description() -> dict[str, Any]:
        if not app.openapi_schema:
            description = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            for methods in description["paths"].values():
                for operation in methods.values():
                    operation["responses"].pop(VALIDATION_STATUS, None)
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = make_description  # type: ignore[method-assign]
