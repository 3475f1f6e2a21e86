"""Any phrase is a mood by the text regressor."""

import json
from contextlib import closing

import numpy as np
import pytest
from mood_library import FACED, filled, found

from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.search.query_moods import PhraseAffect
from retrieval.storage.library import Library
from spaces.circumplex import LANDMARKS


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """The same with a text regressor."""
    return filled(tmp_path_factory.mktemp("moods") / "lib", FACED.replace(sentiment="minilm-affect"))


@pytest.mark.parametrize(
    ("phrase", "pleasant"),
    [("scary", False), ("like a sunday morning", True), ("not happy at all", False), ("bad", False)],
)
def test_any_phrase_is_a_mood_by_the_text_regressor(reading, phrase, pleasant):
    told = json.loads(found(reading, "--mood", phrase, "--json").stdout)
    row = FeaturePipeline(PipelineConfig()).estimate_query_affect([phrase])[0]
    assert told["query"]["mood_phrase"] == phrase and told["query"]["affect"] == 1
    assert [*told["query"]["mood"], *told["query"]["mood_sd"]] == pytest.approx(row, abs=1e-4)
    assert (told["query"]["mood"][0] > 0) == pleasant
    by_point = json.loads(
        found(reading, f"--mood={told['query']['mood'][0]},{told['query']['mood'][1]}", "--json").stdout
    )
    assert by_point["results"] == told["results"]
    shown = found(reading, "--mood", phrase)
    assert f"mood {phrase}: valence {row[0]:+.2f} ± {row[2]:.2f}" in shown.stdout


def test_the_sds_of_a_query_are_those_for_raters_of_any_corpus():
    pipeline = FeaturePipeline(PipelineConfig())
    (own,), (asked,) = (
        estimate(["scary"]) for estimate in (pipeline.estimate_text_affect, pipeline.estimate_query_affect)
    )
    corpus_sd = pipeline.affect_model.text_corpus_sd
    assert asked[:2].tolist() == own[:2].tolist() and corpus_sd[1] > 0.05
    assert asked[2:] == pytest.approx(np.hypot(own[2:], corpus_sd), rel=1e-5)
    without = FeaturePipeline(PipelineConfig(sentiment=""))
    assert without.affect_model.text_corpus_sd == (0, 0)
    assert np.isnan(without.estimate_query_affect(["scary"])).all()


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
