"""Teaching by captions from the page: they are kept, trained on as `affect train` does, and taken back."""

import csv
import json
import os
from pathlib import Path

import pytest
from captioned_library import make_captioned_library
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_client import fetch, open_client, wait_for_job

from encoders import AffectError
from retrieval.web.caption_store import STORE_NAME, CaptionStore


def test_captions_are_kept_changed_and_taken_back(lib):
    with open_client(lib) as client:
        items = [item["id"] for item in fetch(client, "/api/items")["items"]]
        assert fetch(client, "/api/captions") == {"captions": {}}
        for caption in ("  our cat ", "our <b>old</b> cat"):
            assert client.put(f"/api/captions/{items[0]}", json={"caption": caption}).status_code == 200
        client.put(f"/api/captions/{items[1]}", json={"caption": "a film"})
    with open_client(lib) as client:  # after a restart
        expected = {items[0]: "our <b>old</b> cat", items[1]: "a film"}
        assert fetch(client, "/api/captions") == {"captions": expected}
        assert client.delete(f"/api/captions/{items[0]}").json() == {"captions": {items[1]: "a film"}}
        assert client.delete(f"/api/captions/{items[0]}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"caption": " "}, {"caption": 1}, {"caption": "x" * 2001}, {"caption": "a\0b"}, {"text": "a"}, []],
)
def test_a_bad_caption_is_refused(lib, body):
    with open_client(lib) as client:
        item = fetch(client, "/api/items")["items"][0]["id"]
        assert client.put(f"/api/captions/{item}", json=body).status_code == 400
        assert client.put("/api/captions/none", json={"caption": "a"}).status_code == 404
        assert fetch(client, "/api/captions") == {"captions": {}}


@given(captions=st.dictionaries(st.text("abcdef0123456789", min_size=1), st.text(min_size=1), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stored_is_read_and_written_as_a_table(tmp_path, captions):
    captions = {item: text.encode("utf-8", "replace").decode() for item, text in captions.items()}
    (tmp_path / STORE_NAME).unlink(missing_ok=True)
    store = CaptionStore(tmp_path)
    for item_id, text in captions.items():
        store.set(item_id, text)
    assert store.load() == captions
    paths = {item_id: f'/photos/{item_id}, "1".png' for item_id in captions}
    if not captions:
        with pytest.raises(AffectError, match="no item has a caption"):
            store.write_table(paths)
        return
    with store.write_table(paths).open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [(row["media"], row["caption"]) for row in rows] == [
        (paths[item_id], captions[item_id]) for item_id in sorted(captions)
    ]


def test_a_path_that_is_no_unicode_is_left_out_of_the_table(tmp_path):
    store = CaptionStore(tmp_path)
    store.set("a", "first")
    store.set("b", "second")
    store.set("gone", "third")
    table = store.write_table({"a": os.fsdecode(b"/\xff.png"), "b": "/b.png"})
    assert table.read_text().splitlines() == ["media,caption", "/b.png,second"]


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "\xff"])
def test_captions_that_cannot_be_read_are_one_line(lib, content):
    Path(lib, STORE_NAME).write_text(content, encoding="latin-1")
    with open_client(lib) as client:
        answer = client.get("/api/captions")
        assert answer.status_code == 400 and STORE_NAME in answer.json()["error"]


@pytest.mark.slow
def test_training_and_going_back(tmp_path):
    files = make_captioned_library(tmp_path / "lib", media=tmp_path)
    with open_client(tmp_path / "lib") as client:
        assert client.post("/api/train").status_code == 400
        ids = {item["path"]: item["id"] for item in fetch(client, "/api/items", limit=1000)["items"]}
        for file in files:
            body = {"caption": file.captions[0]}
            assert client.put(f"/api/captions/{ids[str(file.path)]}", json=body).status_code == 200
        query = {"text": "red round", "k": 5}
        before = fetch(client, "/api/search", **query)["results"]
        assert client.post("/api/train").status_code == 202
        assert client.post("/api/train").status_code == 409
        state = wait_for_job(client, 250)
        assert (state["job"], state["error"]) == ("train", None), state
        assert any(space["taken"] for space in state["summary"]["spaces"]), state["summary"]
        taught = fetch(client, "/api/search", **query)["results"]
        assert taught != before
        assert client.delete("/api/train").status_code == 202
        assert wait_for_job(client)["error"] is None
        assert fetch(client, "/api/search", **query)["results"] == before
        assert len(fetch(client, "/api/captions")["captions"]) == len(files)


@pytest.mark.slow
def test_too_few_captions_are_said_to_be_too_few(lib):
    with open_client(lib) as client:
        item = fetch(client, "/api/items")["items"][0]["id"]
        client.put(f"/api/captions/{item}", json={"caption": "our cat"})
        client.post("/api/train")
        state = wait_for_job(client)
        assert "too little to learn from" in state["error"]
        assert json.dumps(state["summary"]) == "null"
