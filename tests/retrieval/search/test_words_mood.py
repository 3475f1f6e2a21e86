"""The mood that the words of a query name moves scores; words that name none change nothing."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from mood_library import FACED, SHOWN, filled, found

from encoders import AffectError, score_sentiment
from retrieval.features import FeaturePipeline
from retrieval.search import Engine, Query, explain_hit
from retrieval.search.segment_scores import SegmentScores
from retrieval.search.words_mood import add_affect_residual, find_emotion_words, read_mood_of_words
from retrieval.storage import Library
from spaces.circumplex import affinity, compute_prior_affinity

OWN = f"{'fear0':0>16}"  # the content asked with: toy encoders have no words for pictures
GLOOMY = Query(text="a sad dog", item=OWN, k=30, balance=1, mood_from_words=True)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = filled(tmp_path_factory.mktemp("words") / "lib", FACED.replace(sentiment="minilm-affect"))
    with closing(Library.open(folder)) as library, Engine(library) as reading:
        yield reading


def list_scores(hits):
    return [(hit.id, hit.score, hit.space_scores, hit.view_scores, hit.affect_match) for hit in hits]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a gloomy street", ["gloomy"]), ("Children playing HAPPILY in the snow", ["happily"]),
        ("a dog on a beach", []), ("peaceful, cheerful people", ["peaceful", "cheerful"]),
    ],
)  # fmt: skip
def test_emotion_words_of_a_text(text, words):
    assert find_emotion_words(text) == words


def test_the_mood_is_that_of_the_words_alone_unless_they_are_negated(engine):
    pipeline = engine.library.pipeline
    mood = read_mood_of_words("a furious man shouts", pipeline)
    row = pipeline.estimate_query_affect(["furious"])[0]
    assert mood.phrase == "furious" and [*mood.point, *mood.sds] == pytest.approx(row, abs=1e-4)
    assert read_mood_of_words("a man who is not sad at all", pipeline) is None
    assert score_sentiment("a man who is not sad at all").compound > 0 > score_sentiment("sad").compound
    assert read_mood_of_words("a man on a bench", pipeline) is None


@pytest.mark.parametrize("dial", [None, 0.9, 1.0])
def test_words_without_a_mood_leave_every_score_to_the_bit(engine, dial):
    plain = engine.search(Query(text="a dog on a beach", item=OWN, k=30))
    assert plain
    asked = Query(text="a dog on a beach", item=OWN, k=30, mood_from_words=True, affect=dial)
    assert list_scores(engine.search(asked)) == list_scores(plain)


def test_dial_at_nought_is_the_content_to_the_bit(engine):
    plain = engine.search(replace(GLOOMY, mood_from_words=False))
    assert list_scores(engine.search(replace(GLOOMY, affect=0.0))) == list_scores(plain)


def test_what_feels_so_rises_and_what_has_no_affect_keeps_its_score(engine):
    plain = {hit.id.lstrip("0"): hit.score for hit in engine.search(replace(GLOOMY, mood_from_words=False))}
    moved = {hit.id.lstrip("0"): hit for hit in engine.search(GLOOMY)}
    assert moved.keys() == plain.keys() == {*SHOWN, "nobody"} - {"fear0"}
    for name, hit in moved.items():
        if name == "nobody":
            assert hit.score == plain[name] and hit.affect_gain is None
        elif SHOWN[name] in ("sad", "happy"):
            assert (hit.score > plain[name]) == (SHOWN[name] == "sad") and hit.affect_gain


def test_the_parts_of_the_score_that_are_shown_sum_to_it(engine):
    plain = {hit.id: hit.score for hit in engine.search(replace(GLOOMY, mood_from_words=False))}
    with_parts = 0
    for hit in engine.search(GLOOMY):
        terms = dict(explain_hit(engine, hit)["parts"]["sum"])
        assert sum(terms.values()) == pytest.approx(hit.score, abs=3e-6)
        assert ("mood" in terms) == (hit.affect is not None)
        with_parts += "mood" in terms
        terms.pop("mood", None)
        assert sum(terms.values()) == pytest.approx(plain[hit.id], abs=3e-6)
    assert with_parts == len(SHOWN) - 1


def test_with_the_dial_at_one_only_the_mood_counts(engine):
    hits = engine.search(replace(GLOOMY, affect=1.0, k=3))
    assert {SHOWN[hit.id.lstrip("0")] for hit in hits} == {"sad"}


def make_scores(total):
    empty = np.full(len(total), np.nan)
    return SegmentScores(
        segments=np.arange(len(total)), total=np.array(total), mean_cosine=empty, space_scores={},
        view_scores={}, affect_match=empty, affect_gain=empty, copy_level=np.zeros(len(total), np.int64),
        moment_score=np.zeros(len(total)),
    )  # fmt: skip


def test_the_less_sure_an_affect_the_less_it_moves_a_score():
    target = (-0.6, 0.0)
    rows = np.array(
        [[-0.6, 0, sd, sd] for sd in (0.02, 0.3, 1.0, 100.0)] + [[np.nan] * 4, [0.6, 0, 0.02, 0.02]]
    )
    moved = add_affect_residual(make_scores([0.2] * 6), affinity(rows, target), target, 0.5)
    sure, less, little, none, missing, opposite = moved.total
    assert sure > less > little > 0.2 > opposite and none == pytest.approx(0.2, abs=1e-4) and missing == 0.2
    assert np.isnan(moved.affect_gain).tolist() == [False] * 4 + [True, False]
    assert compute_prior_affinity(target) == pytest.approx(affinity(rows[3:4], target)[0], abs=1e-4)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"item": "0" * 16}, "no words to take a mood from"), ({"text": "a", "mood": "calm"}, "choose one"),
        ({"text": "a", "mood": (0.1, 0.1)}, "choose one"),
    ],
)  # fmt: skip
def test_what_can_not_be_asked(given, said):
    with pytest.raises(AffectError, match=said):
        Query(**given, mood_from_words=True)


def test_without_a_text_regressor_one_line_says_so(moods):
    done = found(moods, "a sad dog", "--mood-from-words")
    assert done.exit_code == 2 and "no text regressor" in done.stderr and done.stderr.count("\n") == 1


def test_on_the_command_line_and_in_a_query_file(engine, tmp_path):
    folder = engine.library.folder
    told = json.loads(
        found(folder, "a sad dog", "--item", OWN, "--mood-from-words", "--json", "--explain").stdout
    )
    row = engine.library.pipeline.estimate_query_affect(["sad"])[0]
    assert told["query"]["mood_phrase"] == "sad" and told["query"]["affect"] == 0.5
    assert told["query"]["mood_from_words"] and told["query"]["mood"] == pytest.approx(row[:2], abs=1e-4)
    file = tmp_path / "queries.jsonl"
    lines = [{"text": "a sad dog", "item": OWN, "mood_from_words": True}, {"text": "a", "mood_from_words": 1}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = found(folder, "--queries", str(file), "--explain")
    answer, wrong = map(json.loads, done.stdout.splitlines())
    assert answer["results"] == told["results"] and "true or false" in wrong["error"]
    shown = found(folder, "a sad dog", "--item", OWN, "--mood-from-words", "--explain").stdout
    assert "score object 0." in shown and " mood 0." in shown and "mood sad: valence" in shown
    assert (
        "no word of the query names a mood"
        in found(folder, "a dog", "--item", OWN, "--mood-from-words").stdout
    )


def test_the_estimate_is_not_computed_for_words_without_a_mood(engine, monkeypatch):
    def fail(self, texts):
        raise AssertionError(texts)

    monkeypatch.setattr(FeaturePipeline, "estimate_query_affect", fail)
    assert engine.search(Query(text="a dog on a beach", item=OWN, mood_from_words=True))
