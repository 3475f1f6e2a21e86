"""Paths in JSON open the file, whatever its name; for people they are escaped."""

import json
import os
from pathlib import Path

import pytest
from library_factory import affect, hum, index, painted

NAMES = [b"plain", b"new\nline", b"esc\x1b[31m", b"latin-\xe9\xff", "日本 é".encode(), b'quote"back\\slash']


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paths")
    media = folder / "media"
    media.mkdir()
    for seed, name in enumerate(NAMES):
        painted(folder / "drawn.png", seed)
        (folder / "drawn.png").rename(media / os.fsdecode(name + b".png"))
    index(folder / "lib", media)
    return media, folder / "lib"


def opened(path):
    """The bytes at a path that stood in JSON."""
    return Path(os.fsdecode(os.fsencode(path))).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_search(shelf, name):
    media, lib = shelf
    file = media / os.fsdecode(name + b".png")
    done = affect("search", "--image", file, "-l", lib, "--json", "--explain")
    answer = json.loads(done.stdout)
    assert done.stdout.isascii() and answer["results"][0]["path"] == answer["query"]["image"] == str(file)
    assert opened(answer["results"][0]["path"]) == file.read_bytes()
    assert {os.fsencode(hit["path"]) for hit in answer["results"]} == {
        os.fsencode(media) + b"/" + one + b".png" for one in NAMES
    }


def test_a_file_of_queries_takes_the_path_as_it_came(shelf):
    media, lib = shelf
    first = json.loads(affect("search", "--image", media / "plain.png", "-l", lib, "--json").stdout)
    asked = "\n".join(json.dumps({"image": hit["path"]}) for hit in first["results"])
    lines = affect("search", "-l", lib, "--queries", "-", input=asked).stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    assert [one["results"][0]["path"] for one in answers] == [hit["path"] for hit in first["results"]]
    assert len(answers) == len(NAMES)


def test_feel(tmp_path):
    for name in NAMES:
        hum(tmp_path / os.fsdecode(name + b".wav"), 500)
        (tmp_path / os.fsdecode(name + b".bad.wav")).write_bytes(b"no sound")
    files = sorted(tmp_path.iterdir())
    done = affect("feel", "--json", *files)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2 and [one["path"] for one in records] == list(map(str, files))
    assert [opened(one["path"]) for one in records] == [file.read_bytes() for file in files]
    assert sum("error" in one for one in records) == len(NAMES)
    assert "\x1b" not in done.stderr and done.stderr.count("affect: ") >= len(NAMES)


def test_people_see_escapes(shelf, tmp_path):
    media, lib = shelf
    said = affect("search", "--image", media / "plain.png", "-l", lib).stdout
    hum(tmp_path / "esc\x1b[31m.wav", 500)
    said += affect("feel", tmp_path / "esc\x1b[31m.wav").stdout
    for escaped in ("new\\x0aline.png", "esc\\x1b[31m.png", "latin-\\xe9\\xff.png", "esc\\x1b[31m.wav"):
        assert escaped in said
    assert "\x1b" not in said and "日本 é.png" in said
