"""`affect index`, `verify`, `rebuild` and `remove`."""

import json

from command_output import bad, ok
from library_factory import ENCODERS, broken, gallery, index


def test_index_prints_a_summary(tmp_path):
    media, lib = gallery(tmp_path / "media", photos=1), tmp_path / "lib"
    broken(media)
    told = json.loads(ok("index", media, "--library", lib, "--encoders", ENCODERS, "--json"))
    assert (told["indexed"], told["images"], len(told["failed"])) == (5, 1, 3)
    said = ok("index", media, "--library", lib)
    assert "5 unchanged, 3 unreadable" in said and f"unreadable: {media / 'empty.jpg'}: empty file" in said


def test_progress_is_printed_for_a_program(tmp_path):
    media, lib = gallery(tmp_path / "media", photos=3), tmp_path / "lib"
    broken(media)
    options = ["--library", lib, "--encoders", ENCODERS, "--json", "--progress"]
    *lines, last = map(json.loads, ok("index", media, *options).splitlines())
    assert len(lines) >= 2 and all(line.keys() == {"progress"} for line in lines)
    counts = [line["progress"] for line in lines]
    assert [count["processed"] for count in counts] == sorted(count["processed"] for count in counts)
    assert (counts[0]["processed"], counts[0]["eta_seconds"]) == (0, None)
    assert (counts[-1]["processed"], counts[-1]["failed"], counts[-1]["eta_seconds"]) == (10, 3, 0)
    assert last["indexed"] == 7 and "progress" not in last


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
    assert "search is auto" in ok("rebuild", "--library", lib)
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
