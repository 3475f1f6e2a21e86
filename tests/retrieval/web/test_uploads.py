"""Media that are sent to search with: bounded, decoded in another process, deleted, forgotten in turn."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from library_factory import hum, painted
from web_client import fetch

from encoders.media import Probe
from retrieval.search import QueryMedia
from retrieval.web import request_guard
from retrieval.web.errors import NotFoundError
from retrieval.web.uploads import MAX_UPLOADS, UploadStore


def send(client, content, name="file"):
    return client.post("/api/uploads", files={"file": (name, content)})


def make_media(name):
    probe = Probe(
        modality="image",
        duration=None,
        width=1,
        height=1,
        fps=None,
        sample_rate=None,
        channels=None,
        format="png",
    )
    features = {"objects": np.zeros((1, 4), np.float32)}
    return QueryMedia(name=name, item_id=name, probe=probe, features=features, spans=[(None, None)])


def test_the_upload_longest_unused_is_forgotten_first():
    store = UploadStore()
    for number in range(MAX_UPLOADS):
        store.add(str(number), make_media(str(number)))
    store.find("0")
    store.add("one more", make_media("one more"))
    assert store.find("0").name == "0" and store.find("one more").name == "one more"
    with pytest.raises(NotFoundError, match="upload it again"):
        store.find("1")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<!doctype html><script>alert(1)</script>"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("cut.png", b"\x89PNG\r\n\x1a\n"),
        ("empty.png", b""),
        ("../../etc/passwd", b"root:x:0:0"),
    ],
)
def test_what_is_no_media_is_refused_and_deleted(client, monkeypatch, tmp_path, name, content):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answer = send(client, content, name)
    assert answer.status_code == 415 and set(answer.json()) == {"error"}
    assert str(tmp_path) not in answer.text
    assert list(tmp_path.iterdir()) == []


def test_uploads_are_deleted_once_they_are_encoded(client, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    sound = hum(tmp_path / "low.wav", 4700, seconds=3).read_bytes()
    answer = send(client, sound, "low.wav")
    assert answer.status_code == 201 and answer.json()["seconds"] == pytest.approx(3)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert fetch(client, "/api/search", audio=answer.json()["upload"])["results"]


def test_an_upload_is_searched_with_as_what_it_is(client, tmp_path):
    upload = send(client, painted(tmp_path / "a.png", 1).read_bytes(), "a.png").json()["upload"]
    answer = client.get("/api/search", params={"video": upload})
    assert answer.status_code == 400 and "image" in answer.json()["error"]
    with_words = fetch(client, "/api/search", image=upload, text="no toy reads words")
    assert with_words["query"] == {"text": "no toy reads words", "image": upload}


def test_a_picture_of_too_many_pixels_is_refused(client):
    """By its header: 60,000 x 60,000 pixels in some bytes."""
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
    answer = send(client, header + b"\0" * 100, "bomb.png")
    assert answer.status_code == 415


def test_too_many_bytes_are_refused(client, monkeypatch):
    monkeypatch.setattr(request_guard, "MAX_UPLOAD_BYTES", 100_000)
    assert send(client, b"x" * 200_000).status_code == 413


@pytest.mark.parametrize("data", [{}, {"other": b"x"}])
def test_an_upload_without_a_file_is_one_line(client, data):
    answer = client.post("/api/uploads", files=data)
    assert answer.status_code == 400 and set(answer.json()) == {"error"}


def test_ids_of_uploads_cannot_be_guessed(client, tmp_path):
    content = painted(tmp_path / "a.png", 1).read_bytes()
    ids = {send(client, content).json()["upload"] for _ in range(3)}
    assert len(ids) == 3 and all(len(upload) == 32 for upload in ids)


def test_no_file_is_named_in_a_search(client, shelf):
    """An upload's id is looked up, never opened."""
    path = Path(shelf[0], "photo1.png")
    assert client.get("/api/search", params={"image": str(path)}).status_code == 404


def test_text_in_place_of_a_file_is_a_bad_request(client):
    answer = client.post("/api/uploads", data={"file": "words"}, files={"other": b""})
    assert (answer.status_code, answer.json()) == (400, {"error": "file: must be sent as a file"})
