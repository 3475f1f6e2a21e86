"""Negations that parse, and those that don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.search.negation import NegationParse, parse_negation


@pytest.mark.parametrize(
    ("text", "positive", "negatives"),
    [
        ("a beach without people", "a beach", ["people"]), ("not a cat", "", ["a cat"]),
        ("a picture without a cat", "", ["a cat"]), ("animal -cat", "animal", ["cat"]),
        ("a beach, no people", "a beach", ["people"]), ("a dog but no cat", "a dog", ["cat"]),
        ("a street without cars or people in winter", "a street in winter", ["cars", "people"]),
        ("no cars, people or dogs", "", ["cars", "people", "dogs"]),
        ("a street, no people, blue sky", "a street blue sky", ["people"]),
        ("Man with no shirt on wearing shorts", "Man wearing shorts", ["shirt"]),
        ("a man wearing no shirt climbs the rock", "a man climbs the rock", ["shirt"]),
        ("a man without a hat is climbing", "a man is climbing", ["a hat"]),
        ("photos with no people and no dogs", "", ["people", "dogs"]),
        ("a room with no chairs nor tables at all", "a room", ["chairs", "tables"]),
        ("a bike, not red", "a bike", ["red"]), ("anything but cats", "", ["cats"]),
        ("a beach without any people", "a beach", ["people"]),
        ("a dog that isn't brown", "a dog", ["brown"]), ("a beach that is not sad", "a beach", ["sad"]),
        ("a man who's not wearing a hat on a horse", "a man on a horse", ["wearing a hat"]),
        ("!cat", "", ["cat"]), ("animal !cat -dog", "animal", ["cat", "dog"]),
        ("dog NOT cat", "dog", ["cat"]), ("a street not gloomy", "a street", ["gloomy"]),
        ("pictures not very sad", "", ["very sad"]), ("show me pictures, no people", "", ["people"]),
        ('-"black cat"', "", ["black cat"]), ('animal !"black cat" in snow', "animal in snow", ["black cat"]),
        ('without "black cat"', "", ["black cat"]),
        ('a "red car" without a "black cat"', 'a "red car"', ["a black cat"]),
        ('"no country for men" without "a title"', '"no country for men"', ["a title"]),
        ('a room without "chairs", tables or "beds"', "a room", ["chairs", "tables", "beds"]),
    ],
)  # fmt: skip
def test_what_is_denied_is_split_off(text, positive, negatives):
    parse = parse_negation(text)
    assert (parse.positive, list(parse.negatives), parse.is_understood) == (positive, negatives, True)


@pytest.mark.parametrize(
    "text",
    [
        "nobody on the beach", "not without my cat", "a beach without", "never", "a cat not sleeping",
        "without", "a dog that isn't", "a house which is not on fire", 'nobody on the "beach"',
        "without no people", "it's not funny", "he is not happy", "if not sad then happy", "why not happy",
    ],
)  # fmt: skip
def test_other_negations_are_not_understood_and_leave_the_text_whole(text):
    parse = parse_negation(text)
    assert (parse.positive, parse.negatives, parse.is_understood) == (text, (), False)


@pytest.mark.parametrize(
    "text",
    [
        "a cat",
        "a picture",
        "a no smoking sign",
        "a DO NOT ENTER sign",
        '"no country for old men"',
        'a "not a cat" poster',
        "wow! what a dog",
        "a sit-up - with bands",
        "a t-shirt",
        "a knot in a rope",
        "nothofagus",
        "north",
    ],
)
def test_texts_without_a_negation_are_as_they_were(text):
    parse = parse_negation(text)
    assert (parse.positive, parse.negatives, parse.is_understood) == (text, (), True)


@pytest.mark.parametrize(
    ("text", "medium"),
    [
        ("photos with no people", "photos"), ("show me a picture that is not red", "show me a picture"),
        ("a beach without people", ""), ("photos", ""), ("not a cat", ""),
    ],
)  # fmt: skip
def test_the_medium_of_what_is_only_denied(text, medium):
    assert parse_negation(text).media_noun == medium


@pytest.mark.parametrize(
    ("text", "positive", "negatives"),
    [
        ("not not a dog", "a dog", ()), ("not not not a dog", "", ("a dog",)),
        ("a cat, not not black", "a cat, black", ()),
    ],
)  # fmt: skip
def test_two_negations_in_a_row_are_none(text, positive, negatives):
    assert parse_negation(text) == NegationParse(positive=positive, negatives=negatives)


WORDS = st.sampled_from(["cat", "red car", "people", "tables"])


@given(st.lists(WORDS, min_size=1, max_size=3, unique=True), st.sampled_from(["-", "!"]))
def test_a_sign_denies_the_quotation_after_it_wherever_it_stands(phrases, sign):
    parse = parse_negation(" ".join(["animal", *(f'{sign}"{phrase}"' for phrase in phrases)]))
    assert parse == NegationParse(positive="animal", negatives=tuple(phrases))
