"""Guards every request: who may ask, how much may be sent, and what the answer's headers forbid.

A page of another site that is open in the same browser can send requests to a server on this machine, and, by
DNS rebinding, read the answers (Jackson et al. 2007, "Protecting browsers from DNS rebinding attacks"). So
the Host must be an address or a name of this server, and the Origin the page itself.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrieval.web.errors import JsonAnswer, make_error_answer

TOKEN_COOKIE, TOKEN_PARAMETER = "affect_token", "token"
UPLOADS_PATH = "/api/uploads"
MAX_UPLOAD_BYTES = 200_000_000
MAX_BODY_BYTES = 1_000_000  # of any other request
MULTIPART_BYTES = 10_000  # what surrounds the file in an upload
PAGE_PATHS = ("/",)  # that may be reached by a link on another site
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
DEFAULT_HEADERS = {"Cache-Control": "no-cache"}  # where an answer says nothing else


@dataclass(frozen=True, kw_only=True)
class AccessRules:
    """Who may ask.

    names: names of the server, beside IP addresses and localhost, in lower case
    only_loopback: whether the address in Host must be one of this machine alone
    token: what every request must carry; None for a server that only this machine reaches
    """

    names: frozenset[str] = frozenset()
    only_loopback: bool = True
    token: str | None = None

    def find_refusal(self, method: str, path: str, headers: Headers) -> str | None:
        """Why a request is refused; None where it is not."""
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_own_host(host):
            return f"this server does not answer to the name {host[:200]!r}"
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return "requests from other sites are refused"
        site = headers.get("sec-fetch-site", "none")
        is_link = method == "GET" and path in PAGE_PATHS and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("none", "same-origin") and not is_link:
            return "requests from other sites are refused"
        return None

    def _is_own_host(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, _ = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return False
        if not name or parts.username is not None or parts.path or parts.query or parts.fragment:
            return False
        if name == "localhost" or name in self.names:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.only_loopback

    def accepts_token(self, token: str | None) -> bool:
        """Whether a request with this token may be answered."""
        if self.token is None:
            return True
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())


class RequestGuard:
    """ASGI middleware that refuses requests, bounds their bodies and sets headers of answers."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self.app, self.rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        send = _with_security_headers(send)
        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self.app(scope, _bound_body(receive, _get_body_limit(scope["path"])), send)

    def _refuse(self, scope: Scope) -> JsonAnswer | None:
        """The answer to a request that is refused or, with a token in the address, sent on; else None."""
        headers, path = Headers(scope=scope), scope["path"]
        if reason := self.rules.find_refusal(scope["method"], path, headers):
            return make_error_answer(HTTPStatus.FORBIDDEN, reason)
        if self.rules.accepts_token(_find_token(headers)):
            return _refuse_length(headers.get("content-length", "0"), _get_body_limit(path))
        parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        token = dict(parameters).get(TOKEN_PARAMETER)
        if scope["method"] == "GET" and path in PAGE_PATHS and token and self.rules.accepts_token(token):
            rest = urlencode([pair for pair in parameters if pair[0] != TOKEN_PARAMETER])
            return _make_login_answer(path + (f"?{rest}" if rest else ""), token)
        return make_error_answer(
            HTTPStatus.UNAUTHORIZED, "open the address with the token that affect serve has printed"
        )


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(SECURITY_HEADERS)
            for name, value in DEFAULT_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


def _bound_body(receive: Receive, limit: int) -> Receive:
    """`receive`, which raises HTTPException once more bytes have come than may be."""
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _describe_limit(limit))
        return message

    return receive_bounded


def _get_body_limit(path: str) -> int:
    return MAX_UPLOAD_BYTES + MULTIPART_BYTES if path == UPLOADS_PATH else MAX_BODY_BYTES


def _refuse_length(length: str, limit: int) -> JsonAnswer | None:
    """The answer to a body that says to be longer than the limit; None for another one."""
    if length.isdigit() and int(length) <= limit:
        return None
    return make_error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _describe_limit(limit))


def _describe_limit(limit: int) -> str:
    return f"more than {limit // 1_000_000} MB were sent"


def _make_login_answer(address: str, token: str) -> JsonAnswer:
    """A redirection to the page that leaves the token in a cookie instead of the address."""
    answer = JsonAnswer({}, HTTPStatus.SEE_OTHER, headers={"Location": address})
    answer.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="lax")
    return answer


def _find_token(headers: Headers) -> str | None:
    """The token that a request carries: of a program in Authorization, of a browser in a cookie."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(TOKEN_COOKIE)
    except CookieError:
        return None
    return None if cookie is None else cookie.value
