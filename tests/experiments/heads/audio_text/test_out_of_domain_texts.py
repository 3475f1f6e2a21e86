"""Texts that belong to no sound."""

from experiments.heads.audio_text.out_of_domain_texts import list_class_names
from experiments.heads.audio_text.prompts import add_article
from experiments.heads.audio_text.vocabulary import ANIMALS


def test_names_that_are_heard_are_no_strangers():
    names = list_class_names()
    assert "an abacus" in names and "a laptop" in names
    assert not [n for n in names if "piano" in n or "organ" in n]
    assert not [n for n in names if "drum" in n or "guitar" in n]
    assert not {add_article(name) for name in ANIMALS} & set(names)
