"""Errors of the API: one line of JSON each, with the status that says whose fault it is."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from encoders import AffectError, MediaError, describe_os_error
from retrieval.cluster import UnreachableServerError

log = logging.getLogger(__name__)
CLIENT_GONE = 499  # nobody reads it; the number is that of nginx
_NUMBER, _WHOLE_NUMBER, _FLAG = "must be a number", "must be a whole number", "must be true or false"
_OBJECT = "must be a JSON object"
VALIDATION_MESSAGES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "no such parameter",
    "value_error": "must be sent as a file",  # of an upload; nothing else is validated by a function
    "float_parsing": _NUMBER, "float_type": _NUMBER,
    "int_parsing": _WHOLE_NUMBER, "int_type": _WHOLE_NUMBER, "int_from_float": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "bool_parsing": _FLAG, "bool_type": _FLAG,
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be text",
    "string_unicode": "is no Unicode",
    "string_too_short": "must not be empty",
    "string_too_long": "has more than {max_length} characters",
    "string_pattern_mismatch": "has a character that can't be kept",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "too_long": "has more than {max_length} values",
    "literal_error": "must be one of {expected}",
    "dict_type": _OBJECT, "model_type": _OBJECT, "model_attributes_type": _OBJECT,
}  # fmt: skip
"""By pydantic's type of error; {} are fields of its context."""


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
    if first["type"] == "json_invalid":  # located by a position in the text
        return "the body is no JSON"
    template = VALIDATION_MESSAGES.get(first["type"], f"{first['msg'][:1].lower()}{first['msg'][1:]}")
    return f"{name}: {template.format_map(first.get('ctx', {}))}"


def list_methods(app: FastAPI, request: Request) -> list[str]:
    """The methods of all routes of the path of a request; the framework names those of the first alone."""
    routes = [route for route in app.routes if not isinstance(route, Mount)]
    scopes = [{**request.scope, "method": method.value} for method in HTTPMethod]
    return sorted(
        scope["method"] for scope in scopes if any(route.matches(scope)[0] is Match.FULL for route in routes)
    )


async def answer_api_error(_: Request, error: ApiError) -> Response:
    """An error that says its own status."""
    return make_error_answer(error.status, error.message)


async def answer_media_error(_: Request, error: MediaError) -> Response:
    """A file that is no media, or can't be read."""
    return make_error_answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.reason)


async def answer_affect_error(_: Request, error: AffectError) -> Response:
    """A request that makes no sense."""
    return make_error_answer(HTTPStatus.BAD_REQUEST, str(error))


async def answer_unreachable_server(_: Request, error: UnreachableServerError) -> Response:
    """A server of Milvus that went away after the library was opened."""
    return make_error_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


async def answer_validation_error(_: Request, error: RequestValidationError) -> Response:
    """A parameter or a body that is not as described."""
    return make_error_answer(HTTPStatus.BAD_REQUEST, describe_validation_error(error))


async def answer_http_error(request: Request, error: HTTPException) -> Response:
    """No such page or method."""
    answer = make_error_answer(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = ", ".join(list_methods(request.app, request))
    return answer


async def answer_os_error(_: Request, error: OSError) -> Response:
    """A disk that can't be used."""
    return make_error_answer(HTTPStatus.SERVICE_UNAVAILABLE, describe_os_error(error))


async def answer_unexpected_error(request: Request, error: Exception) -> Response:
    """A defect, of which the log has the traceback."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return make_error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the terminal has more")


ERROR_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    ApiError: answer_api_error,
    MediaError: answer_media_error,
    AffectError: answer_affect_error,
    UnreachableServerError: answer_unreachable_server,
    RequestValidationError: answer_validation_error,
    HTTPException: answer_http_error,
    OSError: answer_os_error,
    Exception: answer_unexpected_error,
}
"""What answers an exception, by one line of JSON."""
