"""A Milvus server that goes away while a library of it is searched: each request says so in one line."""

import pytest

from retrieval.cluster import MilvusUrl
from retrieval.cluster.connection import MilvusConnection
from retrieval.search.engine import Engine
from retrieval.storage.snapshot import Snapshot

exceptions = pytest.importorskip("pymilvus.exceptions", reason="pymilvus is not installed")
GONE = exceptions.MilvusUnavailableException(code=2, message="server unavailable:\n connection refused")
REFUSAL = exceptions.ParamError(code=1100, message="invalid parameter")


class DyingClient:
    """Answers every search with an error."""

    def __init__(self, error):
        self._error = error

    def search(self):
        raise self._error


@pytest.fixture
def let_searches_fail(monkeypatch):
    """Let the engine ask a server of which the client raises an error."""

    def replace_server(error):
        connection = MilvusConnection(MilvusUrl.parse("milvus://127.0.0.1:19530/photos?patience=0"))
        connection._client = DyingClient(error)

        def ask_server(*_):
            return connection.call(lambda client, seconds: client.search())

        monkeypatch.setattr(Engine, "run_query", ask_server)
        monkeypatch.setattr(Snapshot, "resolve_item", ask_server)

    return replace_server


@pytest.mark.parametrize("query", [{"text": "a photo"}, {"item": "0123456789abcdef"}])
def test_a_server_that_is_gone_is_unavailable(query, client, let_searches_fail):
    let_searches_fail(GONE)
    answer = client.get("/api/search", params=query)
    said = answer.json()["error"]
    assert answer.status_code == 503
    assert said.startswith(
        "milvus://127.0.0.1:19530/photos: the server does not answer (server unavailable: "
    )
    assert "\n" not in said


def test_what_a_server_refuses_makes_no_sense(client, let_searches_fail):
    let_searches_fail(REFUSAL)
    answer = client.get("/api/search", params={"text": "a photo"})
    assert answer.status_code == 400 and "Milvus refuses: invalid parameter" in answer.json()["error"]
