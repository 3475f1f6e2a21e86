"""The same request gives the same ranking through the API and on the command line."""

import json

import pytest
from library_factory import affect
from mood_library import FACED, filled
from web_client import fetch, open_client, wait_until_ready

from spaces.circumplex import LANDMARKS

QUERIES = (
    {"text": "no toy reads words"},
    {"text": "a dog without a lead", "k": 3, "modalities": "image,video"},
    {"item": "ITEM", "k": 4},
    {"item": "ITEM", "modalities": "image", "balance": "1", "min_score": 0.2},
    {"item": "ITEM", "weights": "object=2,audio=.5", "diversify": 0.5, "fusion": "rrf"},
    {"item": "ITEM", "balance": "image=.3,audio=.2", "k": 6},
    {"item": "ITEM", "under": "MEDIA", "since": "2020", "until": "2999-01-01"},
    {"item": "ITEM", "under": "/nowhere"},
    {"mood": "calm"},
    {"mood": "0.5,-0.3", "radius": 0.4, "k": 5},
    {"mood": "calm", "then": ["excited", "0.1,0.2"]},
    {"item": "ITEM", "nudge": ["calmer", "brighter"], "not_mood": ["sad"]},
    {"item": "ITEM", "not": ["a cat", "a dog"]},
    {"text": "a gloomy street", "mood_from_words": True, "affect": 0.4},
)
WRONG = (
    {}, {"text": " "}, {"text": "a", "k": 0}, {"text": "a", "k": 10001}, {"text": "a", "colour": 1},
    {"text": "a", "modalities": "smell"}, {"text": "a", "weights": "object"}, {"text": "a", "balance": "-1"},
    {"text": "a", "fusion": "luck"}, {"mood": "3,4"}, {"mood": "nan,nan"},
    {"text": "a", "affect": 2}, {"text": "a", "since": "yesterday"}, {"text": "x" * 2001},
    {"text": "a", "not": ["b"] * 21}, {"text": "a", "min_score": "nan"}, {"text": "a", "under": "a\0b"},
    {"radius": 1}, {"text": "a cat", "radius": 1},
)  # fmt: skip


def list_items(client):
    return fetch(client, "/api/items", limit=100)["items"]


def search_on_command_line(lib, query, *options):
    """(JSON, warnings) of a query, as a line of a query file."""
    done = affect("search", "-l", lib, "--queries", "-", *options, input=json.dumps({"id": 1, **query}))
    answer = json.loads(done.stdout)
    assert answer.pop("id") == 1
    return answer, [line.removeprefix("affect: ") for line in done.stderr.splitlines()]


def remove_groups(answer):
    """Take the group of each result out, which the command line does not tell."""
    ids = [result["id"] for result in answer["results"]]
    for at, result in enumerate(answer["results"]):
        assert result.pop("group") in [None, *ids[:at]]


def fill_in(query, client, media):
    """A query with the id of an item and the folder in place of their names."""
    values = {"ITEM": list_items(client)[0]["id"], "MEDIA": str(media)}
    return {
        name: values.get(value, value) if isinstance(value, str) else value for name, value in query.items()
    }


@pytest.mark.parametrize("query", QUERIES, ids=json.dumps)
@pytest.mark.parametrize("explain", [False, True])
def test_the_command_line_gives_the_same(client, shelf, query, explain):
    media, lib = shelf
    query = fill_in(query, client, media)
    expected, warnings = search_on_command_line(lib, query, *(["--explain"] if explain else []))
    told = client.get("/api/search", params={**query, **({"explain": "1"} if explain else {})})
    answer = told.json()
    if "error" in expected:
        assert (told.status_code, answer) == (400, expected)
        return
    assert told.status_code == 200 and answer.pop("took_ms") > 0
    assert answer.pop("warnings") == warnings
    remove_groups(answer)
    assert answer == expected and list(answer) == list(expected)


@pytest.mark.parametrize("query", WRONG, ids=lambda query: json.dumps(query)[:40])
def test_a_bad_query_is_one_line(client, query):
    answer = client.get("/api/search", params=query)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"error"} and "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("search?text=a&k=x", "k: must be a whole number"),
        ("search?text=a&k=0", "k: must be at least 1"),
        ("search?text=a&k=10001", "k: must be at most 10000"),
        ("search?text=a&affect=x", "affect: must be a number"),
        ("search?text=a&explain=x", "explain: must be true or false"),
        (f"search?text={'x' * 2001}", "text: has more than 2000 characters"),
        ("search?text=a" + "&not=b" * 21, "not: has more than 20 values"),
        ("search?text=a&colour=1", "colour: no such parameter"),
        ("search?text=a&k=1&k=2", "k: must be given once"),
        ("search?text=a&modalities=image&modalities=video", "modalities: must be given once"),
        ("items?colour=1", "colour: no such parameter"),
        ("items?sort=path&sort=date", "sort: must be given once"),
        ("items?sort=size", "sort: must be one of 'path', 'valence', 'arousal' or 'date'"),
    ],
)
def test_errors_are_in_plain_words(client, address, expected):
    answer = client.get(f"/api/{address}")
    assert (answer.status_code, answer.json()) == (400, {"error": expected})


def test_an_item_that_is_not_there(client):
    answer = client.get("/api/search", params={"item": "zzzz"})
    assert answer.status_code == 404 and "not in this library" in answer.json()["error"]


def test_empty_parameters_count_as_not_given(client):
    item = list_items(client)[0]["id"]
    given = fetch(client, "/api/search", item=item)
    names = client.app.openapi()["paths"]["/api/search"]["get"]["parameters"]
    empty = {parameter["name"]: "" for parameter in names if parameter["name"] != "item"}
    assert {"affect", "k", "radius", "then", "min_score", "diversify", "explain"} <= empty.keys()
    with_empty = fetch(client, "/api/search", item=item, **empty)
    assert given["results"] == with_empty["results"] != []
    assert fetch(client, "/api/items", limit="", sort="", under="") == fetch(client, "/api/items")


def test_warnings_are_of_their_own_query(client):
    course = {"mood": "calm", "then": "excited"}
    for _ in range(2):
        assert len(fetch(client, "/api/search", **course)["warnings"]) == 1
        assert fetch(client, "/api/search", text="a beach")["warnings"] == []


def test_an_upload_searches_as_its_file_does(client, shelf):
    media, lib = shelf
    for name, modality in (("photo1.png", "image"), ("low.wav", "audio"), ("film.mp4", "video")):
        file = media / name
        upload = client.post("/api/uploads", files={"file": (name, file.read_bytes())})
        assert upload.status_code == 201, upload.text
        told = upload.json()
        assert (told["modality"], told["name"]) == (modality, name)
        assert (told["seconds"] is None) == (modality == "image")
        query = {modality: str(file), "k": 5, "affect": 0.5}
        expected, _ = search_on_command_line(lib, query, "--explain")
        answer = fetch(client, "/api/search", **{modality: told["upload"]}, k=5, affect=0.5, explain=1)
        remove_groups(answer)
        assert answer["results"] == expected["results"] and answer["results"][0]["path"] == str(file)
        assert answer["query"] == {**expected["query"], modality: told["upload"]}


def test_a_radius_is_of_the_mood_that_the_text_names(tmp_path):
    with open_client(filled(tmp_path / "lib", FACED.replace(text="minilm"))) as client:
        assert wait_until_ready(client)["state"] == "ready"
        answer = fetch(client, "/api/search", text="something sad", radius=0.3)
        assert answer["query"]["mood"] == list(LANDMARKS["sad"]) and answer["query"]["radius"] == 0.3
        refused = client.get("/api/search", params={"text": "a cat", "radius": 0.3})
        assert refused.status_code == 400 and "no mood where it begins" in refused.json()["error"]
