"""Items, their files and the map; ranges of files; files that are gone or were replaced."""

import json
import os
import shutil
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from library_factory import affect, index, painted
from mood_library import FACED, SHOWN, filled
from web_client import fetch, open_client

from retrieval.storage import Library
from retrieval.web import item_listing
from retrieval.web.item_listing import format_date

HTML_NAME = "<img src=x onerror=alert(1)>.png"
TRAVERSALS = (
    "..",
    "../lib/catalog.sqlite",
    "%2e%2e%2fcatalog.sqlite",
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "a%00b",
    "'--",
)


def list_on_command_line(lib):
    return [json.loads(line) for line in affect("list", "-l", lib, "--json").stdout.splitlines()]


def test_items_are_those_of_the_command_line(client, shelf):
    expected = list_on_command_line(shelf[1])
    page = fetch(client, "/api/items", limit=1000)
    assert page["total"] == len(expected)
    for name in ("id", "path", "modality", "duration"):
        assert [item[name] for item in page["items"]] == [item[name] for item in expected]
    assert all(item["date"].startswith("20") for item in page["items"])


def test_pages_of_a_list_make_up_the_list(client):
    whole = fetch(client, "/api/items", limit=1000)["items"]
    pages = [fetch(client, "/api/items", limit=3, offset=at)["items"] for at in range(0, len(whole) + 3, 3)]
    assert list(chain.from_iterable(pages)) == whole and pages[-1] == []


@pytest.mark.parametrize("sort", ["path", "valence", "arousal", "date"])
def test_every_order_lists_every_item(client, sort):
    items = fetch(client, "/api/items", limit=1000, sort=sort)["items"]
    assert sorted(item["path"] for item in items) == [
        item["path"] for item in fetch(client, "/api/items", limit=1000)["items"]
    ]
    if sort in ("path", "date"):
        assert [item[sort] for item in items] == sorted(item[sort] for item in items)


def test_lists_are_filtered_by_modality_and_folder(client, shelf):
    media, _ = shelf
    videos = fetch(client, "/api/items", modalities="video")["items"]
    assert len(videos) == 3 and {item["modality"] for item in videos} == {"video"}
    assert fetch(client, "/api/items", under=str(media))["total"] == fetch(client, "/api/items")["total"]
    assert fetch(client, "/api/items", under=f"{media}x")["total"] == 0


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 1001},
        {"limit": 0},
        {"offset": -1},
        {"sort": "size"},
        {"modalities": "smell"},
        {"under": "a\0b"},
    ],
)
def test_a_bad_list_is_one_line(client, parameters):
    answer = client.get("/api/items", params=parameters)
    assert answer.status_code == 400 and set(answer.json()) == {"error"}


def test_an_item_has_all_its_segments(client, shelf):
    media, _ = shelf
    film = next(item for item in fetch(client, "/api/items")["items"] if item["path"].endswith("film.mp4"))
    told = fetch(client, f"/api/items/{film['id']}")
    assert told["paths"] == [str(media / "film.mp4")] and not told["missing"]
    assert (told["width"], told["height"]) == (64, 48) or told["width"] > 0
    assert [(part["start"], part["end"]) for part in told["segments"]] == [(0.0, pytest.approx(3, abs=0.1))]


def test_the_map_has_all_items_or_a_sample_of_them(tmp_path, monkeypatch):
    lib = filled(tmp_path / "lib", FACED)
    with open_client(lib) as client:
        whole = fetch(client, "/api/map")
        assert whole["total"] == len(whole["ids"]) == len(SHOWN)  # of one item the mood is unknown
    monkeypatch.setattr(item_listing, "MAX_MAP_ITEMS", 5)
    with open_client(lib) as client:
        sample = fetch(client, "/api/map")
    assert sample["total"] == len(SHOWN) and sample["modality_names"] == whole["modality_names"]
    rows, kept = (
        list(zip(*(of[name] for name in whole if name not in ("total", "modality_names")), strict=True))
        for of in (whole, sample)
    )
    assert len(kept) == 5 and kept == [row for row in rows if row in kept]


def test_what_is_unknown_comes_last_in_an_order_by_mood(tmp_path):
    with open_client(filled(tmp_path / "lib", FACED)) as client:
        for sort in ("valence", "arousal"):
            items = fetch(client, "/api/items", limit=100, sort=sort)["items"]
            values = [item["affect"][sort] for item in items[:-1]]
            assert values == sorted(values) and items[-1]["affect"] is None


@pytest.mark.parametrize("item_id", TRAVERSALS)
@pytest.mark.parametrize("rest", ["", "/media"])
def test_no_path_is_served(client, item_id, rest):
    answer = client.get(f"/api/items/{item_id}{rest}")
    assert answer.status_code == 404 and set(answer.json()) == {"error"}


def test_ids_are_whole(client):
    item_id = fetch(client, "/api/items")["items"][0]["id"]
    assert client.get(f"/api/items/{item_id[:8]}/media").status_code == 404


def test_files_are_given_whole_with_their_type(client):
    types = {"png": "image/png", "gif": "image/gif", "mp4": "video/mp4", "wav": "audio/wav"}
    for item in fetch(client, "/api/items")["items"]:
        answer = client.get(f"/api/items/{item['id']}/media")
        assert answer.content == Path(item["path"]).read_bytes()
        assert answer.headers["content-type"] == types[item["path"].rpartition(".")[2]]
        assert answer.headers["content-disposition"].startswith("inline")


@given(
    start=st.integers(0, 3000), length=st.integers(1, 3000), is_suffix=st.booleans(), is_open=st.booleans()
)
def test_ranges_are_slices_of_the_file(client, start, length, is_suffix, is_open):
    """RFC 9110, section 14.1.2: first and last position, the first alone, or the length of the end."""
    item = fetch(client, "/api/items", limit=1)["items"][0]
    content = Path(item["path"]).read_bytes()
    if is_suffix:
        asked, first, last = f"bytes=-{length}", max(len(content) - length, 0), len(content)
    else:
        last = len(content) if is_open else min(start + length, len(content))
        asked, first = f"bytes={start}-{'' if is_open else start + length - 1}", start
    answer = client.get(f"/api/items/{item['id']}/media", headers={"range": asked})
    if first >= len(content):
        assert answer.status_code == 416 and set(answer.json()) == {"error"}
        assert answer.headers["content-range"] == f"bytes */{len(content)}"
        return
    assert answer.status_code == 206 and answer.content == content[first:last]
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(content)}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=0-1,5-2",
        "items=0-1",
        "bytes",
        "bytes=1-" + "9" * 5000,
    ],
)
def test_an_invalid_range_is_ignored(client, asked):
    """RFC 9110, section 14.2."""
    item = fetch(client, "/api/items")["items"][0]
    answer = client.get(f"/api/items/{item['id']}/media", headers={"range": asked})
    assert answer.status_code == 200 and answer.content == Path(item["path"]).read_bytes()


def test_of_several_ranges_those_that_the_file_has_are_sent(client):
    item = fetch(client, "/api/items")["items"][0]
    address, content = f"/api/items/{item['id']}/media", Path(item["path"]).read_bytes()
    answer = client.get(address, headers={"range": "bytes=0-0,2-3"})
    assert answer.status_code == 206 and answer.headers["content-type"].startswith("multipart/byteranges")
    answer = client.get(address, headers={"range": f"bytes=1-2, {len(content)}-"})
    assert answer.status_code == 206 and answer.content == content[1:3]


def test_a_client_that_has_the_file_gets_it_no_more(client):
    item = fetch(client, "/api/items")["items"][0]
    address, content = f"/api/items/{item['id']}/media", Path(item["path"]).read_bytes()
    etag = client.get(address).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(address, headers={"if-none-match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert client.get(address, headers={"if-none-match": '"other"'}).content == content
    for version, expected in ((etag, content[2:5]), ('"other"', content)):
        answer = client.get(address, headers={"range": "bytes=2-4", "if-range": version})
        assert answer.content == expected


@pytest.mark.parametrize("kind", ["media", "preview", "waveform"])
def test_head_tells_what_get_would(client, kind):
    for item in fetch(client, "/api/items")["items"]:
        address = f"/api/items/{item['id']}/{kind}"
        got, head = client.get(address), client.head(address)
        assert (head.status_code, dict(head.headers)) == (got.status_code, dict(got.headers))


def test_a_name_that_is_html_is_text_everywhere(tmp_path):
    """The page gets it as a string of JSON; where it is a header, it is quoted."""
    (tmp_path / "media").mkdir()
    path = painted(tmp_path / "media" / HTML_NAME, 1)
    index(tmp_path / "lib", tmp_path / "media")
    with open_client(tmp_path / "lib") as client:
        listed = client.get("/api/items")
        item = listed.json()["items"][0]
        assert item["path"] == str(path) and listed.headers["content-type"] == "application/json"
        answer = client.get(f"/api/items/{item['id']}/media")
        assert answer.content == path.read_bytes()
        assert "<" not in answer.headers["content-disposition"]


def test_a_name_that_is_no_utf8_comes_back_as_it_is(tmp_path):
    (tmp_path / "media").mkdir()
    path = painted(tmp_path / "media" / "plain.png", 1)
    path.rename(path.with_name(os.fsdecode(b"\xff\xfe.png")))
    index(tmp_path / "lib", tmp_path / "media")
    with open_client(tmp_path / "lib") as client:
        item = fetch(client, "/api/items")["items"][0]
        assert os.fsencode(item["path"]).endswith(b"/\xff\xfe.png")
        assert client.get(f"/api/items/{item['id']}/media").status_code == 200


@pytest.fixture
def copy(shelf, tmp_path):
    """Media of our own, and their library."""
    shutil.copytree(shelf[0], tmp_path / "media")
    index(tmp_path / "lib", tmp_path / "media")
    return tmp_path / "media", tmp_path / "lib"


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<!doctype html><script>", b"%PDF-1"],
)
def test_a_file_that_has_changed_is_not_served(copy, content):
    media, lib = copy
    (media / "photo1.png").write_bytes(content)
    assert_not_served(lib, "photo1.png")


def test_a_link_in_the_place_of_a_file_is_not_followed(copy):
    media, lib = copy
    (media / "photo1.png").unlink()
    (media / "photo1.png").symlink_to("/etc/passwd")
    assert_not_served(lib, "photo1.png")


def test_new_permissions_are_no_change(copy):
    media, lib = copy
    (media / "photo1.png").chmod(0o600)
    with open_client(lib) as client:
        item = next(i for i in fetch(client, "/api/items")["items"] if i["path"].endswith("photo1.png"))
        assert client.get(f"/api/items/{item['id']}/media").content == (media / "photo1.png").read_bytes()


def assert_not_served(lib, name):
    with open_client(lib) as client:
        item = next(i for i in fetch(client, "/api/items")["items"] if i["path"].endswith(name))
        answer = client.get(f"/api/items/{item['id']}/media")
        assert answer.status_code == 404
        assert answer.json() == {"error": f"{item['path']}: has changed since it was indexed"}


def test_what_browsers_do_not_show_is_only_saved(tmp_path):
    (tmp_path / "media").mkdir()
    path = painted(tmp_path / "media" / "scan.tiff", 1)
    index(tmp_path / "lib", tmp_path / "media")
    with open_client(tmp_path / "lib") as client:
        item = fetch(client, "/api/items")["items"][0]
        answer = client.get(f"/api/items/{item['id']}/media")
        assert answer.content == path.read_bytes()
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")


def test_a_file_that_is_gone_is_a_line(copy):
    media, lib = copy
    with open_client(lib) as client:
        items = fetch(client, "/api/items")["items"]
        shutil.rmtree(media)
        for item in items:
            answer = client.get(f"/api/items/{item['id']}/media")
            assert answer.status_code == 404 and "no such file" in answer.json()["error"]
        assert fetch(client, "/api/items")["total"] == len(items)


def test_copies_of_a_file_are_one_item(copy):
    media, lib = copy
    shutil.copy(media / "photo1.png", media / "again.png")
    index(lib, media)
    with open_client(lib) as client:
        item = next(i for i in fetch(client, "/api/items")["items"] if i["path"].endswith("again.png"))
        paths = fetch(client, f"/api/items/{item['id']}")["paths"]
        assert sorted(paths) == [str(media / "again.png"), str(media / "photo1.png")]


def test_the_library_is_described(client, shelf):
    media, lib = shelf
    told = fetch(client, "/api/library")
    assert told["items"] == {"audio": 2, "image": 8, "video": 3}
    assert (told["files"], told["unreadable"], told["missing"]) == (13, 3, 0)
    assert told["folders"] == [{"path": str(media), "items": 13}]
    assert (told["state"], told["notice"]) == ("ready", None)
    with closing(Library.open(lib)) as library:
        assert told["segments"] == library.catalog.count_segments()
    assert {"word": "calm", "valence": 0.54, "arousal": -0.52} in told["landmarks"]


def test_what_could_not_be_read_is_listed(client, shelf):
    expected = affect("list", "-l", shelf[1], "--failed", "--json").stdout.splitlines()
    assert fetch(client, "/api/unreadable") == [json.loads(line) for line in expected]


def test_dates_beyond_the_calendar_are_unknown():
    assert format_date(0) == "1970-01-01T00:00:00+00:00"
    assert format_date(None) is None and format_date(1e18) is None
