"""Previews and waveforms are those that index runs have kept; a page never decodes a film."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from web_client import fetch, open_client

from retrieval.previews import PREVIEWS_NAME, PreviewStore


@pytest.fixture(autouse=True)
def without_media(lib, media):
    """Takes the files of the library away: previews must do without them."""
    shutil.rmtree(media)


def list_items(client):
    return fetch(client, "/api/items")["items"]


def test_pictures_and_films_have_a_preview_and_sounds_a_waveform(lib):
    store = PreviewStore.open(lib)
    with open_client(lib) as client:
        for item in list_items(client):
            preview = client.get(f"/api/items/{item['id']}/preview")
            waveform = client.get(f"/api/items/{item['id']}/waveform")
            assert preview.status_code == (404 if item["modality"] == "audio" else 200), item
            if preview.status_code == 200:
                assert preview.headers["content-type"] == "image/jpeg"
                assert preview.content == store.load_image(item["id"], None)
                assert max(Image.open(io.BytesIO(preview.content)).size) <= 320
            if item["modality"] == "audio":
                told = waveform.json()
                assert told["seconds"] == pytest.approx(1) and len(told["peaks"]) <= 400
                np.testing.assert_allclose(told["peaks"], store.load_peaks(item["id"])[0] / 255, atol=1e-3)
    store.close()


def test_the_preview_of_a_moment_is_the_nearest(lib):
    with open_client(lib) as client:
        film = next(item for item in list_items(client) if item["path"].endswith("film.mp4"))
        address = f"/api/items/{film['id']}/preview"
        assert client.get(address, params={"at": 1.5}).content == PreviewStore.open(lib).load_image(
            film["id"], 1.5
        )
        for at in ("-1", "nan", "inf", "soon"):
            assert client.get(address, params={"at": at}).status_code == 400, at


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x" * 9999)])
def test_without_a_store_there_are_none_and_all_else_goes_on(lib, damage):
    damage(lib / PREVIEWS_NAME)
    with open_client(lib) as client:
        for item in list_items(client):
            assert client.get(f"/api/items/{item['id']}/preview").status_code == 404
            assert client.get(f"/api/items/{item['id']}/waveform").status_code == 404
            assert fetch(client, f"/api/items/{item['id']}")["faces"] == []


@pytest.mark.parametrize("path", ["preview", "waveform"])
def test_an_unknown_item_has_none(lib, path):
    with open_client(lib) as client:
        assert client.get(f"/api/items/none/{path}").status_code == 404
