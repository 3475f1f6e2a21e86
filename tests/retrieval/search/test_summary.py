"""The one line that says why a result is one."""

import json
from dataclasses import replace

import pytest
from command_output import ok

from retrieval.search import Hit, explain_hit, format_time, summarise_explanation
from retrieval.search.query import Query

NOTHING = {
    "labels": [], "events": [], "moment": None, "moment_event": None, "parts": {"sum": {}},
}  # fmt: skip
HIT = Hit(
    rank=1, id="aa", path="/a.jpg", modality="image", score=0.5, space_scores={}, start=None, end=None,
    segment=0, view_scores={},
)  # fmt: skip
CALM = {"valence": 0.54, "arousal": -0.52, "valence_sd": 0.1, "arousal_sd": 0.1}


def summarise(affect=None, **explanation):
    return summarise_explanation(replace(HIT, affect=affect), {**NOTHING, **explanation})


def test_all_three():
    told = summarise(
        CALM, labels=[("tabby", 0.6), ("Persian cat", 0.3), ("tub", 0.29)], events=[("Meow", 0.9)],
        moment=12.4, moment_event="Meow",
    )  # fmt: skip
    assert told == "shows: tabby, Persian cat; sounds: meow at 0:12; feels calm"


@pytest.mark.parametrize("score, told", [(0.3, "shows: tub"), (0.2999, "")])
def test_labels_are_named_from_a_share_on(score, told):
    assert summarise(labels=[("tub", score)]) == told


@pytest.mark.parametrize(
    "events, moment, event, told",
    [
        ([("Speech", 0.8), ("Meow", 0.4)], 65.0, "Meow", "sounds: meow at 1:05, speech"),
        ([("Speech", 0.8), ("Meow", 0.4)], 65.0, None, "sounds: speech, meow"),
        ([("Speech", 0.1)], 3.0, "Meow", "sounds: meow at 0:03"),  # sure then, not over the whole segment
        ([("Music of Latin America", 0.5)], None, None, "sounds: Music of Latin America"),
        ([], None, None, ""),
    ],
)
def test_a_time_is_given_to_what_sounds_then(events, moment, event, told):
    assert summarise(events=events, moment=moment, moment_event=event) == told


def test_an_uncertain_mood_is_not_named():
    assert summarise({**CALM, "valence_sd": 0.36, "arousal_sd": 0.23}) == ""
    assert summarise(CALM) == "feels calm"


def test_a_mood_that_is_hardly_known_is_not_said_to_be_near():
    parts = {"sum": {"mood": 0.5, "object": 0.1}}
    assert summarise(CALM | {"valence_sd": 0.3, "arousal_sd": 0.3}, parts=parts) == "nearest by how it feels"
    unknown = CALM | {"valence_sd": 0.6, "arousal_sd": 0.6}
    assert summarise(unknown, parts=parts) == "little is known of how it feels"
    assert summarise(unknown, parts={"sum": {"object": 0.5, "mood": 0.1}}) == "nearest by what it shows"


def test_without_a_name_the_largest_part_of_the_score_is_said():
    assert summarise(parts={"sum": {"object": 0.2, "audio": 0.4}}) == "nearest by what it sounds like"
    assert summarise(parts={"sum": {"same file": 1.0}}) == "the file asked with"
    assert summarise(parts={"sum": {"anything": 1.0}}) == ""


def test_the_command_and_the_engine_say_the_same(shelf):
    media, engine = shelf
    query = Query(image=media / "photo1.png", k=5)
    summaries = [summarise_explanation(hit, explain_hit(engine, hit, query)) for hit in engine.search(query)]
    lib = engine.library.folder
    words = ("search", "--image", media / "photo1.png", "-l", lib, "-k", "5", "--explain")
    results = json.loads(ok(*words, "--json"))["results"]
    assert [result["summary"] for result in results] == summaries
    assert summaries[0] == "the file asked with" in ok(*words)


@pytest.mark.parametrize("seconds, text", [(0.2, "0:00"), (59.6, "1:00"), (3725.4, "1:02:05")])
def test_a_time(seconds, text):
    assert format_time(seconds) == text
