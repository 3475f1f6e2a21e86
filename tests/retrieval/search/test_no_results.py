"""Why nothing was found: a line for each cause, on the terminal and in JSON."""

import fcntl
import json
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from library_factory import affect, encoded, gallery, hum, index, new_library, painted, random_rows
from media_factory import float_wav

from retrieval.search import Query
from retrieval.search.no_results import describe_weak_match
from retrieval.storage import locking
from retrieval.storage.library import Library
from retrieval.storage.locking import LOCK_NAME


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unanswered")
    media = folder / "media"
    media.mkdir()
    for seed in range(3):
        painted(media / f"photo{seed}.png", seed)
    index(folder / "lib", media)
    new_library(folder / "empty").close()
    float_wav(folder / "silence.wav", np.zeros(16000))
    hum(folder / "hum.wav", 500)
    return folder


def why(folder, library, *words):
    """The line for people, which JSON tells too, with no results."""
    done = affect("search", *words, "-l", folder / library)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1), done
    answer = json.loads(affect("search", *words, "-l", folder / library, "--json").stdout)
    assert list(answer) == ["query", "results", "note"] and answer["results"] == []
    assert answer["note"] == done.stdout.rstrip("\n")
    return answer["note"]


def test_every_cause_has_its_own_line(shelf):
    photo = shelf / "media" / "photo1.png"
    lines = {
        "empty": why(shelf, "empty", "--image", photo),
        "words": why(shelf, "lib", "no toy reads words"),
        "silence": why(shelf, "lib", "--audio", shelf / "silence.wav"),
        "modality": why(shelf, "lib", "--image", photo, "--modalities", "video,audio"),
        "space": why(shelf, "lib", "--audio", shelf / "hum.wav"),
        "score": why(shelf, "lib", "--image", painted(shelf / "other.png", 50), "--min-score", "1"),
    }
    assert len(set(lines.values())) == len(lines)
    assert "is empty" in lines["empty"] and "affect index FOLDER" in lines["empty"]
    assert "no space knows these words" in lines["words"] and "silence" in lines["silence"]
    assert "nothing of video, audio" in lines["modality"]
    assert "nothing here can be compared" in lines["space"]
    assert (
        lines["score"].startswith("no good match: the best scores 0.") and "minimum score 1" in lines["score"]
    )


def test_a_library_that_is_being_indexed_says_so(shelf, tmp_path):
    photo = shelf / "media" / "photo1.png"
    with closing(new_library(tmp_path / "busy")) as library, library.lock_for_writing():
        said = why(tmp_path, "busy", "--image", photo)
        assert "is being indexed (process " in said and "is empty" not in said
        library.commit([encoded("aa", sound=random_rows(1, 1), modality="audio")])
        said = why(tmp_path, "busy", "--image", photo)
        assert "nothing here can be compared" in said and "written to, ask again later" in said
    assert "written to" not in why(tmp_path, "busy", "--image", photo)


def test_an_empty_search_does_not_take_the_library_away_from_a_writer(tmp_path, monkeypatch):
    """It looks at the lock for an instant, in which a writer waits instead of giving up."""
    with closing(new_library(tmp_path / "lib")) as library:
        assert "is empty" in why(tmp_path, "lib", "words")
        with library.lock_for_writing(), closing(Library.open(tmp_path / "lib")):
            pass
        looked = (tmp_path / "lib" / LOCK_NAME).open("rb")
        fcntl.flock(looked, fcntl.LOCK_SH)
        monkeypatch.setattr(locking, "time", SimpleNamespace(sleep=lambda _: looked.close()))
        with library.lock_for_writing():
            assert looked.closed


def test_a_mood_that_nothing_has(shelf):
    assert "nothing here can be compared" in why(shelf, "lib", "--mood", "calm")


def test_answers_have_no_note(shelf):
    answer = json.loads(
        affect("search", "--image", shelf / "media" / "photo1.png", "-l", shelf / "lib", "--json").stdout
    )
    assert list(answer) == ["query", "results"] and answer["results"]


def test_in_a_file_of_queries(shelf):
    asked = json.dumps({"id": 1, "text": "no toy reads words"})
    (line,) = affect("search", "-l", shelf / "lib", "--queries", "-", input=asked).stdout.splitlines()
    assert list(json.loads(line)) == ["id", "query", "results", "note"]


def test_the_only_item_has_no_other(tmp_path):
    media = gallery(tmp_path / "media", photos=0)
    for file in media.iterdir():
        if file.name != "low.wav":
            file.unlink()
    index(tmp_path / "lib", media)
    item = json.loads(affect("list", "-l", tmp_path / "lib", "--json").stdout)["id"]
    assert "nothing here can be compared" in why(tmp_path, "lib", "--item", item)


@pytest.mark.parametrize(
    ("settings", "score", "is_said"),
    [
        ({}, 0.3, True), ({}, 0.5, False), ({"fusion": "rrf"}, 0.3, False),
        ({"mood": "calm", "affect": 0.5}, 0.3, False), ({"mood_from_words": True}, 0.3, True),
    ],
)  # fmt: skip
def test_that_nothing_matches_well_is_said_where_scores_are_chances(settings, score, is_said):
    said = describe_weak_match(Query(text="a dog", **settings), score, np.full(2, np.nan))
    assert said.startswith("nothing matches well: the best scores 0.30") == is_said and bool(said) == is_said


@pytest.mark.parametrize(
    ("settings", "chances", "is_said"),
    [
        ({}, [0.04, np.nan], True), ({}, [0.04, 0.6], False),
        ({"text": "a dog"}, [0.04, np.nan], True), ({"text": "a dog"}, [0.04, 0.6], False),
        ({"text": "a dog", "affect": 0}, [np.nan, np.nan], False),
    ],
)  # fmt: skip
def test_that_a_region_is_empty_is_said_with_and_without_content(settings, chances, is_said):
    query = Query(mood=(-1.0, 1.0), radius=0.05, **settings)
    said = describe_weak_match(query, 0.7, np.array(chances))
    expected = "hardly anything lies in this region: the likeliest does with a chance of 0.04"
    assert said == (expected if is_said else "")


def test_that_nothing_matches_well_stands_below_the_results_and_in_json(tmp_path):
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded(f"{n:x}", random_rows(1, n)) for n in range(3)])
    query = ("search", "--item", "0" * 16, "-l", tmp_path / "lib")
    done, answer = affect(*query), json.loads(affect(*query, "--json").stdout)
    assert answer["results"] and answer["results"][0]["score"] < 0.5
    assert answer["note"].startswith("nothing matches well")
    assert answer["note"] in " ".join(done.stdout.split())
    assert "note" not in json.loads(affect(*query, "--fusion", "rrf", "--json").stdout)
