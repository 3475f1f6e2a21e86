"""Typing errors: the kind of an edit, and which word is the likeliest to be meant."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.search.spelling import EDIT_PROBABILITIES, correct_spelling, find_correction, name_edit


@pytest.mark.parametrize(
    ("typed", "word", "kind"),
    [
        ("glomy", "gloomy", "single for double"), ("glomy", "glory", "other key"),
        ("happpy", "happy", "doubled"),
        ("beagel", "beagle", "swapped"), ("beagel", "bagel", "added other key"), ("hppy", "happy", "omitted"),
        ("hsppy", "happy", "neighbouring key"), ("haoppy", "happy", "added neighbouring key"),
        ("happ", "happy", "omitted"), ("ahppy", "happy", "swapped"), ("happyy", "happy", "doubled"),
    ],
)  # fmt: skip
def test_kinds_of_edits(typed, word, kind):
    assert name_edit(typed, word) == kind


LETTERS = st.sampled_from(string.ascii_lowercase)


@given(st.text(LETTERS, min_size=2, max_size=9), st.data())
def test_every_edit_has_a_kind(word, data):
    at, letter = data.draw(st.integers(0, len(word) - 1)), data.draw(LETTERS)
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    for typed, kinds in {
        word[:at] + word[at + 1 :]: {"omitted", "single for double"},
        word[:at] + letter + word[at:]: {"doubled", "added neighbouring key", "added other key"},
        word[:at] + letter + word[at + 1 :]: {"neighbouring key", "other key"},
        swapped: {"swapped"},
    }.items():
        if typed != word and len({*word}) == len(word):  # else one result may come of edits of two kinds
            assert name_edit(typed, word) in kinds and name_edit(typed, word) in EDIT_PROBABILITIES


def test_what_there_is_to_be_found_is_likelier_to_be_meant():
    assert find_correction("komondr") is None
    assert find_correction("komondr", frozenset({"komondor"})) == "komondor"
    text = 'a glomy "glomy" x-glomy -glomy glomys'
    corrected, corrections = correct_spelling(text, lambda word: False)
    assert corrected.startswith('a gloomy "glomy" x-glomy -gloomy') and corrections["glomy"] == "gloomy"
