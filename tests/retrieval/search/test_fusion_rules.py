"""Rules of fusion in the search: candidates are scored in all spaces; what can't be asked is said."""

import json
from dataclasses import replace

import pytest
from command_output import ok
from library_factory import affect, encoded, random_rows

from encoders import AffectError
from fusion import LogisticWeights
from retrieval.search import FUSION_RULES, Engine, Query, make_learned_rule
from retrieval.search import engine as engine_module

ASKED = f"{'film0':0>16}"


@pytest.fixture
def films(empty):
    """Films with pictures and sound, photos without, and sounds without pictures."""
    empty.commit(
        [
            *(encoded(f"film{n}", random_rows(1, n), random_rows(1, n + 50), "video") for n in range(12)),
            *(encoded(f"aa{n:x}", random_rows(1, n + 100)) for n in range(12)),
            *(encoded(f"bb{n:x}", None, random_rows(1, n + 200), "audio") for n in range(12)),
        ]
    )
    return empty


@pytest.mark.parametrize("fusion", ["mean", "rrf"])
def test_a_candidate_of_one_space_is_scored_exactly_in_all(films, monkeypatch, fusion):
    """A film that only its sound brings in has the score of its pictures, as when all are candidates."""
    query = Query(item=ASKED, k=1, balance=1, weights={"object": 1e-3, "audio": 1.0, "activity": 0.0})
    with Engine(films) as engine:
        everything = {hit.id: hit for hit in engine.search(replace(query, k=100))}
        monkeypatch.setattr(engine_module, "MIN_CANDIDATES", 3)  # one is the film itself
        monkeypatch.setattr(engine_module, "CANDIDATES_PER_RESULT", 1)
        few = engine.search(replace(query, k=3, modalities=("video",), fusion=fusion))
    assert 1 < len(few) < 11
    for hit in few:
        assert hit.space_scores == everything[hit.id].space_scores
        assert None not in (hit.space_scores["object"], hit.space_scores["audio"])
        assert fusion == "rrf" or hit.score == everything[hit.id].score


def test_a_space_without_rows_is_absent_and_neither_zero_nor_average(films):
    with Engine(films) as engine:
        for rule in ("mean", "rrf"):
            hits = engine.search(Query(item=ASKED, k=100, balance=1, fusion=rule))
            for hit in hits:
                silent = {space for space, score in hit.space_scores.items() if score is None}
                assert "audio" in silent if hit.modality == "image" else "audio" not in silent
                assert not silent & hit.terms.keys()


def test_scores_of_one_space_are_reciprocal_ranks(films):
    """The item asked with has the first rank, and is no result."""
    with Engine(films) as engine:
        asked = Query(item=f"{'aa0':0>16}", k=100, balance=1, modalities=("image",))
        hits, plain = engine.search(replace(asked, fusion="rrf")), engine.search(asked)
    assert [hit.id for hit in hits] == [hit.id for hit in plain] and len(hits) == 11
    assert [hit.score for hit in hits] == pytest.approx([61 / (61 + n) for n in range(1, 12)], abs=1e-6)


def test_an_engine_takes_other_learned_weights(films):
    weights = LogisticWeights(intercept=0.0, slopes={"object": 1.0, "activity": 1.0, "audio": 1.0})
    rules = {**FUSION_RULES, "mean": make_learned_rule(lambda: weights)}
    with Engine(films) as plain, Engine(films, rules) as fitted:
        query = Query(item=ASKED, k=100, balance=1, modalities=("image",))
        assert [h.score for h in fitted.search(query)] == pytest.approx(
            [h.score for h in plain.search(query)], abs=1e-5
        )  # one space and a slope of 1: its own chance


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": "a", "fusion": "median"}, "no fusion rule 'median'; choose from mean, rrf, learned"),
        ({"text": "a", "item": "b", "fusion": "learned"}, "weights for words alone; leave out item"),
        ({"text": "a", "fusion": "rrf", "min_score": 0.5}, "no chances, which a least score needs"),
        ({"text": "a", "fusion": "rrf", "mood_from_words": True}, "which the mood of words needs"),
        ({"text": "a", "diversify": 1.5}, "between 0 and 1"),
        ({"text": "a", "balance": {"image": 0.7, "audio": 0.5}}, "sum to 1 at most"),
        ({"text": "a", "balance": {"smell": 0.5}}, "no modality searched 'smell'"),
        ({"text": "a", "balance": {"audio": 0.5}, "modalities": ("image",)}, "no modality searched 'audio'"),
        ({"text": "a", "balance": float("nan")}, "must be above 0"),
    ],
)
def test_what_can_not_be_asked(given, said):
    with pytest.raises(AffectError, match=said):
        Query(**given)


@pytest.mark.parametrize(
    "words", [("--fusion", "x"), ("--balance", "x"), ("--balance", "image=x"), ("--diversify", "7")]
)
def test_bad_values_are_one_line(shelf, words):
    media, engine = shelf
    done = affect("search", "--image", media / "photo1.png", "-l", engine.library.folder, *words)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_on_the_command_line_and_in_a_query_file(shelf, tmp_path):
    media, engine = shelf
    query = ("--image", media / "photo1.png", "-l", engine.library.folder)
    settings = ("--fusion", "rrf", "--balance", "image=.4,video=.1", "--diversify", "0.7")
    answer = json.loads(ok("search", *query, *settings, "--json"))
    assert (
        answer["query"]["fusion"] == "rrf" and answer["balance"] >= 1 and answer["exposure"]["image"] >= 0.4
    )
    line = {
        "image": str(media / "photo1.png"), "fusion": "rrf", "balance": {"image": 0.4, "video": 0.1},
        "diversify": 0.7,
    }  # fmt: skip
    (tmp_path / "queries.jsonl").write_text(json.dumps(line))
    told = json.loads(ok("search", "--queries", tmp_path / "queries.jsonl", "-l", engine.library.folder))
    assert told["results"] == answer["results"] and told["exposure"] == answer["exposure"]
    shown = ok("search", *query, *settings)
    assert "exposure image 0." in shown and "(--diversify 0.7)" in shown
