"""A library that changes, moves or disappears underneath: nothing is lost, and the page says so."""

import shutil
from contextlib import closing

from library_factory import gallery, index, painted
from web_client import fetch, open_client, wait_until_ready

from retrieval.storage import Library
from retrieval.storage.library import CATALOG_NAME


def search_again(client, item_id):
    return client.get("/api/search", params={"item": item_id, "k": 20})


def test_what_another_process_commits_shows(lib, media):
    with open_client(lib) as client:
        wait_until_ready(client)
        item = fetch(client, "/api/items")["items"][0]["id"]
        count = len(search_again(client, item).json()["results"])
        painted(media / "new.png", 99)
        index(lib, media)
        assert len(search_again(client, item).json()["results"]) == count + 1
        assert fetch(client, "/api/items")["total"] == count + 2
        assert fetch(client, "/api/library")["files"] == count + 2
        with closing(Library.open(lib)) as library, library.lock_for_writing():
            library.rebuild()
        assert len(search_again(client, item).json()["results"]) == count + 1


def test_a_library_that_is_moved_away_and_back(lib, tmp_path):
    with open_client(lib) as client:
        wait_until_ready(client)
        item = fetch(client, "/api/items")["items"][0]["id"]
        before = search_again(client, item).json()["results"]
        shutil.move(lib, tmp_path / "elsewhere")
        assert search_again(client, item).status_code == 503
        assert client.get("/api/items").status_code == 503
        state = fetch(client, "/api/library")
        assert state["state"] == "missing" and "moved or removed" in state["notice"]
        shutil.move(tmp_path / "elsewhere", lib)
        assert search_again(client, item).json()["results"] == before
        assert wait_until_ready(client)["notice"] is None


def test_another_library_at_its_place(lib, media, tmp_path):
    other = gallery(tmp_path / "other", photos=1)
    index(tmp_path / "second", other)
    with open_client(lib) as client:
        wait_until_ready(client)
        assert fetch(client, "/api/items", under=str(media))["total"] > 0
        shutil.move(lib, tmp_path / "first")
        shutil.move(tmp_path / "second", lib)
        assert fetch(client, "/api/items", under=str(media))["total"] == 0
        item = fetch(client, "/api/items")["items"][0]["id"]
        results = search_again(client, item).json()["results"]
        assert results and all(result["path"].startswith(str(other)) for result in results)


def test_a_damaged_library_is_a_notice(lib):
    content = (lib / CATALOG_NAME).read_bytes()
    (lib / CATALOG_NAME).write_bytes(b"x" * len(content))
    with open_client(lib) as client:
        answer = client.get("/api/search", params={"text": "a"})
        assert answer.status_code == 503 and "damaged" in answer.json()["error"]
        state = wait_until_ready(client)
        assert state["state"] == "unavailable" and "damaged" in state["notice"]
        (lib / CATALOG_NAME).write_bytes(content)
        assert client.get("/api/search", params={"text": "a"}).status_code == 200
        assert wait_until_ready(client)["state"] == "ready"


def test_a_restart_forgets_uploads_alone(lib, media):
    file = {"file": ("a.png", (media / "photo1.png").read_bytes())}
    with open_client(lib) as client:
        upload = client.post("/api/uploads", files=file).json()["upload"]
        address = {"image": upload, "k": 3}
        assert client.get("/api/search", params=address).status_code == 200
    with open_client(lib) as client:
        answer = client.get("/api/search", params=address)
        assert answer.status_code == 404 and "upload it again" in answer.json()["error"]
        assert fetch(client, "/api/items")["total"] > 0
