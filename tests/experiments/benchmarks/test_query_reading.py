"""The benchmark of how words are read: its typing errors are of the kind they say, its queries are whole."""

import random

from hypothesis import given
from hypothesis import strategies as st

from experiments.benchmarks.query_reading import generate_typing_errors, measure_corrections, read_queries
from retrieval.search.spelling import name_edit

KINDS = {
    "swapped": {"swapped"}, "omitted": {"omitted"}, "doubled": {"doubled"},
    "neighbouring key": {"neighbouring key"}, "any letter": {"neighbouring key", "other key"},
    "added": {"added neighbouring key", "doubled"},
}  # fmt: skip


@given(st.permutations("beagl"), st.integers(0, 99))
def test_an_error_is_one_edit_of_its_kind(letters, seed):
    word = "".join(letters)  # all different, so that no error is of two kinds
    errors = list(generate_typing_errors(word, random.Random(seed)))
    assert {kind for kind, _ in errors} >= KINDS.keys() - {"any letter"}
    for kind, typed in errors:
        assert typed != word and name_edit(typed, word) in KINDS[kind], (kind, typed)


def test_corrections_are_counted_by_source_and_kind():
    outcomes = measure_corrections({"a": ["beagle", "cat"]}, lambda word: "beagles", random.Random(0))
    assert outcomes.keys() == {"words of a", *KINDS} and all(outcomes["words of a"])
    assert not any(measure_corrections({"a": ["beagle"]}, str, random.Random(0))["words of a"])


def test_our_queries_are_of_many_languages():
    languages = [language for language, text in read_queries() if text]
    assert languages.count("en") == 80 and len(languages) == 140 and len(set(languages)) == 23
