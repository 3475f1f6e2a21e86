"""Regions, nudges and moods that are not wanted, over faces whose expression is set."""

import json

import numpy as np
import pytest
from mood_library import SHOWN, found
from search_answers import ids

from encoders import AffectError
from retrieval.search import Query, explain_hit
from spaces.circumplex import (
    LANDMARK_RADIUS,
    LANDMARKS,
    combine_with_prior,
    compute_disc_probability,
    nudge_point,
)

ALL = {"k": 30, "balance": 1}
SAD, HAPPY = LANDMARKS["sad"], LANDMARKS["happy"]


def make_rows(hits):
    return [[hit.affect[name] for name in ("valence", "arousal", "valence_sd", "arousal_sd")] for hit in hits]


def get_item(name):
    return f"{name:0>16}"


def test_a_region_scores_the_chance_of_lying_in_it(engine):
    hits = engine.search(Query(mood=HAPPY, radius=0.4, **ALL))
    expected = compute_disc_probability(make_rows(hits), HAPPY, 0.4)
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-3)
    assert {SHOWN[name] for name in ids(hits[:3])} == {"happy"} and "nobody" not in ids(hits)
    wider = {hit.id: hit.score for hit in engine.search(Query(mood=HAPPY, radius=0.8, **ALL))}
    assert all(wider[hit.id] >= hit.score for hit in hits)


def test_a_nudge_looks_for_the_mood_of_the_item_moved(engine):
    asked = {"item": get_item("angry0"), **ALL}
    (row,) = make_rows([hit for hit in engine.search(Query(mood=SAD, **ALL)) if hit.id == asked["item"]])
    for nudges in (("calmer",), ("brighter", "calmer")):
        point = tuple(nudge_point(combine_with_prior(row), nudges))
        by_point = engine.search(Query(**asked, mood=point, affect=0.7))
        nudged = engine.search(Query(**asked, nudges=nudges))
        assert ids(nudged) == ids(by_point)
        assert [hit.score for hit in nudged] == pytest.approx([hit.score for hit in by_point], abs=1e-3)
    assert asked["item"] not in [hit.id for hit in nudged]


def test_a_brighter_one_is_more_pleasant_than_the_item(engine):
    asked = {"item": get_item("sad0"), "affect": 1, "k": 3}
    like_it, brighter = (engine.search(Query(**asked, nudges=nudges)) for nudges in ((), ("brighter",)))
    assert min(row[0] for row in make_rows(brighter)) > max(row[0] for row in make_rows(like_it)) + 0.1


def test_nothing_is_calmer_than_what_has_no_known_mood(engine):
    with pytest.raises(AffectError, match="nobody can tell how this query feels, nor what is calmer"):
        engine.search(Query(item=get_item("nobody"), nudges=("calmer",)))


def test_an_unwanted_mood_takes_its_own_chance_off_a_score(engine):
    asked = {"item": get_item("sad0"), **ALL}
    plain = {hit.id: hit.score for hit in engine.search(Query(**asked))}
    hits = engine.search(Query(**asked, not_moods=("happy", (-0.5, 0.6))))
    for hit in hits:
        if hit.affect is None:
            assert hit.score == pytest.approx(plain[hit.id])  # nothing is known against it
            continue
        row = make_rows([hit])
        chances = [compute_disc_probability(row, point, LANDMARK_RADIUS)[0] for point in (HAPPY, (-0.5, 0.6))]
        assert hit.score == pytest.approx(plain[hit.id] * (1 - chances[0]) * (1 - chances[1]), abs=1e-3)
        parts = explain_hit(engine, hit)["parts"]["not"]
        assert parts["mood happy"] == pytest.approx(chances[0], abs=1e-3)
        assert parts["mood -0.5,0.6"] == pytest.approx(chances[1], abs=1e-3)


def test_an_unwanted_mood_alone_ranks_by_absence(engine):
    hits = engine.search(Query(not_moods=("happy",), **ALL))
    shown = [SHOWN[name] for name in ids(hits)]
    assert set(shown[-3:]) == {"happy"} and "nobody" not in ids(hits) and len(hits) == len(SHOWN)
    assert np.all(np.diff([hit.score for hit in hits]) <= 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"radius": 0.3}, "no mood where it begins"),
        ({"then": ("calm",)}, "no mood where it begins"),
        ({"text": "a cat", "then": ("calm",)}, "no mood where it begins"),
        ({"mood": "calm", "radius": 0.0}, "above 0"),
        ({"mood": "calm", "radius": float("nan")}, "above 0"),
        ({"mood": "calm", "radius": 3.0}, "at most 2"),
        ({"mood": "calm", "radius": 0.3, "then": ("sad",)}, "leave one of them out"),
        ({"mood": "calm", "then": ((2.0, 0.0),)}, "between -1 and 1"),
        ({"not_moods": ((0.0, float("inf")),)}, "between -1 and 1"),
        ({"nudges": ("calmer",)}, "calmer than what"),
        ({"mood": "calm", "nudges": ("calmer",)}, "calmer than what"),
        ({"text": "a", "mood": "calm", "nudges": ("calmer",)}, "choose one of both"),
        ({"text": "a sad cat", "mood_from_words": True, "nudges": ("calmer",)}, "choose one of both"),
        ({"text": "a", "nudges": ("louder",)}, "no nudge 'louder'; choose from calmer"),
        ({"text": "a", "nudges": ("calmer", "more-intense")}, "arousal is to be both"),
    ],
)
def test_what_can_not_be_asked(given, said):
    with pytest.raises(AffectError, match=said):
        Query(**given)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--radius", "0.3"), "no mood where it begins"),
        (("--mood", "calm", "--radius", "-1"), "above 0"),
        (("--mood", "calm", "--then", "2,2"), "between -1 and 1"),
        (("--not-mood", "hapy"), "did you mean happy"),
        (("--not-mood", "!"), "no words in it"),
        (("--item", get_item("sad0"), "--calmer", "--more-intense"), "both higher and lower"),
        (("--item", get_item("nobody"), "--sadder"), "nor what is sadder"),
        (("--brighter",), "brighter than what"),
    ],
)
def test_bad_values_on_the_command_line(moods, words, said):
    done = found(moods, *words)
    assert done.exit_code == 2 and not done.stdout
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_on_the_command_line(moods):
    nudged = json.loads(found(moods, "--item", get_item("sad0"), "--brighter", "--calmer", "--json").stdout)
    assert nudged["query"]["nudge"] == ["calmer", "brighter"] and nudged["query"]["affect"] == 0.7
    shown = found(moods, "--item", get_item("sad0"), "--brighter", "--not-mood", "angry").stdout
    assert "brighter than what is asked with; not angry" in shown
    assert "hardly anything lies in this region" in found(moods, "--mood", "1,-1", "--radius", "0.02").stdout
    region = found(moods, "--mood", "0.8,0.5", "--radius", "0.3").stdout
    assert "hardly" not in region
    assert "mood: valence +0.80, arousal +0.50; within 0.3" in region


def test_in_a_query_file(moods, tmp_path):
    asked = [
        {"mood": [0.8, 0.5], "radius": 0.3},
        {"item": get_item("sad0"), "nudge": "brighter"},
        {"not_mood": "sad"},
        {"not_mood": [-0.6, -0.3]},
        {"not_mood": ["sad", [0.8, 0.5]]},
        {"mood": "calm", "then": "excited"},
    ]
    wrong = [
        {"not_mood": 5},
        {"not_mood": [1, "sad"]},
        {"not_mood": [[1]]},
        {"mood": "calm", "radius": "0.3"},
        {"text": "a", "nudge": 5},
        {"mood": "calm", "then": []},
    ]
    file = tmp_path / "queries.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in [*asked, *wrong[:-1]]))
    done = found(moods, "--queries", str(file))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 2 and ["error" in one for one in told] == [False] * 6 + [True] * 5
    queries = [one["query"] for one in told[:6]]
    assert queries[0]["radius"] == 0.3 and queries[1]["nudge"] == ["brighter"]
    assert [query.get("not_mood") for query in queries[2:5]] == [["sad"], ["-0.6,-0.3"], ["sad", "0.8,0.5"]]
    assert queries[5]["then"] == [list(LANDMARKS["excited"])]
    assert "two segments whose affect is known" in told[5]["note"]
    assert Query.from_json(wrong[-1], {}).then == ()
