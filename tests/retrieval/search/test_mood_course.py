"""Courses of mood over time: films whose faces change, and known courses on the plane."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from library_factory import encoded, random_rows
from mood_library import FACED, face, found
from search_answers import ids

from retrieval.search import Engine, Query, explain_hit
from retrieval.search.mood_course import make_course_target, place_words, select_courses
from retrieval.storage import Library
from spaces.circumplex import LANDMARKS, PRIOR_MEAN, PRIOR_SD

FILMS = {
    "rises": ("sad", "sad", "happy"),
    "falls": ("happy", "sad"),
    "returns": ("sad", "happy", "happy", "sad"),
    "sads": ("sad",) * 4,
    "happies": ("happy",) * 3,
    "short": ("happy",),
    "hidden": ("", "happy", ""),
}


def make_film(name, shown):
    rows = random_rows(len(shown), len(name))
    faces = [face(one) if one else np.full((1, 10), np.nan) for one in shown]
    item = encoded(name, objects=rows, modality="video")
    return replace(item, features={**item.features, "faces": np.concatenate(faces).astype(np.float32)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("courses") / "lib"
    with closing(Library.create(folder, FACED, 15.0)) as library, library.lock_for_writing():
        library.commit([make_film(name, shown) for name, shown in FILMS.items()])
    return folder


@pytest.fixture
def films(folder):
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        yield engine


@pytest.mark.parametrize(
    ("moods", "first"),
    [
        (("sad", "happy"), "rises"), (("happy", "sad"), "falls"), (("sad", "happy", "sad"), "returns"),
        (("sad", "sad"), "sads"), (("happy", "happy"), "happies"),
    ],
)  # fmt: skip
def test_the_film_that_takes_the_course_is_first(films, moods, first):
    hits = films.search(Query(mood=moods[0], then=moods[1:], k=9))
    assert ids(hits)[0] == first and hits[0].score > hits[1].score
    assert all(hit.score == hit.affect_match for hit in hits)


def test_without_two_segments_of_known_affect_there_is_no_course(films, caplog):
    assert set(FILMS) - set(ids(films.search(Query(mood="sad", then=("happy",), k=9)))) == {"short", "hidden"}
    assert "2 of 7 items have no course of mood" in caplog.text
    results = films.run_query(Query(mood="sad", then=("happy",), modalities=("video",), min_score=1))
    assert "below the minimum score" in results.empty_reason


def test_beside_content_a_film_without_a_course_keeps_what_it_is(films):
    hits = films.search(Query(item=f"{'rises':0>16}", mood="sad", then=("happy",), affect=0.3, k=9))
    (short,) = [hit for hit in hits if hit.id.endswith("short")]
    assert short.affect_match is None and short.score > 0


def test_the_explanation_pairs_each_segment_with_what_was_asked_for(films):
    query = Query(mood="sad", then=("happy",))
    hit = films.search(query)[0]
    course = explain_hit(films, hit, query)["course"]
    assert [(step["start"], step["end"]) for step in course] == [(0, 15), (15, 30), (30, 45)]
    assert [step["valence"] > 0 for step in course] == [False, False, True]
    asked = [step["asked"][0] for step in course]
    assert asked == sorted(asked) and asked[0] < 0 < asked[-1]
    assert "course" not in explain_hit(films, hit, Query(mood="sad"))


def test_on_the_command_line(folder):
    done = found(folder, "--mood", "sad", "--then", "happy", "--explain")
    assert (
        done.exit_code == 0 and "mood sad: valence -0.63, arousal -0.27; then happy: valence" in done.stdout
    )
    assert "course 0:00-0:15" in " ".join(done.stdout.split())
    told = json.loads(found(folder, "--mood", "sad", "--then=0.8,0.5", "--json").stdout)
    assert told["query"]["then"] == [[0.8, 0.5]] and len(told["results"]) == 3


class PlainSnapshot:
    """Videos of these segments: the item (n,) of each, and its affect (n, 4)."""

    def __init__(self, item_by_segment, affect):
        self.item_by_segment, self.affect = item_by_segment, affect

    def select_affect(self, segments):
        return self.affect[segments]

    def list_segments_of(self, modalities):
        return np.arange(len(self.affect) if "video" in modalities else 0)


def make_snapshot(courses, sd=0.05):
    """Items of these courses, (t, 2) each, told with a standard deviation."""
    rows = np.concatenate([np.pad(course, ((0, 0), (0, 2)), constant_values=sd) for course in courses])
    return PlainSnapshot(np.repeat(np.arange(len(courses)), list(map(len, courses))), rows)


def test_of_a_hundred_known_courses_the_one_asked_for_by_its_ends_is_first():
    rng = np.random.default_rng(3)
    ends = rng.uniform(-0.8, 0.8, (100, 2, 2)).round(3)
    times = [np.linspace(0, 1, count)[:, None] for count in rng.integers(4, 10, 100)]
    lines = [start + time * (end - start) for (start, end), time in zip(ends, times, strict=True)]
    snapshot = make_snapshot([line + rng.normal(0, 0.05, line.shape) for line in lines])
    firsts = np.unique(snapshot.item_by_segment, return_index=True)[1]
    right = 0
    for number, (start, end) in enumerate(ends.tolist()):
        target = make_course_target(Query(mood=tuple(start), then=(tuple(end),)), snapshot)
        right += int(target.score(snapshot, firsts).argmax()) == number
    assert right >= 90


def test_scores_do_not_depend_on_which_segments_are_asked_for():
    rng = np.random.default_rng(0)
    snapshot = make_snapshot([rng.uniform(-1, 1, (count, 2)) for count in (3, 1, 5, 2)])
    target = make_course_target(Query(mood=(0.2, 0.1), then=((-0.3, 0.4),)), snapshot)
    every = target.score(snapshot, np.arange(11))
    assert np.isnan(every[3]) and np.isfinite(np.delete(every, 3)).all()
    assert len(set(every[4:9])) == 1
    np.testing.assert_array_equal(target.score(snapshot, np.array([10, 0, 3, 5])), every[[10, 0, 3, 5]])
    assert select_courses(snapshot, np.arange(11))[1].tolist() == [3, 5, 2]


def test_words_move_to_the_scale_of_the_library_and_numbers_stay():
    rng = np.random.default_rng(0)
    estimates = np.pad(rng.normal((0.3, -0.2), (0.1, 0.3), (5000, 2)), ((0, 0), (0, 2)), constant_values=1e-6)
    moods = [LANDMARKS["calm"], (0.1, 0.2)]
    placed = place_words(moods, np.array(moods), estimates)
    expected = (0.3, -0.2) + (np.array(LANDMARKS["calm"]) - PRIOR_MEAN) / PRIOR_SD * (0.1, 0.3)
    assert placed[0] == pytest.approx(expected, abs=0.02) and placed[1].tolist() == [0.1, 0.2]
    assert place_words(moods, np.array(moods), estimates[:0]).tolist() == [list(mood) for mood in moods]


def test_no_course_without_moods_that_follow():
    snapshot = make_snapshot([np.zeros((2, 2))])
    assert make_course_target(Query(mood="calm"), snapshot) is None
    assert make_course_target(Query(mood="calm", then=("like a sunday morning",)), snapshot) is None
