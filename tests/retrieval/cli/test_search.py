"""`affect search`: JSON, tables, pages, and what can't be asked."""

import json
import os
import re

import pytest
from click.testing import CliRunner
from command_output import KEYS, ok
from library_factory import affect

from retrieval.cli.main import main

SPACES = ["object", "activity", "audio"]


def test_the_json_of_a_search(shelf):
    media, lib = shelf
    said = ok(
        "search", "--image", media / "photo1.png", "--library", lib, "--json", "-k", "4", "--balance", "1"
    )
    assert said.count("\n") == 1
    answer = json.loads(said)
    assert list(answer) == ["query", "results"] and answer["query"] == {"image": str(media / "photo1.png")}
    assert [result["rank"] for result in answer["results"]] == [1, 2, 3, 4]
    for result in answer["results"]:
        assert list(result) == KEYS and list(result["spaces"]) == SPACES
        assert 0 <= result["score"] <= 1 and result["spaces"]["activity"] is None
    first = answer["results"][0]
    assert (first["path"], first["modality"]) == (str(media / "photo1.png"), "image")
    assert first["start"] is None and first["end"] is None and len(first["id"]) == 16
    assert answer["results"] == sorted(answer["results"], key=lambda result: -result["score"])


def test_a_moment_has_times_in_seconds(shelf):
    media, lib = shelf
    query = ("search", "--video", media / "film.mp4", "--modalities", "video", "-l", lib, "--json")
    first = json.loads(ok(*query))["results"][0]
    assert first["path"].endswith("film.mp4") and (first["start"], first["end"]) == (
        0,
        pytest.approx(3, abs=0.1),
    )
    assert None not in (first["spaces"]["object"], first["spaces"]["audio"])


def test_a_table_for_people(shelf):
    media, lib = shelf
    said = ok("search", "--video", media / "film.mp4", "--library", lib, "--modalities", "video,audio")
    assert "film.mp4" in said and "█" in said and "0:00-0:03" in said and "·" in said
    assert "no match" in ok("search", "--library", lib, "words no toy can read")
    assert "no good match" in ok(
        "search",
        "--library",
        lib,
        "--image",
        media / "photo1.png",
        "--min-score",
        "1",
        "--modalities",
        "video",
    )


def test_text_and_image_are_one_query(shelf):
    media, lib = shelf
    answer = json.loads(ok("search", "red", "--image", media / "photo1.png", "-l", lib, "--json"))
    assert answer["query"] == {"text": "red", "image": str(media / "photo1.png")}
    assert answer["results"][0]["path"].endswith("photo1.png")


def test_the_library_may_stand_in_the_environment(shelf):
    media, lib = shelf
    env = {**os.environ, "AFFECT_LIBRARY": str(lib)}
    assert "photo1.png" in ok("search", "--image", media / "photo1.png", env=env)


def test_explain_and_html(shelf, tmp_path):
    media, lib = shelf
    page = tmp_path / "deep" / "page.html"
    done = affect(
        "search", "--image", media / "photo1.png", "-l", lib, "--explain", "--html", page, "--json", "-k", "2"
    )
    assert done.returncode == 0 and done.stderr == f"wrote {page}\n"
    why = json.loads(done.stdout)["results"][0]["why"]
    heard = {"events", "moment", "moment_event", "affect_events"}
    assert set(why) == {"parts", "labels", "views", "faces", "affect", *heard}
    assert why["faces"] is None
    assert list(why["views"]) == ["object.looks"]
    text = page.read_text()
    assert "photo1.png" in text and "data:image/jpeg;base64," in text and "<script" not in text
    assert "default-src 'none'" in text
    assert re.search(r"<p>(\d+ \w+, )*\d+ photos.*</p>", text)
    assert "scores" in ok("search", "--image", media / "photo1.png", "-l", lib, "--explain")
    said = bad_but_answered("search", "--image", media / "photo1.png", "-l", lib, "--html", media)
    assert str(media) in said


def bad_but_answered(*words):
    done = affect(*words)
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to look for"),
        (("",), "text is empty"),
        (("  \n",), "text is empty"),
        ((b"\xff\xfe".decode("utf-8", "surrogateescape"),), "not Unicode"),
        (("a", "-k", "0"), "at least 1"),
        (("a", "-k", "-3"), "at least 1"),
        (("a", "-k", "many"), "not a valid integer"),
        (("a", "--modalities", "image,smell"), "no modality 'smell'"),
        (("a", "--modalities", ""), "no modality to search"),
        (("a", "--modalities", "image,image"), "named twice"),
        (("a", "--weights", "object"), "write it as object=1"),
        (("a", "--weights", "object=x"), "write it as object=1"),
        (("a", "--weights", "colour=1"), "no space 'colour'"),
        (("a", "--weights", "object=-1"), "not negative"),
        (("a", "--weights", "object=nan"), "finite"),
        (("a", "--weights", "object=0,activity=0,audio=0"), "not all zero"),
        (("a", "--balance", "0"), "above 0"),
        (("a", "--balance", "nan"), "above 0"),
        (("a", "--min-score", "1.1"), "between 0 and 1"),
        (("a", "--min-score", "nan"), "between 0 and 1"),
        (("--item", "nobody"), "not in this library"),
        (("--item", ""), "give 4 characters of its id or more"),
        (("--image", "/nowhere.png"), "no such file"),
        (("--image", ""), "directory"),
        (("--image", "FILM"), "ask with --video"),
        (("--audio", "PHOTO"), "ask with --image"),
        (("--video", "TEXT"), "looks like text"),
        (("--image", "EMPTY"), "empty file"),
        (("a", "--nonsense"), "No such option"),
        (("a", "b"), "unexpected extra argument"),
        (("a", "--queries", "-"), "in place of a query"),
        (("--queries", "-", "--html", "page.html"), "--html shows one query"),
        (("--queries", "/nowhere.jsonl"), "can't be read as a query file"),
        (("--queries", "/"), "can't be read as a query file"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_line(shelf, words, said):
    media, lib = shelf
    names = {"FILM": "film.mp4", "PHOTO": "photo1.png", "TEXT": "text.mp4", "EMPTY": "empty.jpg"}
    words = [media / names[word] if word in names else word for word in words]
    done = CliRunner().invoke(main, ["search", "--library", str(lib), *map(str, words)])
    told = done.stderr
    assert (done.exit_code, done.stdout) == (2, "") and said in told, done
    assert told.startswith("Usage:") or (told.startswith("affect: ") and told.count("\n") == 1)


@pytest.mark.parametrize("words", ['-"black cat"', "!cat", 'without "black cat"'])
def test_words_that_begin_with_a_sign_of_negation_are_words(shelf, words):
    _, lib = shelf
    answer = json.loads(ok("search", words, "-l", lib, "--json"))
    assert answer["query"]["text"] == words
    wrong = affect("search", "-cat", "-l", lib)
    assert wrong.returncode == 2 and "after --" in wrong.stderr
    assert json.loads(ok("search", "-l", lib, "--json", "--", "-cat"))["query"]["text"] == "-cat"
