"""Indexing from the page: a process of its own, its progress, and libraries that are yet to be made."""

import json
import shutil
import subprocess
import sys
import threading

import pytest
from library_factory import flicker, index, painted
from repository import ROOT
from web_client import fetch, open_client, wait_for_job, wait_until_ready

from retrieval.web import index_routes
from retrieval.web.index_routes import stream_events


@pytest.fixture
def small(lib):
    """A client of the server of a library of the media."""
    with open_client(lib) as client:
        yield client


def start(client, *paths, **body):
    return client.post("/api/index", json={"paths": [str(path) for path in paths], **body})


def test_nothing_has_run_at_first(small, media):
    assert fetch(small, "/api/index") == {
        "job": None, "running": False, "progress": None, "summary": None, "error": None, "log": [],
        "writer": None, "roots": [str(media)],
    }  # fmt: skip


@pytest.mark.slow
def test_a_folder_is_added_and_shows(small, media, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    painted(more / "new.png", 77)
    (more / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    before = fetch(small, "/api/items")["total"]
    answer = start(small, more)
    assert answer.status_code == 202 and answer.json()["running"]
    assert answer.json().keys() == fetch(small, "/api/index").keys()
    assert start(small, more).status_code == 409
    state = wait_for_job(small)
    assert state["error"] is None and state["summary"]["indexed"] == 1
    assert state["progress"]["processed"] == state["progress"]["to_process"] == 2
    assert state["progress"]["failed"] == 1
    assert state["roots"] == sorted([str(media), str(more)])
    assert fetch(small, "/api/items")["total"] == before + 1
    photo = next(i for i in fetch(small, "/api/items")["items"] if i["path"].endswith("photo1.png"))
    found = fetch(small, "/api/search", item=photo["id"], k=20)["results"]
    assert str(more / "new.png") in [result["path"] for result in found]
    assert [file["path"] for file in fetch(small, "/api/unreadable")] == [str(more / "broken.jpg")]


@pytest.mark.slow
def test_it_is_stopped_as_by_ctrl_c(small, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for seed in range(40):
        flicker(many / f"{seed}.gif", seed, frames=40)
    start(small, many)
    stopped = small.delete("/api/index").json()
    assert not stopped["running"] and stopped["error"] is None
    assert start(small, many).status_code == 202  # the lock is free again
    assert wait_for_job(small)["summary"]["files"] >= 40


@pytest.mark.slow
def test_events_tell_of_progress_commits_and_the_end(small, tmp_path, monkeypatch):
    more = tmp_path / "more"
    more.mkdir()
    painted(more / "new.png", 78)
    told, is_listening, has_committed = [], threading.Event(), threading.Event()

    async def stream_noted_events(services):
        async for event in stream_events(services):
            is_listening.set()
            if event.startswith("event: library"):
                has_committed.set()
            yield event

    def listen():
        with small.stream("GET", "/api/index/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told.extend(answer.iter_lines())

    monkeypatch.setattr(index_routes, "stream_events", stream_noted_events)
    listener = threading.Thread(target=listen)
    listener.start()
    assert is_listening.wait(60)
    assert start(small, more).status_code == 202
    wait_for_job(small)
    assert has_committed.wait(60)
    small.app.state.services.is_ending = True  # which ends the stream, as the end of the server does
    listener.join(60)
    names = [line.removeprefix("event: ") for line in told if line.startswith("event: ")]
    assert names[0] == "progress" and "library" in names
    data = [json.loads(line.removeprefix("data: ")) for line in told if line.startswith("data: ")]
    assert data[0]["roots"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"paths": []}, {"paths": "/tmp"}, {"paths": ["relative"]}, {"paths": ["/nowhere/at/all"]},
        {"paths": ["/etc/passwd"]}, {"paths": ["/a\0b"]}, {"paths": [""]}, {"paths": ["/tmp"], "prune": True},
        {"paths": ["--library=/tmp"]}, {"paths": ["/tmp"] * 101}, [], "x", None,
    ],
)  # fmt: skip
def test_a_bad_request_starts_nothing(small, body):
    answer = small.post("/api/index", json=body)
    assert answer.status_code == 400 and set(answer.json()) == {"error"}
    assert fetch(small, "/api/index")["job"] is None


def test_a_name_that_is_too_long_is_a_bad_request(small):
    answer = start(small, f"/{'x' * 300}")
    assert answer.status_code == 400 and answer.json()["error"].endswith("file name too long")


def test_what_is_no_json_is_a_bad_request(small):
    answer = small.post("/api/index", content="{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": "the body is no JSON"})
    answer = small.post("/api/index", json=[])
    assert (answer.status_code, answer.json()) == (400, {"error": "the request: must be a JSON object"})


def test_stopping_nothing_is_no_error(small):
    assert small.delete("/api/index").json() == fetch(small, "/api/index")


def test_another_process_that_writes_is_named(small, tmp_path):
    holder = (
        "import sys, pathlib; from retrieval.storage.locking import lock_folder\n"
        "with lock_folder(pathlib.Path(sys.argv[1])): print('holds it', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, tmp_path / "lib"]
    with subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1) as other:
        assert other.stdout.readline()
        state = fetch(small, "/api/index")
        assert (state["running"], state["writer"]) == (False, str(other.pid))
        other.communicate()
    assert fetch(small, "/api/index")["writer"] is None


def test_a_library_that_is_yet_to_be_made(tmp_path):
    with open_client(tmp_path / "new") as client:
        state = fetch(client, "/api/library")
        assert (state["state"], state["notice"], state["items"]) == ("missing", None, {})
        for path in ("/api/search?text=a", "/api/items", "/api/items/a", "/api/items/a/media", "/api/map"):
            assert client.get(path).status_code == 503, path
        assert fetch(client, "/api/index")["roots"] == []
        assert client.get("/").status_code == 200
        assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_the_first_run_makes_a_library_of_samples(tmp_path):
    """With the packaged encoders, as no library says else."""
    with open_client(tmp_path / "new") as client:
        assert client.post("/api/sample").status_code == 202
        state = wait_for_job(client, 280)
        assert state["error"] is None and state["summary"]["indexed"] > 20, state
        assert state["roots"] == [str(tmp_path / "new-samples")]
        assert wait_until_ready(client)["state"] == "ready"
        best = fetch(client, "/api/search", text="a cup of coffee", k=1)["results"][0]
        assert best["path"].endswith("skimage-coffee.png")
        item = fetch(client, f"/api/items/{best['id']}")
        assert any("espresso" in label or "cup" in label for label, _ in item["labels"])


@pytest.mark.slow
def test_a_failed_run_says_why(media, tmp_path):
    index(tmp_path / "lib", media)
    with open_client(tmp_path / "lib") as client:
        wait_until_ready(client)
        import retrieval.storage.locking as locking

        with locking.lock_folder(tmp_path / "lib"):
            start(client, media)
            state = wait_for_job(client)
    assert state["error"] and state["error"] in state["log"] and state["summary"] is None


def test_a_library_that_is_gone_is_not_made_anew(media, tmp_path):
    """Its disk may not be mounted: a new library in the empty folder would hide it."""
    index(tmp_path / "lib", media)
    with open_client(tmp_path / "lib") as client:
        wait_until_ready(client)
        shutil.move(tmp_path / "lib", tmp_path / "elsewhere")
        answer = start(client, media)
        assert answer.status_code == 503 and "not mounted" in answer.json()["error"]
        assert client.post("/api/sample").status_code == 503
        assert not (tmp_path / "lib").exists()
