""" "happy music", "something sad": by mood too; and what is not wanted of music is not all music."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from mood_library import FACED, filled, found

from encoders import AffectError
from retrieval.search import Engine, Query
from retrieval.search.affect_search import find_sound_mood_point, weigh_by_sound_mood
from retrieval.search.named_moods import NamedMood, parse_named_mood
from retrieval.search.query_moods import PhraseAffect
from retrieval.search.segment_scores import make_scores_without_content
from retrieval.storage import MODALITIES, Library
from spaces.circumplex import LANDMARK_RADIUS, LANDMARKS, compute_disc_probability


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    config = FACED.replace(sentiment="minilm-affect", text="minilm")
    return filled(tmp_path_factory.mktemp("sounds") / "lib", config)


@pytest.fixture(scope="module")
def engine(folder):
    with closing(Library.open(folder)) as library, Engine(library) as reading:
        yield reading


@pytest.mark.parametrize(
    ("text", "words", "modalities"),
    [
        ("sad", "sad", MODALITIES), ("show me something sad", "sad", MODALITIES),
        ("a calm and peaceful scene", "calm peaceful", MODALITIES), ("so sad", "sad", MODALITIES),
        ("Scary photos!", "scary", ("image",)), ("a picture of something sad", "sad", ("image",)),
        ("exciting videos", "exciting", ("video",)),
        ("happiest photo", "happy", ("image",)), ("the most peaceful place", "peaceful", MODALITIES),
        ("a photo that feels calm", "calm", ("image",)), ("Videos which look scary", "scary", ("video",)),
        ("a picture of something that's sad and gloomy", "sad gloomy", ("image",)),
        ("I'd like to see something sad", "sad", MODALITIES), ("sad, so sad", "sad", MODALITIES),
        ("the saddest of all the pictures", "sad", ("image",)),
        ("please play something calm", "calm", MODALITIES),
        ("Play the funniest videos", "funny", ("video",)),
    ],
)  # fmt: skip
def test_a_text_that_names_nothing_but_a_mood(text, words, modalities):
    assert parse_named_mood(text) == NamedMood(words=words, is_alone=True, modalities=modalities)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("happy music", "happy"), ("Sad piano MUSIC!", "sad"), ("a calm, relaxing song", "calm relaxing"),
        ("angry voices", "angry"), ("sad music with piano", "sad"), ("a sad voice in the dark", "sad"),
        ("saddest music", "sad"), ("the calmest, most relaxing song", "calm relaxing"),
        ("music that is sad", "sad"), ("songs which are happy", "happy"), ("music that's sad", "sad"),
        ("piano music that sounds very calm", "calm"), ("music that was sad in the dark", "sad"),
        ("a happy song that is about a dog", "happy"), ("boring music", "boring"),
        ("i want the saddest music", "sad"), ("Please play me a sad song", "sad"),
        ("play sad music", "sad"), ("Please play me a calm song", "calm"),
        ("I need happy music", "happy"), ("i would like to hear calm music", "calm"),
        ("let me listen to a sad song", "sad"), ("the saddest of songs", "sad"),
        ("sad sad sad music", "sad"), ("\uff53\uff41\uff44 music", "sad"),
    ],
)  # fmt: skip
def test_a_text_that_names_the_mood_of_a_sound(text, words):
    assert parse_named_mood(text) == NamedMood(words=words, is_alone=False, modalities=("video", "audio"))


@pytest.mark.parametrize(
    "text",
    [
        "music", "a happy dog", "love song", "death metal music", "a dog beside scary music", '"happy music"',
        "the sound of rain", "", "a sad street scene", "a photo", "non-scary music", "less sad music",
        "a happy man playing guitar", "scary theme park", "powerful engine sound", "video content",
        "a dog that is happy", "music for a dog that is sad", "music in a place that is calm",
        "a boring machine", "the best music", "a song that is about a dog", "sadder music",
        "the happiest dog", "i want a sad dog", "the saddest of dogs", "the joy of music",
        "people play sad music", "i listen to sad music", "play happy children", "play",
    ],
)  # fmt: skip
def test_a_text_that_names_no_mood(text):
    assert parse_named_mood(text) is None


def test_a_sound_is_looked_for_by_its_mood_beside_the_words(engine):
    read = engine.resolve_query(Query(text="sad music", k=20))
    assert read.mood == LANDMARKS["sad"] and read.affect_weight == 0.5
    assert read.modalities == ("video", "audio") and read.reading.positive == "a sad music"
    assert "'sad' too" in read.reading.warnings[-1]
    kept = engine.resolve_query(Query(text="sad music", modalities=("image",)))
    assert kept.modalities == ("image",) and kept.mood == LANDMARKS["sad"]


def test_a_mood_alone_is_searched_as_one(engine):
    hits = engine.search(Query(text="something sad", k=20))
    assert hits and hits == engine.search(Query(mood="sad", k=20))
    scary = engine.resolve_query(Query(text="scary pictures")).mood
    assert isinstance(scary, PhraseAffect) and scary.phrase == "scary" and scary.point[0] < 0
    boring = engine.resolve_query(Query(text="boring photos")).mood
    assert isinstance(boring, PhraseAffect) and max(boring.point) < 0
    beside = engine.resolve_query(Query(text="sad", item=f"{'fear0':0>16}"))
    assert beside.mood == LANDMARKS["sad"] and beside.affect_weight == 0.5


@pytest.mark.parametrize("given", [{"affect": 0.0}, {"mood": "calm"}, {"mood_from_words": True}])
def test_a_query_that_says_what_of_mood_is_left_alone(engine, given):
    read = engine.resolve_query(Query(text="sad music", **given))
    assert read.affect == given.get("affect") and not read.reading.warnings
    assert read.mood in (None, LANDMARKS["calm"]) or read.mood_from_words


def test_a_weight_above_0_keeps_the_mood(engine):
    read = engine.resolve_query(Query(text="something sad", affect=0.4))
    assert read.mood == LANDMARKS["sad"] and read.affect_weight == 0.4


def test_a_radius_is_of_the_mood_that_the_text_names(engine):
    hits = engine.search(Query(text="something sad", radius=0.3, k=20))
    assert hits and hits == engine.search(Query(mood="sad", radius=0.3, k=20))
    assert hits != engine.search(Query(text="something sad", k=20))
    read = engine.resolve_query(Query(text="sad music", radius=0.3))
    assert (read.mood, read.radius, read.affect_weight) == (LANDMARKS["sad"], 0.3, 0.5)


@pytest.mark.parametrize(
    "given",
    [
        {"text": "a cat"}, {"text": "not sad"}, {"text": "sad music", "affect": 0.0},
        {"text": "sad music", "mood_from_words": True},
    ],
)  # fmt: skip
def test_a_radius_without_a_mood_is_refused(engine, given):
    with pytest.raises(AffectError, match="a radius is given, and no mood where it begins"):
        engine.run_query(Query(**given, radius=0.3))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"radius": 0.3}, "a radius"), ({"radius": 0.3, "mood": "sad"}, "a radius"),
        ({"then": ("happy",)}, "a course"),
    ],
)  # fmt: skip
def test_what_is_of_a_named_mood_does_not_go_with_a_nudge(given, said):
    with pytest.raises(
        AffectError, match=f"calmer than the query itself feels, and {said} is of a named mood"
    ):
        Query(text="sad music", nudges=("calmer",), **given)


def test_a_radius_on_the_command_line_and_in_a_query_file(folder, tmp_path):
    shown = found(folder, "something sad", "--radius", "0.3")
    assert "mood sad: valence -0.63, arousal -0.27; within 0.3" in shown.stdout
    refused = found(folder, "a cat", "--radius", "0.3")
    assert refused.exit_code == 2 and not refused.stdout and len(refused.stderr.splitlines()) == 1
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"text": "something sad", "radius": 0.3}\n{"text": "a cat", "radius": 0.3}\n')
    first, second = map(json.loads, found(folder, "--queries", str(queries)).stdout.splitlines())
    assert first["query"]["radius"] == 0.3 and first["query"]["mood"] == list(LANDMARKS["sad"])
    assert "no mood where it begins" in second["error"]


@pytest.mark.parametrize("query", [Query(text="a dog that is not sad"), Query(text="dog", exclude=("sad",))])
def test_a_denied_mood_is_one_that_is_not_wanted(engine, query):
    read = engine.resolve_query(query)
    assert read.not_moods == (LANDMARKS["sad"],) and not read.reading.negatives
    assert read.mood is None


@pytest.mark.parametrize(
    ("text", "modalities"),
    [
        ("photos that aren't scary", ("image",)), ("videos without sadness", ("video",)),
        ("pictures not sad", ("image",)), ("show me a picture that is not sad", ("image",)),
        ("not scary photos", ("image",)), ("happy photos that aren't scary", ("image",)),
        ("films not very sad", ("video",)), ("photos or videos without sadness", ("image", "video")),
        ("music that isn't sad", ("video", "audio")), ("sounds without fear", ("video", "audio")),
        ("a dog that is not sad", MODALITIES), ("a photo of a dog, not sad", MODALITIES),
        ("not sad", MODALITIES), ("anything but sad", MODALITIES), ("photos without people", MODALITIES),
    ],
)  # fmt: skip
def test_a_denied_mood_is_looked_for_among_what_the_noun_names(engine, text, modalities):
    read = engine.resolve_query(Query(text=text))
    assert read.modalities == modalities
    lines = [line for line in read.reading.warnings if "is not of the mood" in line]
    assert len(lines) == (modalities != MODALITIES) and all(", ".join(modalities) in line for line in lines)
    kept = engine.resolve_query(Query(text=text, modalities=("image", "audio")))
    assert kept.modalities == ("image", "audio")


def test_the_noun_is_no_filter_where_a_query_goes_by_content_alone(engine):
    assert engine.resolve_query(Query(text="photos that aren't sad", affect=0)).modalities == MODALITIES


def test_a_mood_that_is_excluded_is_looked_for_among_what_the_text_names(engine):
    assert engine.resolve_query(Query(text="photos", exclude=("sad",))).modalities == ("image",)
    assert engine.resolve_query(Query(text="dogs", exclude=("sad photos",))).modalities == MODALITIES


def test_by_content_alone_a_denied_mood_is_a_word_like_others(engine):
    read = engine.resolve_query(Query(text="a dog that is not sad", affect=0))
    assert not read.not_moods and list(read.reading.negatives) == ["sad"]


def test_what_is_not_wanted_counts_as_far_as_it_feels_so(engine):
    segments = np.arange(len(engine.snapshot.item_by_segment))
    content = make_scores_without_content(segments, np.full(len(segments), 0.9), segments, term="x")
    sad = find_sound_mood_point("sad music", engine.library.pipeline)
    weighed = weigh_by_sound_mood(engine.snapshot, content, sad)
    estimates = engine.snapshot.select_affect(segments)
    known = ~np.isnan(estimates[:, 0])
    expected = 0.9 * compute_disc_probability(estimates[known], LANDMARKS["sad"], LANDMARK_RADIUS)
    assert known.any() and not known.all()
    assert weighed.total[known] == pytest.approx(expected) and (weighed.total[~known] == 0.9).all()
    dog = find_sound_mood_point("a dog", engine.library.pipeline)
    plain = weigh_by_sound_mood(engine.snapshot, content, dog)
    assert plain is content
    assert replace(weighed, total=content.total) == content
