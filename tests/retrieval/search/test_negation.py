"""Negations that parse, and those that don't."""

import pytest

from retrieval.search.negation import parse_negation


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
        ("a man without a hat is climbing", "a man is climbing", ["a hat"]),
        ("photos with no people and no dogs", "", ["people", "dogs"]),
        ("a room with no chairs nor tables at all", "a room", ["chairs", "tables"]),
        ("a bike, not red", "a bike", ["red"]), ("anything but cats", "", ["cats"]),
        ("a beach without any people", "a beach", ["people"]),
    ],
)  # fmt: skip
def test_what_is_denied_is_split_off(text, positive, negatives):
    parse = parse_negation(text)
    assert (parse.positive, list(parse.negatives), parse.is_understood) == (positive, negatives, True)


@pytest.mark.parametrize(
    "text",
    [
        "a dog that isn't brown", "nobody on the beach", "not without my cat", "a beach without", "never",
        "a cat not sleeping", "without",
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
