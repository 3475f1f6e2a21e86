"""The connection to a Milvus server: every call is tried again while the server is away or starting.

All calls of this package can be repeated: reads, upserts and deletes by primary key, and the making of what
may be there already. So a call whose answer was lost is simply made again.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from encoders import AffectError, MissingBackendError, to_printable
from retrieval.cluster.url import MilvusUrl

if TYPE_CHECKING:
    from pymilvus import MilvusClient

T = TypeVar("T")
MAX_CALL_SECONDS = 30.0  # of one attempt
MIN_CALL_SECONDS = 2.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 2.0
MAX_THREADS = 16  # calls under way at once
NOT_LOADED_CODES = {101, 201}  # collection, partition: as after a restart
# Of pkg/util/merr of Milvus: the service, replicas, channels, segments or nodes are not ready, yet or again.
PASSING_CODES = {
    1, 2, 4, 8, 9, 103, 202, 700, *range(400, 404), *range(500, 505), *range(600, 605), *range(900, 912),
}  # fmt: skip
_PASSING_MESSAGE = re.compile(
    r"unavailable|connection (refused|reset|closed)|deadline|timed? ?out|not ready|node (not|offline)|"
    r"context canceled|shutting down|rate limit|try again",
    re.IGNORECASE,
)


class UnreachableServerError(AffectError):
    """The server does not answer, and has not for as long as the library's URL allows."""


class MilvusConnection:
    """A connection made at its first use, and again after it broke."""

    def __init__(self, url: MilvusUrl) -> None:
        self.url = url
        self._client: MilvusClient | None = None

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def call(self, action: Callable[[MilvusClient, float], T], *, collection: str | None = None) -> T:
        """What `action(client, seconds it may take)` gives, tried again for `url.patience` seconds.

        collection: the one it reads, which is loaded where a restarted server has not done so
        Raises UnreachableServerError where the server stays away, and AffectError where it refuses.
        """
        from pymilvus import MilvusException

        deadline, pause = time.monotonic() + self.url.patience, FIRST_PAUSE_SECONDS
        while True:
            seconds = min(MAX_CALL_SECONDS, max(deadline - time.monotonic(), MIN_CALL_SECONDS))
            try:
                return action(self._get_client(seconds), seconds)
            except MilvusException as error:
                if not _is_passing(error):
                    raise AffectError(f"{self.url}: Milvus refuses: {_get_reason(error)}") from error
                if time.monotonic() + pause > deadline:
                    raise UnreachableServerError(
                        f"{self.url}: the server does not answer ({_get_reason(error)}); what was "
                        "committed is safe: see that it runs, then give the same command again"
                    ) from error
                if error.code in NOT_LOADED_CODES and collection is not None:
                    self._load(collection, seconds)
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def call_each(self, actions: Iterable[Callable[[], T]]) -> list[T]:
        """What each action gives, in order; several are under way at once. Raises as the first that fails."""
        with ThreadPoolExecutor(MAX_THREADS) as threads:
            futures = [threads.submit(action) for action in actions]
            return [future.result() for future in futures]

    def _load(self, collection: str, seconds: float) -> None:
        """Ask the server to load a collection; whether it does shows at the next attempt."""
        from pymilvus import MilvusException

        try:
            self._get_client(seconds).load_collection(collection, timeout=seconds)
        except MilvusException as error:
            if not _is_passing(error):
                raise AffectError(
                    f"{self.url}: {collection} can't be loaded: {_get_reason(error)}"
                ) from error

    def _get_client(self, seconds: float) -> MilvusClient:
        if self._client is None:
            from pymilvus import MilvusClient

            url = self.url
            self._client = MilvusClient(uri=url.server, user=url.user, password=url.password, timeout=seconds)
        return self._client


def require_client() -> None:
    """Raise MissingBackendError where the client of Milvus is not installed."""
    try:
        import pymilvus  # noqa: F401 (here for the error)
    except ImportError as error:
        raise MissingBackendError(
            "a library in Milvus needs the package pymilvus: pip install 'affect-fusion[milvus]'"
        ) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback for each attempt


def _is_passing(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    code = getattr(error, "code", None)
    code = code if isinstance(code, int) else None  # else a status of gRPC, which its message names
    return code in NOT_LOADED_CODES | PASSING_CODES or bool(_PASSING_MESSAGE.search(str(error)))


def _get_reason(error: Exception) -> str:
    """The message of an error in one short line."""
    message = str(getattr(error, "message", "") or error)
    return to_printable(" ".join(message.split()))[:200]
