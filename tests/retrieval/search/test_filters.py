"""Filters by folder and date are part of the search: they cost no result that passes them."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from library_factory import affect, encoded, index, painted, random_rows

from encoders import AffectError
from retrieval.search import Engine, IndexSettings, Query, rebuild_index
from retrieval.search.query_fields import parse_date
from retrieval.storage.file_stamps import FileStamp

DAY_NS = 24 * 3600 * 10**9
COUNT = 300


def make_file(number):
    """A photo in one of 100 folders, changed on one of 300 days."""
    file = encoded(f"{number:03x}", random_rows(1, number))
    path = Path(f"/photos/{number % 100:02}/{number:03}.png")
    return replace(file, path=path, stamp=FileStamp(size=1, mtime_ns=number * DAY_NS))


@pytest.fixture
def album(empty):
    empty.commit([make_file(number) for number in range(COUNT)])
    return empty


def search(library, **query):
    with Engine(library) as engine:
        return [(hit.id, hit.score) for hit in engine.search(Query(item=f"{0:016x}", balance=1, **query))]


@pytest.mark.parametrize("choice", ["exact", "annoy", "faiss"])
@pytest.mark.parametrize(
    ("given", "is_allowed"),
    [
        ({"under": Path("/photos/07")}, lambda n: n % 100 == 7),
        ({"under": Path("/photos/07/107.png")}, lambda n: n == 107),
        ({"under": Path("/photos/0")}, lambda n: False),
        ({"since": datetime.fromtimestamp(290 * 24 * 3600, UTC)}, lambda n: n >= 290),
        ({"until": datetime.fromtimestamp(3 * 24 * 3600, UTC)}, lambda n: n < 3),
        (
            {"under": Path("/photos"), "since": datetime.fromtimestamp(0, UTC), "until": parse_date("2024")},
            lambda n: True,
        ),
        ({"since": parse_date("1000"), "until": parse_date("2999")}, lambda n: True),
    ],
)
def test_a_filtered_search_is_the_whole_ranking_filtered(album, monkeypatch, choice, given, is_allowed):
    monkeypatch.setattr("retrieval.search.candidates.MAX_GATHERED_BYTES", 200)  # masks are searched too
    everything = search(album, k=COUNT)
    rebuild_index(album, IndexSettings(choice=choice, options={}))
    expected = [hit for hit in everything if is_allowed(int(hit[0], 16))][:5]
    assert search(album, k=5, **given) == expected


def test_moods_and_negatives_are_filtered_too(album):
    with Engine(album) as engine:
        negative = engine.search(Query(exclude=("a dog",), under=Path("/photos/07"), k=50))
    assert {Path(hit.path).parent.name for hit in negative} <= {"07"}


def test_the_command_takes_relative_folders_and_dates(tmp_path, monkeypatch):
    for name in ("old", "new"):
        (tmp_path / "media" / name).mkdir(parents=True)
        painted(tmp_path / "media" / name / f"{name}.png", len(name) + ord(name[0]))
    os.utime(tmp_path / "media" / "old" / "old.png", ns=(0, 0))
    index(tmp_path / "lib", tmp_path / "media")
    monkeypatch.chdir(tmp_path / "media")
    for filters in (["--under", "old"], ["--until", "1971"]):
        done = affect(
            "search", "--image", tmp_path / "media/new/new.png", *filters, "--library", tmp_path / "lib"
        )
        assert done.returncode == 0 and "old.png" in done.stdout and "new.png" not in done.stdout
    picture = tmp_path / "media/new/new.png"
    done = affect("search", "--image", picture, "--under", "gone", "--library", tmp_path / "lib")
    assert f"no match: no file here is under {tmp_path}/media/gone" in done.stdout
    done = affect(
        "search", "--image", tmp_path / "media/new/new.png", "--since", "soon", "--library", tmp_path / "lib"
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "2024-05-31" in done.stderr


@pytest.mark.parametrize("text", ["yesterday", "2024-13", "", "20240", "99999-01-01", "2024-1-1"])
def test_what_is_no_date_is_one_line(text):
    with pytest.raises(AffectError, match="write it as 2024-05-31"):
        parse_date(text)


def test_dates_are_local_and_may_be_short():
    assert (
        parse_date("2024")
        == parse_date("2024-01")
        == parse_date("2024-01-01")
        == datetime(2024, 1, 1).astimezone()
    )
    assert parse_date("2024-05-31T18:30+00:00") == datetime(2024, 5, 31, 18, 30, tzinfo=UTC)


def test_a_span_of_no_time_is_refused():
    with pytest.raises(AffectError, match="nothing is changed since"):
        Query(text="a dog", since=parse_date("2024"), until=parse_date("2023"))
