"""How a query's text is read by the packaged text model: typing errors, other languages, negations."""

import logging

import pytest

from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search import Query
from retrieval.search.affect_search import resolve_mood
from retrieval.search.query_text import list_label_words, read_query_text, resolve_text


@pytest.fixture(scope="module")
def pipeline():
    return FeaturePipeline(PipelineConfig(sound="", tone="", faces="", activity=""))


@pytest.mark.parametrize(
    ("text", "read", "corrections"),
    [
        ("a labradro in the snow", "a labrador in the snow", {"labradro": "labrador"}),
        ("Frisbeee on grass", "a frisbee on grass", {"Frisbeee": "frisbee"}),
        ("a fluffy dgo", "a fluffy dog", {"dgo": "dog"}), ("kittns", "a kitten", {"kittns": "kittens"}),
        ("a glomy street", "a gloomy street", {"glomy": "gloomy"}),
        ("beagel", "a beagle", {"beagel": "beagle"}),
        ("a komondr", "a komondor", {"komondr": "komondor"}),
    ],
)  # fmt: skip
def test_a_wrong_letter_is_put_right_and_said(pipeline, text, read, corrections):
    reading = read_query_text(text, (), pipeline)
    assert (reading.positive, reading.corrections) == (read, corrections)
    assert all(f"{wrong} as {right}" in reading.warnings[0] for wrong, right in corrections.items())
    warnings = list(reading.warnings)
    assert reading.to_json(text) == {"read_as": read, "corrected": corrections, "warnings": warnings}


@pytest.mark.parametrize(
    "text",
    [
        'a "labradro"',
        "“labradro”",
        "a girl named Annika",
        "a bmx bike",
        "a hoodie",
        "two baristas",
        "a 4x4 car",
    ],
)
def test_quoted_words_names_and_abbreviations_stay(pipeline, text):
    reading = read_query_text(text, (), pipeline)
    assert not reading.corrections and not reading.warnings


def test_no_name_of_a_class_is_corrected_or_foreign(pipeline):
    assert {"malinois", "komondor"} <= list_label_words(pipeline)
    for name in pipeline.get_encoder("objects").classes:
        reading = read_query_text(name, (), pipeline)
        assert not reading.corrections and not reading.warnings, name


@pytest.mark.parametrize(
    "text",
    [
        "eine Katze auf dem Sofa",
        "deux chiens jouent dans la neige",
        "猫",
        "черная кошка",
        "niño jugando al fútbol",
        "ein Hund",
        "un perro en la playa",
    ],
)
def test_another_language_is_said_and_the_text_left_alone(pipeline, text):
    reading = read_query_text(text, (), pipeline)
    assert reading.positive == text and len(reading.warnings) == 1 and "English" in reading.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "pizza margherita",
        "feng shui",
        "bossa nova guitar",
        "a cat",
        "water ouzel",
        "Komodo dragon",
        "two dogs jump",
        "chat",
        "sumo wrestler",
    ],
)
def test_english_and_single_words_are_not_taken_for_another_language(pipeline, text):
    assert not read_query_text(text, (), pipeline).warnings


@pytest.mark.parametrize("text", ["\uff44\uff4f\uff47\uff53", "\uff33\uff48\uff4f\uff57 me dogs"])
def test_fullwidth_letters_are_plain_ones(pipeline, text):
    reading = read_query_text(text, (text,), pipeline)
    assert (reading.positive, reading.negatives, reading.warnings) == ("a dog", {text: "a dog"}, ())


def test_negations_are_said_and_those_in_quotes_are_not_read(pipeline):
    reading = read_query_text("a beach without people", ("dogs",), pipeline)
    assert reading.positive == "a beach" and reading.negatives == {"people": "people", "dogs": "a dog"}
    assert reading.warnings == ("'a beach without people': looks for 'a beach' without 'people'",)
    assert reading.to_json("a beach without people") == {
        "read_as": "a beach", "not": ["people", "dogs"], "warnings": list(reading.warnings)
    }  # fmt: skip
    assert not read_query_text('"no country for old men"', (), pipeline).negatives
    assert "not understood" in read_query_text("nobody on a beach", (), pipeline).warnings[0]


def test_a_text_is_read_once_and_warned_of_once(pipeline, caplog):
    with caplog.at_level(logging.WARNING):
        query = resolve_text(Query(text="a dgo"), pipeline)
        assert resolve_text(query, pipeline) is query and query.text == "a dgo"
    assert [record.getMessage() for record in caplog.records] == list(query.reading.warnings)
    plain = Query(item="0" * 16)
    assert resolve_text(plain, pipeline) is plain


@pytest.mark.parametrize("text", ["a cheerful street, not gloomy", "a cheerful street that isn't gloomy"])
def test_a_denied_word_of_emotion_is_read_the_same_where_words_name_the_mood(pipeline, text):
    plain = resolve_text(Query(text=text), pipeline)
    query = resolve_text(Query(text=text, mood_from_words=True), pipeline)
    assert query.reading == plain.reading and list(query.reading.negatives) == ["gloomy"]
    assert "without 'gloomy'" in query.reading.warnings[0]
    assert resolve_mood(query, pipeline).mood.phrase == "cheerful"
    only_denied = resolve_text(Query(text="a beach, not sad", mood_from_words=True), pipeline)
    assert resolve_mood(only_denied, pipeline).mood is None


def test_quoted_words_are_denied_as_they_are_and_typing_errors_after_a_sign_put_right(pipeline):
    reading = read_query_text('animal -"black cta" -kittne', (), pipeline)
    assert reading.positive == "an animal" and reading.corrections == {"kittne": "kitten"}
    assert reading.negatives == {"black cta": "a black cta", "kitten": "a kitten"}


@pytest.mark.parametrize("text", ["not a dog", "nobody"])
def test_a_negation_in_an_exclusion_is_said(pipeline, text):
    reading = read_query_text("a beach", (text,), pipeline)
    assert reading.negatives.keys() == {text} and "--not" in reading.warnings[0]


def test_a_text_model_of_other_languages_gets_the_text_as_it_is():
    toy = FeaturePipeline(
        PipelineConfig(
            **dict.fromkeys(PipelineConfig(), ""),
        ).replace(text="toy-text")
    )
    reading = read_query_text("eine Katze ohne Hut, not cats!", ("Hunde",), toy)
    assert reading.positive == "eine Katze ohne Hut, not cats" and reading.negatives == {"Hunde": "Hunde"}
    assert not reading.warnings
