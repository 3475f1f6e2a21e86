"""Many queries, a line each."""

import json
import subprocess
import sys

import pytest
from command_output import KEYS, answers, ok
from library_factory import ROOT, affect

from encoders import AffectError
from retrieval.search import Query


def lines(media, lib):
    item = json.loads(ok("list", "-l", lib, "--json").splitlines()[0])["id"]
    good = [
        {"id": "a", "image": str(media / "photo1.png"), "k": 2},
        {"id": 7, "audio": str(media / "low.wav"), "modalities": ["audio"], "weights": {"audio": 2}},
        {"image": str(media / "photo2.png"), "k": None, "text": None},
        {"id": {"deep": [1]}, "item": item, "modalities": "image", "balance": 1},
        {"id": "words", "text": "no toy reads words"},
    ]
    wrong = [
        b"not json",
        b'["a list"]',
        b'{"id": "k", "text": "a", "k": 0}',
        b'{"id": "real", "text": "a", "k": 2.5}',
        b'{"id": "field", "text": "a", "colour": 1}',
        b'{"id": "none"}',
        b'{"id": "type", "text": 5}',
        b'{"id": "gone", "image": "/nowhere.png"}',
        b'{"id": "nul", "image": "a\\u0000b"}',
        b'{"id": "half", "text": "\\ud800"}',
        b'{"id": "mods", "text": "a", "modalities": 5}',
        b'{"id": "weights", "text": "a", "weights": [1]}',
        b'{"id": "null", "text": "a", "weights": {"object": null}}',
        b'{"id": "big", "text": "a", "balance": 1' + b"0" * 400 + b"}",
        b'{"id": "kind", "image": "' + str(media / "film.mp4").encode() + b'"}',
        b'{"id": "bytes", "text": "\xff"}',
        b'{"id": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"NaN",
    ]
    return good, wrong


def test_a_file_of_queries(shelf, tmp_path):
    media, lib = shelf
    good, _ = lines(media, lib)
    file = tmp_path / "queries.jsonl"
    file.write_text("\n\n".join(map(json.dumps, good)) + "\n")
    told = answers(ok("search", "--library", lib, "--queries", file, "--json", "-k", "3"))
    assert [answer["id"] for answer in told] == ["a", 7, 5, {"deep": [1]}, "words"]
    assert [len(answer["results"]) for answer in told] == [2, 2, 3, 3, 0]
    for answer in told:
        assert list(answer) == ["id", "query", "results"] + ["note"] * (not answer["results"])
        assert all(list(result) == KEYS for result in answer["results"])
    assert told[0]["results"][0]["path"].endswith("photo1.png")
    assert ok("search", "-l", lib, "--queries", "-", "-k", "3", input=file.read_text()).splitlines() == [
        json.dumps(answer) for answer in told
    ]


def test_options_fill_in_what_lines_leave_out(shelf):
    media, lib = shelf
    line = json.dumps({"image": str(media / "photo1.png"), "balance": 1})
    options = [
        "--under",
        media,
        "--since",
        "2020",
        "--until",
        "2999",
        "--weights",
        "object=2",
        "--not-mood",
        "sad",
    ]
    (told,) = answers(ok("search", "-l", lib, "--queries", "-", *options, input=line))
    assert told["results"][0]["path"].endswith("photo1.png") and told["query"]["not_mood"] == ["sad"]
    (none,) = answers(ok("search", "-l", lib, "--queries", "-", "--until", "1990", input=line))
    assert none["results"] == []


def test_bad_lines_cost_only_themselves(shelf, tmp_path):
    media, lib = shelf
    good, wrong = lines(media, lib)
    file = tmp_path / "queries.jsonl"
    asked = [
        line for pair in zip(wrong, [json.dumps(good[0]).encode()] * len(wrong), strict=True) for line in pair
    ]
    file.write_bytes(b"\r\n".join(asked))
    done = affect("search", "--library", lib, "--queries", file, "--json")
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr[-2000:]
    told = answers(done.stdout)
    assert len(told) == len(asked)
    assert all(set(answer) == {"id", "error"} for answer in told[::2]), [
        a for a in told[::2] if "error" not in a
    ]
    assert all(answer["id"] == "a" and len(answer["results"]) == 2 for answer in told[1::2])
    names = [
        "k",
        "real",
        "field",
        "none",
        "type",
        "gone",
        "nul",
        "half",
        "mods",
        "weights",
        "null",
        "big",
        "kind",
    ]
    assert [answer["id"] for answer in told[::2]] == [1, 3, *names, 31, 33, 35, 37, 39]
    errors = done.stderr.splitlines()
    assert (
        len(errors) == len(wrong) + 1
        and errors[-1] == f"affect: {len(wrong)} of the queries could not be answered"
    )


def test_queries_are_answered_as_they_come(shelf):
    media, lib = shelf
    run = subprocess.Popen(
        [sys.executable, "-m", "retrieval", "search", "--library", lib, "--queries", "-"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for name in ("photo1.png", "photo2.png"):
        run.stdin.write(json.dumps({"id": name, "image": str(media / name)}) + "\n")
        run.stdin.flush()
        assert json.loads(run.stdout.readline())["id"] == name
    assert run.communicate()[0] == "" and run.returncode == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("diversify", "x"), ("min_score", True), ("affect", "0.5"), ("mood", [True, 0.1]),
        ("mood", ["a", "b"]), ("weights", {"audio": "x"}), ("balance", {"image": "x"}),
    ],
)  # fmt: skip
def test_a_number_is_a_number(field, value):
    with pytest.raises(AffectError, match="stands where a number must be"):
        Query.from_json({"text": "a dog", field: value}, {})
