"""Searching by mood: faces whose expression is set stand for media whose mood is known."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from library_factory import TOYS, encoded, random_rows

from encoders.base import AffectError
from encoders.face_columns import EMOTIONS, FACE_COLUMNS
from retrieval.cli.main import main
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.report.terminal import format_affect, format_affect_record
from retrieval.search.engine import Engine
from retrieval.search.query import PhraseAffect, Query
from retrieval.storage.library import Library
from spaces.affect_regression import estimate_face_affect, predict_mean_and_sd, soft_clip
from spaces.circumplex import LANDMARKS, affinity

FACED = TOYS.replace(faces="mtcnn-fer")
SHOWN = {f"{emotion}{number}": emotion for emotion in EMOTIONS for number in range(3)}
HAPPY, ANGRY = LANDMARKS["happy"], LANDMARKS["angry"]


def face(emotion, confidence=1.0):
    """A row of faces (1, 10) that shows one emotion."""
    row = np.full(7, 0.02)
    row[EMOTIONS.index(emotion)] = 0.88
    return np.array([[*row, 1.0, 1.0, confidence]], np.float32)


def faced(name, objects, row):
    item = encoded(name, objects=objects)
    return replace(item, features={**item.features, "faces": row})


def filled(folder, recipe):
    """A library of 21 pictures with faces and random contents, one without a face."""
    rows = random_rows(len(SHOWN) + 1, 5)
    items = [faced(name, rows[at : at + 1], face(one)) for at, (name, one) in enumerate(SHOWN.items())]
    items.append(faced("nobody", rows[-1:], np.full((1, len(FACE_COLUMNS)), np.nan, np.float32)))
    with closing(Library.create(folder, recipe, 15.0)) as library, library.lock_for_writing():
        library.commit(items)
    return folder


@pytest.fixture(scope="module")
def moods(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("moods") / "lib", FACED)


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """The same with a text regressor."""
    return filled(tmp_path_factory.mktemp("moods") / "lib", FACED.replace(sentiment="minilm-affect"))


@pytest.fixture
def engine(moods):
    with closing(Library.open(moods)) as library, Engine(library) as found:
        yield found


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


def test_unsure_faces_say_little():
    sure, unsure = (estimate_face_affect(face("angry", confidence))[0] for confidence in (1.0, 0.2))
    assert unsure[:2] == pytest.approx(sure[:2])
    assert unsure[2:] == pytest.approx(sure[2:] / np.sqrt(0.2), rel=1e-3)
    assert np.isnan(estimate_face_affect(face("angry", 0.05))).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing to look for"),
        ({"mood": (1.5, 0.0)}, "between -1 and 1"),
        ({"mood": (float("nan"), 0.0)}, "between -1 and 1"),
        ({"text": "a", "affect": 1.2}, "between 0"),
        ({"text": "a", "affect": float("nan")}, "between 0"),
        ({"mood": (0.1, 0.1), "affect": 0.0}, "only a mood is asked for"),
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


def found(folder, *words):
    return CliRunner().invoke(main, ["search", "-l", str(folder), "-k", "3", *words])


@pytest.mark.parametrize(
    ("phrase", "pleasant"),
    [("scary", False), ("like a sunday morning", True), ("not happy at all", False), ("bad", False)],
)
def test_any_phrase_is_a_mood_by_the_text_regressor(reading, phrase, pleasant):
    told = json.loads(found(reading, "--mood", phrase, "--json").stdout)
    row = FeaturePipeline(PipelineConfig()).estimate_text_affect([phrase])[0]
    assert told["query"]["mood_phrase"] == phrase and told["query"]["affect"] == 1
    assert [*told["query"]["mood"], *told["query"]["mood_sd"]] == pytest.approx(row, abs=1e-4)
    assert (told["query"]["mood"][0] > 0) == pleasant
    by_point = json.loads(
        found(reading, f"--mood={told['query']['mood'][0]},{told['query']['mood'][1]}", "--json").stdout
    )
    assert by_point["results"] == told["results"]
    shown = found(reading, "--mood", phrase)
    assert f"mood {phrase}: valence {row[0]:+.2f} ± {row[2]:.2f}" in shown.stdout


def test_a_phrase_beside_content_and_from_python(reading):
    with closing(Library.open(reading)) as library, Engine(library) as engine:
        asked = {"item": f"{'sad1':0>16}", "k": 5, "affect": 0.5}
        query = engine.resolve_query(Query(**asked, mood="scary"))
        assert isinstance(query.mood, PhraseAffect) and engine.resolve_query(query) is query
        expected = engine.search(Query(**asked, mood=query.target_affect))
        assert engine.search(Query(**asked, mood="scary")) == engine.search(query) == expected
    assert Query(mood="Calm").mood == LANDMARKS["calm"]


def test_landmarks_stay_exact_points(reading):
    told = json.loads(found(reading, "--mood", "fear", "--json").stdout)
    assert told["query"] == {"mood": list(LANDMARKS["afraid"]), "affect": 1.0}
    assert "mood afraid: valence -0.64, arousal +0.60\n" in found(reading, "--mood", "fear").stdout
    assert "mood: valence +0.30, arousal -0.20\n" in found(reading, "--mood=.3,-.2").stdout


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("clam", "did you mean calm?"), ("hapy", "did you mean happy?"), ("Sereen", "did you mean serene?"),
        ("qwertyuiop", "nothing to say of it"), ("x" * 3000, "'xxxx"), ("страшно", "nothing to say of it"),
        ("?!", "no words in it"), ("...", "no words in it"), ("", "no words in it"),
        ("caf\udce9", "not Unicode"),
    ],
)  # fmt: skip
def test_a_phrase_that_says_nothing_is_refused_in_one_line(reading, phrase, said):
    done = found(reading, "--mood", phrase)
    assert done.exit_code == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert "landmarks: afraid, " in done.stderr or "Unicode" in said
    assert len(done.stderr) < 600


def test_words_that_english_has_are_no_slips(reading):
    for word in ("bad", "toy", "tear", "mad", "palm"):  # one letter from sad, joy, fear, sad and calm
        assert json.loads(found(reading, "--mood", word, "--json").stdout)["query"]["mood_phrase"] == word


def test_without_a_text_regressor_only_landmarks_are_read(moods):
    for phrase in ("scary", "clam"):
        done = found(moods, "--mood", phrase)
        assert done.exit_code == 2 and "no text regressor" in done.stderr and "landmarks" in done.stderr
    assert "did you mean calm?" in done.stderr


def test_phrases_in_a_query_file(reading, tmp_path):
    lines = [{"mood": "scary"}, {"mood": "clam"}, {"id": "c", "item": f"{'sad1':0>16}"}, {"mood": 3}]
    file = tmp_path / "queries.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = found(reading, "--queries", str(file), "--mood", "eerie")
    scary, slip, default, bad = (json.loads(line) for line in done.stdout.splitlines())
    assert scary["query"]["mood_phrase"] == "scary" and default["query"]["mood_phrase"] == "eerie"
    assert "did you mean calm" in slip["error"] and "string" in bad["error"] and done.exit_code == 2


def test_estimates_are_told_with_a_word_or_with_their_sd():
    row = {"valence": 0.54, "arousal": -0.52, "valence_sd": 0.1, "arousal_sd": 0.15}
    assert format_affect(row) == "calm +0.54 -0.52"
    assert format_affect({**row, "valence_sd": 0.36, "arousal_sd": 0.23}) == "+0.54 -0.52 ±0.4"
    assert format_affect(None) == "·"


def test_a_record_has_words_only_where_it_is_sure():
    sure = {"valence": 0.54, "arousal": -0.52, "valence_sd": 0.1, "arousal_sd": 0.15}
    steps = [{"start": at, "end": at + 1, "valence": 0.54 - at, "arousal": -0.52} for at in (0, 0.2)]

    def lines(affect):
        record = {
            "path": "a.mp4", "affect": affect, "experts": {}, "speech_emotion": None, "face_emotion": None,
            "trajectory": steps, "why": [],
        }  # fmt: skip
        return "\n".join(format_affect_record(record))

    told = lines(sure)
    assert "a.mp4: calm, valence +0.54 ± 0.10" in told and "starts calm +0.54 -0.52" in told
    told = lines({**sure, "valence_sd": 0.4, "arousal_sd": 0.35})
    assert "a.mp4: valence +0.54 ± 0.40" in told and "starts +0.54 -0.52, ends +0.34 -0.52" in told


def test_the_bound_is_smooth_and_keeps_the_order():
    values = np.linspace(-1.5, 1.5, 601)
    bounded = soft_clip(values)
    inside = np.abs(values) <= 0.5
    assert np.array_equal(bounded[inside], values[inside])
    assert (np.abs(bounded) < 1).all() and (np.diff(bounded) > 0).all()  # a clip makes all beyond 1 alike
    slopes = np.diff(bounded) / np.diff(values)
    assert np.abs(np.diff(slopes)).max() < 0.02  # no corner anywhere
    assert np.array_equal(bounded, -soft_clip(-values))
    assert (
        np.isnan(soft_clip([np.nan, 0])).tolist() == [True, False] and (soft_clip([-99, 99]) == [-1, 1]).all()
    )


def test_estimates_beyond_the_edge_keep_their_order():
    means = np.array([[0.3, -0.2], [1.1, -1.3], [1.4, -1.6], [np.nan, np.nan]], np.float32)
    rows = predict_mean_and_sd(lambda features: means, lambda features: np.full((4, 2), -1.0, np.float32), {})
    assert rows[0, :2] == pytest.approx([0.3, -0.2])
    assert 0.9 < rows[1, 0] < rows[2, 0] < 1 and -0.9 > rows[1, 1] > rows[2, 1] > -1
    assert np.isnan(rows[3, :2]).all()


def test_affect_of_the_version_before_is_renewed_without_media(tmp_path):
    with closing(Library.create(tmp_path / "old", FACED, 15.0)) as library, library.lock_for_writing():
        library.commit([faced("one", random_rows(1, 0), face("happy"))])
        told = json.loads(library.catalog.get_meta("signature"))
        assert told["affect space"].startswith("affect-2-")
        told["affect space"] = told["affect space"].replace("affect-2-", "affect-1-")
        library.catalog.set_meta("signature", json.dumps(told))
    with pytest.raises(AffectError, match="affect rebuild"):
        Library.open(tmp_path / "old")
    assert CliRunner().invoke(main, ["rebuild", "-l", str(tmp_path / "old")]).exit_code == 0
    with closing(Library.open(tmp_path / "old")) as library, Engine(library) as engine:
        assert names(engine.search(Query(mood=HAPPY))) == ["one"]  # a file that is nowhere


def test_a_library_from_before_affect_gets_it_by_a_rebuild(moods, tmp_path):
    with closing(Library.create(tmp_path / "old", FACED, 15.0)) as library, library.lock_for_writing():
        library.commit([faced("one", random_rows(1, 0), face("happy"))])
        library.catalog.execute("DELETE FROM rows WHERE store = 'affect.plane'")
        library.catalog.execute("DELETE FROM stores WHERE name = 'affect.plane'")
        told = json.loads(library.catalog.get_meta("signature"))
        del told["affect space"]
        library.catalog.set_meta("signature", json.dumps(told))
    with pytest.raises(AffectError, match="affect rebuild"):
        Library.open(tmp_path / "old")
    assert CliRunner().invoke(main, ["rebuild", "-l", str(tmp_path / "old")]).exit_code == 0
    with closing(Library.open(tmp_path / "old")) as library, Engine(library) as engine:
        assert names(engine.search(Query(mood=HAPPY))) == ["one"]
