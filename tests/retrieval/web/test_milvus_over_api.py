"""The page of a library in Milvus: the same searches; no previews, map or training."""

import pytest
from library_factory import TOYS, encoded, random_rows
from web_client import fetch, open_client, wait_until_ready

from retrieval.cluster import MilvusLibrary, MilvusUrl
from retrieval.search import Engine, Query

pytestmark = [pytest.mark.slow, pytest.mark.milvus, pytest.mark.timeout(600)]
COUNT = 30


@pytest.fixture(scope="module")
def library(server):
    library = MilvusLibrary.create(MilvusUrl.parse(server.url("page")), TOYS, 15.0)
    library.commit([encoded(f"{number:x}", objects=random_rows(1, number)) for number in range(COUNT)])
    yield library
    library.close()


def test_a_library_in_milvus(library):
    with open_client(library.url) as client:
        assert wait_until_ready(client)["state"] == "ready"
        state = fetch(client, "/api/library")
        assert state["items"] == {"image": COUNT} and state["library"] == str(library.url)
        items = fetch(client, "/api/items", limit=100)["items"]
        assert len(items) == COUNT
        item = items[3]["id"]
        with Engine(library) as engine:
            expected = [hit.to_json() for hit in engine.search(Query(item=item, k=5))]
        results = fetch(client, "/api/search", item=item, k=5)["results"]
        assert [{**result, "group": None} for result in results] == [
            {**hit, "group": None} for hit in expected
        ]
        assert fetch(client, f"/api/items/{item}")["paths"] == [items[3]["path"]]
        assert fetch(client, "/api/map")["ids"] == []
        assert client.get(f"/api/items/{item}/preview").status_code == 404
        for path in ("/api/captions", "/api/train", "/api/sample"):
            answer = client.get(path) if path == "/api/captions" else client.post(path)
            assert answer.status_code == 400 and "Milvus" in answer.json()["error"], path


def test_a_library_in_milvus_that_is_yet_to_be_made(server):
    with open_client(MilvusUrl.parse(server.url("absent"))) as client:
        state = wait_until_ready(client)
        assert state["state"] == "unavailable" and "no library" in state["notice"]
