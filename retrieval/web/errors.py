"""Errors of the API: one line of JSON each, with the status that says whose fault it is."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from encoders import AffectError, MediaError, describe_os_error

log = logging.getLogger(__name__)
CLIENT_GONE = 499  # nobody reads it; the number is that of nginx


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class NotFoundError(ApiError):
    """What was named by an id is not there."""

    def __init__(self, message: str) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, message)


class UnavailableError(ApiError):
    """The library is not there, or can't be used, at the moment."""

    def __init__(self, message: str) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, message)


class ClientGoneError(ApiError):
    """The client has closed its connection before the answer was made."""

    def __init__(self) -> None:
        super().__init__(CLIENT_GONE, "the client has gone")


class JsonAnswer(Response):
    """JSON in ASCII, as the command line prints it: a path may hold bytes that are no UTF-8."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the body. Raises ValueError for NaN, which is no JSON."""
        return json.dumps(content, allow_nan=False).encode()


def make_error_answer(status: int, message: str) -> JsonAnswer:
    """An error as the API gives it."""
    return JsonAnswer({"error": " ".join(message.split())}, status)


def describe_validation_error(error: RequestValidationError) -> str:
    """The first thing that is wrong with the parameters, in one line."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def list_methods(app: FastAPI, request: Request) -> list[str]:
    """The methods of all routes of the path of a request; the framework names those of the first alone."""
    matching = (route for route in app.routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in getattr(route, "methods", None) or ()})


def add_error_handlers(app: FastAPI) -> None:
    """Let an app answer every exception by one line of JSON."""

    @app.exception_handler(ApiError)
    async def _(_: Request, error: ApiError) -> Response:
        return make_error_answer(error.status, error.message)

    @app.exception_handler(MediaError)
    async def _(_: Request, error: MediaError) -> Response:
        return make_error_answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.reason)

    @app.exception_handler(AffectError)
    async def _(_: Request, error: AffectError) -> Response:
        return make_error_answer(HTTPStatus.BAD_REQUEST, str(error))

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> Response:
        return make_error_answer(HTTPStatus.BAD_REQUEST, describe_validation_error(error))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        answer = make_error_answer(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            answer.headers["Allow"] = ", ".join(list_methods(app, request))
        return answer

    @app.exception_handler(OSError)
    async def _(_: Request, error: OSError) -> Response:
        return make_error_answer(HTTPStatus.SERVICE_UNAVAILABLE, describe_os_error(error))

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return make_error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the terminal has more")
