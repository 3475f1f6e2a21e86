"""The server process: binds an address, prints where the page is, and ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from urllib.parse import urlencode

import uvicorn

from encoders import AffectError, describe_os_error, stop_at_safe_points, stop_if_requested
from retrieval.library_location import Location
from retrieval.web.app import make_app
from retrieval.web.request_guard import TOKEN_PARAMETER, AccessRules
from retrieval.web.services import Services

SEARCH_LOGGER = "retrieval.search"
STOP_POLL_SECONDS = 0.1
SHUTDOWN_SECONDS = 1  # for answers in progress, before what is running is stopped
ANY_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where the page is when it is bound to all


class _Server(uvicorn.Server):
    """Leaves signals to `encoders.interrupts`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until_stopped(
        self, services: Services, listener: socket.socket, on_start: Callable[[], None]
    ) -> None:
        """Serve at a listener until a signal ends it; `on_start` is called once the server answers."""
        stopping = asyncio.create_task(self.end_on_request(services))
        serving = asyncio.create_task(self.serve(sockets=[listener]))
        while not self.started and not serving.done():
            await asyncio.sleep(STOP_POLL_SECONDS / 10)
        on_start()
        await asyncio.gather(serving, stopping)

    async def end_on_request(self, services: Services) -> None:
        """Wait until a signal asks to stop, and end then."""
        while not self.should_exit:
            try:
                stop_if_requested()
            except KeyboardInterrupt:
                services.begin_ending()
                self.should_exit = True
            await asyncio.sleep(STOP_POLL_SECONDS)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; of names, only localhost counts."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run_server(
    location: Location,
    host: str,
    port: int,
    token: str | None,
    announce: Callable[[str], None],
    *,
    open_page: bool,
) -> None:
    """Serve a library until a signal ends it (then KeyboardInterrupt, at a safe point).

    token: what requests must carry; made here if the host is not this machine alone and none is given
    announce: takes the page's address, once it answers there

    Raises AffectError where the address can't be bound.
    """
    only_loopback = is_loopback(host)
    token = token or (None if only_loopback else secrets.token_urlsafe(24))
    rules = AccessRules(names=frozenset({host.lower()}), only_loopback=only_loopback, token=token)
    listener = bind_listener(host, port)
    address = make_address(host, listener.getsockname()[1], token)
    quiet_logs()
    services = Services(location=location)
    config = uvicorn.Config(
        make_app(services, rules),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )

    def tell_address() -> None:
        announce(address)
        if open_page:
            webbrowser.open(address)

    with stop_at_safe_points(), contextlib.closing(listener):
        asyncio.run(_Server(config).serve_until_stopped(services, listener, tell_address))


def quiet_logs() -> None:
    """Keep out of the terminal what the answers tell: warnings on queries, and errors once more."""
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    for handler in logging.getLogger().handlers:
        handler.addFilter(is_no_query_warning)


def is_no_query_warning(record: logging.LogRecord) -> bool:
    """Whether a record is of another package than the search, or an error."""
    return record.levelno >= logging.ERROR or not record.name.startswith(SEARCH_LOGGER)


def bind_listener(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one. Raises AffectError where it can't."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else answers wait 40 ms
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        raise AffectError(
            f"{host}:{port}: can't be served at ({describe_os_error(error)}); try another --port"
        ) from error
    return listener


def make_address(host: str, port: int, token: str | None) -> str:
    """The address of the page, for people to open."""
    name = ANY_ADDRESSES.get(host, host)
    query = f"?{urlencode({TOKEN_PARAMETER: token})}" if token else ""
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/{query}"
