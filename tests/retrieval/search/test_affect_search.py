"""Searching by mood: faces whose expression is set stand for media whose mood is known."""

import json
from contextlib import closing

import numpy as np
import pytest
from click.testing import CliRunner
from library_factory import random_rows
from mood_library import FACED, SHOWN, face, faced

from encoders.base import AffectError
from retrieval.cli.main import main
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.library import Library
from spaces.affect_regression.model import AFFECT_VERSION
from spaces.circumplex import LANDMARKS, affinity

HAPPY, ANGRY = LANDMARKS["happy"], LANDMARKS["angry"]


def names(hits):
    return [hit.id.lstrip("0") for hit in hits]


def test_a_mood_finds_what_feels_so(engine):
    hits = engine.search(Query(mood=HAPPY, k=3))
    assert {SHOWN[name] for name in names(hits)} == {"happy"}
    assert {SHOWN[name] for name in names(engine.search(Query(mood=ANGRY, k=3)))} <= {
        "angry",
        "fear",
        "disgust",
    }


def test_the_score_is_the_affinity_of_what_is_told(engine):
    for hit in engine.search(Query(mood=HAPPY, k=30)):
        row = [[hit.affect[name] for name in ("valence", "arousal", "valence_sd", "arousal_sd")]]
        assert hit.score == hit.affect_match == pytest.approx(float(affinity(row, HAPPY)[0]), abs=2e-3)


def test_what_shows_no_face_abstains(engine):
    assert "nobody" not in names(engine.search(Query(mood=HAPPY, k=30)))
    (hit,) = [
        one for one in engine.search(Query(item="0" * 10 + "happy0", k=30)) if one.id.endswith("nobody")
    ]
    assert hit.affect is None and hit.affect_match is None


def test_dial_at_nought_is_the_content_ranking_to_the_last_bit(engine):
    asked = {"item": f"{'sad1':0>16}", "k": 30}
    plain = [(hit.id, hit.score, hit.space_scores) for hit in engine.search(Query(**asked))]
    dialled = engine.search(Query(**asked, mood=HAPPY, affect=0.0))
    assert [(hit.id, hit.score, hit.space_scores) for hit in dialled] == plain


def test_dial_at_one_is_the_mood_ranking(engine):
    own = f"{'sad1':0>16}"
    found = names(engine.search(Query(item=own, mood=HAPPY, affect=1.0, k=30)))
    assert found == [name for name in names(engine.search(Query(mood=HAPPY, k=30))) if name != "sad1"]


def test_the_dial_moves_results_nearer_to_the_mood(engine):
    asked = {"item": f"{'sad1':0>16}", "mood": HAPPY, "k": 5}

    def mean_mood(dial):
        hits = engine.search(Query(**asked, affect=dial))
        return np.mean([0 if hit.affect is None else hit.affect["valence"] for hit in hits])

    steps = [mean_mood(dial) for dial in (0.0, 0.3, 0.6, 0.9)]
    assert steps == pytest.approx(sorted(steps)) and steps[-1] > steps[0] + 0.2


def test_without_a_mood_the_dial_goes_by_the_mood_of_what_is_asked_with(engine):
    hits = engine.search(Query(item=f"{'angry0':0>16}", affect=1.0, k=2))
    assert {SHOWN[name] for name in names(hits)} == {"angry"}


def test_a_query_nobody_can_tell_the_mood_of_goes_by_content(engine, caplog):
    asked = {"item": f"{'nobody':0>16}", "k": 5}
    assert names(engine.search(Query(**asked, affect=0.7))) == names(engine.search(Query(**asked)))
    assert "by content alone" in caplog.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing to look for"),
        ({"mood": (1.5, 0.0)}, "between -1 and 1"),
        ({"mood": (float("nan"), 0.0)}, "between -1 and 1"),
        ({"text": "a", "affect": 1.2}, "between 0"),
        ({"text": "a", "affect": float("nan")}, "between 0"),
        ({"mood": (0.1, 0.1), "affect": 0.0}, "only a mood is asked for"),
        ({"exclude": ("dogs",), "affect": 1.0}, "nothing asked for has a mood"),
        ({"exclude": ("dogs",), "affect": 0.0}, "nothing asked for has a mood"),
    ],
)
def test_what_can_not_be_asked(given, said):
    with pytest.raises(AffectError, match=said):
        Query(**given)


@pytest.mark.parametrize(
    ("given", "dial"),
    [
        ({"text": "a"}, 0.0), ({"text": "a", "mood": HAPPY}, 0.5), ({"mood": HAPPY}, 1.0),
        ({"text": "a", "affect": 0.3}, 0.3), ({"text": "a", "mood": HAPPY, "affect": 0.0}, 0.0),
    ],
)  # fmt: skip
def test_where_the_dial_stands(given, dial):
    assert Query(**given).affect_weight == dial


def test_on_the_command_line(moods):
    answer = CliRunner().invoke(main, ["search", "--mood", "happy", "-l", str(moods), "-k", "2", "--json"])
    told = json.loads(answer.stdout)
    assert told["query"] == {"mood": list(HAPPY), "affect": 1.0}
    for hit in told["results"]:
        assert set(hit["affect"]) == {"valence", "arousal", "valence_sd", "arousal_sd"}
        assert hit["affect"]["valence"] > 0.2 and 0 < hit["mood"] <= 1
    shown = CliRunner().invoke(main, ["search", "--mood", "0.8,0.5", "-l", str(moods), "--explain"])
    assert shown.exit_code == 0 and "happy" in shown.output and "feels" in shown.output


def test_a_mood_in_a_query_file(moods, tmp_path):
    file = tmp_path / "queries.jsonl"
    file.write_text('{"mood": "angry", "k": 1}\n{"mood": [0.8, 0.5], "k": 1}\n{"mood": "hapy"}\n')
    answer = CliRunner().invoke(main, ["search", "--queries", str(file), "-l", str(moods)])
    one, other, wrong = (json.loads(line) for line in answer.stdout.splitlines())
    assert one["results"][0]["affect"]["valence"] < 0 < other["results"][0]["affect"]["valence"]
    assert "did you mean happy" in wrong["error"] and answer.exit_code == 2


def test_affect_of_the_version_before_is_renewed_without_media(tmp_path):
    with closing(Library.create(tmp_path / "old", FACED, 15.0)) as library, library.lock_for_writing():
        library.commit([faced("one", random_rows(1, 0), face("happy"))])
        told = json.loads(library.catalog.get_meta("signature"))
        assert told["affect space"].startswith(f"{AFFECT_VERSION}-")
        told["affect space"] = told["affect space"].replace(AFFECT_VERSION, "affect-1")
        library.catalog.set_meta("signature", json.dumps(told))
    with pytest.raises(AffectError, match="affect rebuild"):
        Library.open(tmp_path / "old")
    assert CliRunner().invoke(main, ["rebuild", "-l", str(tmp_path / "old")]).exit_code == 0
    with closing(Library.open(tmp_path / "old")) as library, Engine(library) as engine:
        assert names(engine.search(Query(mood=HAPPY))) == ["one"]  # a file that is nowhere


def test_a_library_from_before_affect_gets_it_by_a_rebuild(moods, tmp_path):
    with closing(Library.create(tmp_path / "old", FACED, 15.0)) as library, library.lock_for_writing():
        library.commit([faced("one", random_rows(1, 0), face("happy"))])
        library.catalog.execute("DELETE FROM stores WHERE name = 'affect.plane'")
        told = json.loads(library.catalog.get_meta("signature"))
        del told["affect space"]
        library.catalog.set_meta("signature", json.dumps(told))
    with pytest.raises(AffectError, match="affect rebuild"):
        Library.open(tmp_path / "old")
    assert CliRunner().invoke(main, ["rebuild", "-l", str(tmp_path / "old")]).exit_code == 0
    with closing(Library.open(tmp_path / "old")) as library, Engine(library) as engine:
        assert names(engine.search(Query(mood=HAPPY))) == ["one"]
