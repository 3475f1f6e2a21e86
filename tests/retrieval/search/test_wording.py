"""Wordings that mean the same are read alike, and others stay what they are."""

import pytest

from retrieval.search.wording import (
    clean_text,
    find_phrase_end,
    is_media_noun,
    normalise_wording,
    singularise,
)

A_CAT = [
    "cat", "a cat", "the cat", "my cat", "CAT", "A Cat", "cats", "the cats", "some cats", "cat!!", "a cat.",
    '"a cat"', "“cats”", "‘cat’", "cat's", "a photo of a cat", "picture with cats", "Images of my cat",
    "show me cats", "please show me a picture of a cat", "a video of a cat", "  a \t cat \n", "cat?!",
    "i want cats", "I need to see a picture of my cat", "bring me the cat", "\uff43\uff41\uff54",
]  # fmt: skip


@pytest.mark.parametrize("text", A_CAT)
def test_wordings_of_one_noun_are_one_query(text):
    assert normalise_wording(text) == "a cat"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("two dogs", "two dogs"), ("3 cats", "3 cats"), ("many birds", "many birds"),
        ("a dog and a cat", "a dog and a cat"), ("A man in a hat is running .", "a man in a hat is running"),
        ("dogs in the snow", "a dog in the snow"), ("black dogs running", "a black dog running"),
        ("running on a beach", "running on a beach"), ("There is a girl", "there is a girl"),
        ("people on a beach", "people on a beach"), ("a pair of jeans", "a pair of jeans"),
        ("the sounds of dogs barking", "the sound of a dog barking"), ("a black bus", "a black bus"),
        ("king penguins", "a king penguin"), ("old men", "an old man"), ("a photo", "a photo"),
        ("3/4 sit-up", "3/4 sit-up"), ("a dog's nose", "a dog's nose"), ("!!!", "!"),
        ("songs that are sad", "a song that is sad"), ("photos which look calm", "a photo which looks calm"),
        ("dogs are running", "a dog are running"), ("dogs chase the balls", "a dog chase the balls"),
        ("people who were sad", "people who were sad"),
        ("dogs on walls that are red", "a dog on walls that are red"), ("play a violin", "a play a violin"),
    ],
)  # fmt: skip
def test_what_else_a_text_says_is_kept(text, read):
    assert normalise_wording(text) == read


@pytest.mark.parametrize(
    "text", [*A_CAT, "two dogs", "dogs in snow", "the sound of rain", "a b c d e f", "ß"]
)
def test_reading_twice_changes_nothing(text):
    once = normalise_wording(text)
    assert normalise_wording(once) == once != ""


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("buses", "bus"), ("mice", "mouse"), ("children", "child"), ("glass", "glass"), ("grass", "grass"),
        ("wolves", "wolf"), ("jeans", "jeans"), ("puppies", "puppy"), ("lorikeets", "lorikeet"),
        ("malinois", "malinois"), ("women", "woman"),
    ],
)  # fmt: skip
def test_singular_of_english_nouns(plural, singular):
    assert singularise(plural) == singular


def test_cleaning_keeps_letters_of_every_script():
    assert clean_text(" cafe\u0301,, «猫»!! ") == 'café, "猫'
    assert clean_text("...") == "."
    assert clean_text("\uff33\uff41\uff44\u3000music") == "Sad music"  # fullwidth
    assert clean_text("№ 5 perfume") == "№ 5 perfume"


def test_parts_of_a_text():
    assert find_phrase_end(["black", "dog", "running", "fast"]) == 2
    assert find_phrase_end(["king", "penguin"]) == 2
    assert is_media_noun("a picture") and is_media_noun("") and not is_media_noun("a picture frame")
