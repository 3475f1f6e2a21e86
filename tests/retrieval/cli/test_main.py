import json
import os
import re
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from click.testing import CliRunner
from library_factory import ENCODERS, ROOT, affect, broken, flicker, gallery, index, painted

from retrieval.cli.main import main

KEYS = ["rank", "id", "path", "modality", "score", "spaces", "start", "end", "affect", "mood"]
SPACES = ["object", "activity", "audio"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of media, some of it broken, and its library."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=8)
    flicker(media / "second.gif", 5)
    broken(media)
    index(folder / "lib", media)
    return media, folder / "lib"


def ok(*words, **options):
    """What the command prints when all goes well: nothing on standard error, exit code 0."""
    done = affect(*words, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def bad(*words, **options):
    """The one line the command says of what is wrong, exit code 2."""
    done = affect(*words, **options)
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stdout == "", done
    return done.stderr


def answers(text):
    return [json.loads(line) for line in text.splitlines()]


# -- search -----------------------------------------------------------------------------------------------


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
    assert set(why) == {"labels", "views", "faces", "affect"} and why["faces"] is None
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
        (("--item", ""), "not in this library"),
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


def test_what_the_system_refuses_is_told_in_a_line(shelf, monkeypatch):
    def refuses(library):
        raise PermissionError(13, "Permission denied", "/else\udcffwhere")

    monkeypatch.setattr("retrieval.report.get_library_info", refuses)
    done = CliRunner().invoke(main, ["info", "--library", str(shelf[1])])
    assert (done.exit_code, done.stderr) == (2, "affect: /else\\xffwhere: permission denied\n")


def test_commands_that_make_no_sense():
    assert "Missing option" in bad("search", "words")
    assert "No such command" in bad("serch", "words")
    assert "no library here" in bad("search", "words", "--library", "/nowhere")


# -- many queries -----------------------------------------------------------------------------------------


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


# -- the other commands -----------------------------------------------------------------------------------


def test_info(shelf):
    _, lib = shelf
    facts = json.loads(ok("info", "--library", lib, "--json"))
    assert facts["items"] == {"audio": 2, "image": 8, "video": 3}
    assert (facts["files"], facts["unreadable"], facts["index"], facts["segment"]) == (13, 3, "exact", 15)
    assert facts["encoders"]["objects"] == "toy-frames" and facts["rows"]["objects"] == 11
    assert "image: 8" in ok("info", "--library", lib)


def test_list(shelf):
    _, lib = shelf
    rows = answers(ok("list", "--library", lib, "--json"))
    assert len(rows) == 13 and set(rows[0]) == {
        "id",
        "modality",
        "duration",
        "width",
        "height",
        "segments",
        "incomplete",
        "missing",
        "path",
    }
    assert len(answers(ok("list", "--library", lib, "--json", "--modalities", "audio"))) == 2
    failed = answers(ok("list", "--library", lib, "--failed", "--json"))
    assert {row["path"].rpartition("/")[2] for row in failed} == {"empty.jpg", "text.mp4", "cut.jpg"}
    assert "film.mp4" in ok("list", "--library", lib)
    assert "no modality 'smell'" in bad("list", "--library", lib, "--modalities", "smell")


def test_index_prints_a_summary(tmp_path):
    media, lib = gallery(tmp_path / "media", photos=1), tmp_path / "lib"
    broken(media)
    told = json.loads(ok("index", media, "--library", lib, "--encoders", ENCODERS, "--json"))
    assert (told["indexed"], told["images"], len(told["failed"])) == (5, 1, 3)
    said = ok("index", media, "--library", lib)
    assert "5 unchanged, 3 unreadable" in said and f"unreadable: {media / 'empty.jpg'}: empty file" in said


def test_verify_rebuild_and_remove(tmp_path):
    media, lib = gallery(tmp_path / "media", photos=4), tmp_path / "lib"
    index(lib, media)
    before = json.loads(ok("search", "--image", media / "photo1.png", "-l", lib, "--json"))
    assert ok("verify", "--library", lib) == "all is well\n"
    assert json.loads(ok("verify", "--library", lib, "--json")) == {
        "problems": [],
        "missing": [],
        "missing_below": [],
    }
    assert "search is exact" in ok("rebuild", "--library", lib)
    told = json.loads(ok("rebuild", "--library", lib, "--index", "annoy", "--json"))
    assert told["index"] == "annoy" and told["recall"]["object.looks.image"] == 1
    assert "search is annoy" in ok("rebuild", "--library", lib)
    assert json.loads(ok("search", "--image", media / "photo1.png", "-l", lib, "--json")) == before
    first = before["results"][0]
    removed = ok("remove", first["id"][:8], media / "photo1.png", "--library", lib, "--json")
    assert json.loads(removed) == {"removed": [str(media / "photo1.png")]}
    after = json.loads(ok("search", "--image", media / "photo1.png", "-l", lib, "--json"))
    assert first["id"] not in [result["id"] for result in after["results"]]
    assert "no item, file or folder" in bad("remove", "photo1", "--library", lib)
    assert "no item, file or folder" in bad("remove", "", "--library", lib)
    assert ok("remove", media, "--library", lib) == "forgot 7 files\n"
    assert ok("list", "--library", lib) == "nothing\n" and ok("verify", "--library", lib)


def test_encoders_that_do_not_fit_their_role(tmp_path):
    media = gallery(tmp_path / "media", photos=1)
    for encoders, said in (
        ("objects=toy-sound", "reads sound"),
        ("objects=nobody", "no encoder 'nobody'"),
        ("nose=toy-frames", "no role nose"),
        ("objects", "write it as role=name"),
    ):
        assert said in bad("index", media, "--library", tmp_path / "lib", "--encoders", encoders)
    assert not (tmp_path / "lib").exists()
    assert "nan" in bad("index", media, "--library", tmp_path / "lib", "--segment", "nan")


# -- the shell --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_broken_pipe_is_no_traceback(tmp_path):
    media, lib = tmp_path / "media", tmp_path / "lib"
    media.mkdir()
    for seed in range(300):
        painted(media / f"{'long' * 40}{seed}.png", seed)
    index(lib, media)
    queries = tmp_path / "q.jsonl"
    queries.write_text(f'{{"image": "{media / ("long" * 40 + "7.png")}", "k": 200}}\n' * 20)
    for words in (f"list -l {lib}", f"list -l {lib} --json", f"search -l {lib} --queries {queries}"):
        done = subprocess.run(
            f"{sys.executable} -m retrieval {words} | head -n 1",
            shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.stderr == "" and done.stdout.count("\n") == 1, words


def test_help_is_quick_and_imports_no_torch():
    begun = [time.monotonic()]
    for _ in range(3):
        assert "Find photos, videos and sound" in ok("--help")
        begun.append(time.monotonic())
    assert min(b - a for a, b in pairwise(begun)) < 0.5
    code = "import sys; from retrieval.cli.main import main; main(['--help'], standalone_mode=False)"
    code += "; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout
    heavy = {
        "torch",
        "onnxruntime",
        "transformers",
        "av",
        "decord",
        "cv2",
        "scipy",
        "PIL",
        "rich",
        "tensorflow",
    }
    assert not heavy & set(loaded.split())


@pytest.mark.parametrize(
    "command", ["index", "search", "info", "list", "verify", "rebuild", "remove", "demo"]
)
def test_every_command_has_help(command):
    assert "--library" in ok(command, "--help") or command == "demo"
