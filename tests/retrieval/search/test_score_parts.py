"""The shown parts of a score give the shown score, by the formula of `explain_score`, whatever is asked."""

import math
from contextlib import closing
from dataclasses import replace

import pytest
from library_factory import hum
from media_factory import clip

from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer
from retrieval.search import Engine, Query, explain_hit
from retrieval.storage import Library

PRINTED = 3e-6  # each number is printed to 6 digits


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Photos, sounds, and films with and without sound, of one segment and of several, with real encoders."""
    data = pytest.importorskip("skimage.data")
    folder = tmp_path_factory.mktemp("films")
    media = folder / "media"
    media.mkdir()
    from PIL import Image

    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        Image.fromarray(getattr(data, name)()).save(media / f"{name}.jpg")
    clip(media / "short.mp4", seconds=3, sound=3)
    clip(media / "long.mp4", seconds=6, sound=3)  # the second half is silent
    clip(media / "silent.mp4", seconds=3)
    hum(media / "hum.wav", 440)
    hum(media / "high.wav", 3000, seconds=5)
    config = PipelineConfig(faces="")
    with closing(Library.create(folder / "lib", config, 2.0)) as library, library.lock_for_writing():
        Indexer(library, lambda progress: None).run([media], 1)
    with closing(Library.open(folder / "lib")) as library, Engine(library) as engine:
        yield media, engine


def compute_score(parts):
    """The documented formula."""
    return sum(parts["sum"].values()) * math.prod(1 - q for q in parts.get("not", {}).values())


QUERIES = {
    "words": {"text": "a cup of coffee"},
    "words of two spaces": {"text": "yoga"},
    "weights": {"text": "music", "weights": {"object": 0.3, "audio": 2.0, "activity": 1.0}},
    "a photo": {"image": "coffee.jpg"},
    "a film of several segments": {"video": "long.mp4"},
    "several parts": {"text": "a cat", "image": "coffee.jpg", "audio": "hum.wav"},
    "mood alone": {"mood": "calm"},
    "the dial": {"text": "a cup of coffee", "mood": "calm", "affect": 0.3},
    "the dial at its end": {"text": "a cup of coffee", "mood": "calm", "affect": 1.0},
    "its own mood": {"video": "long.mp4", "affect": 0.6},
    "mood of words": {"text": "a sad cat", "mood_from_words": True},
    "negatives": {"text": "a pet without fur", "exclude": ("coffee",)},
    "negatives alone": {"exclude": ("coffee", "a rocket")},
    "negatives of a mood": {"mood": "calm", "exclude": ("coffee",)},
    "negatives of mood words": {"text": "a sad cat", "mood_from_words": True, "exclude": ("coffee",)},
}


def ask(films, given, **settings):
    media, engine = films
    paths = {kind: media / given[kind] for kind in ("image", "audio", "video") if kind in given}
    query = Query(**{**given, **paths, "k": 20, **settings})
    hits = engine.search(query)
    assert hits
    return [(hit, explain_hit(engine, hit, query)["parts"]) for hit in hits]


@pytest.mark.parametrize("fusion", ["mean", "rrf"])
@pytest.mark.parametrize("kind", QUERIES)
def test_the_parts_give_the_score(films, kind, fusion):
    given = QUERIES[kind]
    if fusion == "rrf" and given.get("mood_from_words"):
        pytest.skip("refused: ranks are no chances")
    for hit, parts in ask(films, given, fusion=fusion):
        assert compute_score(parts) == pytest.approx(hit.score, abs=PRINTED)
        silent = {space for space, score in hit.space_scores.items() if score is None}
        assert not silent & parts["sum"].keys()


@pytest.mark.parametrize("kind", ["words", "words of two spaces", "weights", "a photo"])
def test_a_term_of_the_mean_is_weight_times_score_over_the_weights_with_a_score(films, kind):
    for hit, parts in ask(films, QUERIES[kind]):
        if hit.is_copy:
            continue
        total = sum(parts["weights"][space] for space in parts["sum"])
        shares = {space: parts["weights"][space] / total for space in parts["sum"]}
        mean = sum(shares[space] * hit.space_scores[space] for space in shares)
        discount = hit.score / mean if mean else 1.0  # 1 but for a film that lacks a row
        assert discount == pytest.approx(1, abs=1e-2) or (hit.modality != "image" and discount < 1)
        for space, share in shares.items():
            assert parts["sum"][space] == pytest.approx(
                discount * share * hit.space_scores[space], abs=PRINTED
            )


@pytest.mark.parametrize("kind", ["words", "words of two spaces", "weights", "the dial", "negatives"])
def test_log_odds_of_learned_weights_give_the_content(films, kind):
    for hit, parts in ask(films, QUERIES[kind], fusion="learned"):
        assert compute_score(parts) == pytest.approx(hit.score, abs=PRINTED)
        if "log_odds" not in parts:
            assert all(score is None for score in hit.space_scores.values())
        elif "mood" not in parts["sum"]:
            content = 1 / (1 + math.exp(-sum(parts["log_odds"].values())))
            assert content == pytest.approx(parts["sum"]["content"], abs=PRINTED)


def test_the_file_asked_with_has_one_part(films):
    (hit, parts), *_ = ask(films, QUERIES["a photo"])
    assert hit.is_copy and parts["sum"] == {"same file": 1.0}


@pytest.mark.parametrize("fusion", ["mean", "rrf", "learned"])
def test_dial_at_nought_is_the_content_to_the_bit(films, fusion):
    _, engine = films
    plain = Query(text="a cup of coffee", k=20, fusion=fusion)
    assert engine.search(replace(plain, mood=(0.5, -0.5), affect=0.0)) == engine.search(plain)
    assert engine.search(replace(plain, affect=0.0)) == engine.search(plain)


def test_ranks_count_items_and_not_their_segments(films):
    by_rank = {hit.path: parts["sum"] for hit, parts in ask(films, QUERIES["words"], fusion="rrf")}
    terms = sorted((terms["object"] for terms in by_rank.values() if "object" in terms), reverse=True)
    assert terms[0] == 1.0 and terms[-1] >= 61 / (60 + len(terms)) * 0.74
