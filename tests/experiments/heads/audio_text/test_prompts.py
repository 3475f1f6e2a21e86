"""Texts come once, and every class has words."""

from experiments.heads.audio_text.out_of_domain_texts import list_out_of_domain_texts
from experiments.heads.audio_text.prompts import list_prompts
from experiments.heads.audio_text.vocabulary import (
    ANIMALS,
    DRUM_LABELS,
    EMOTIONS,
    INSTRUMENTS,
    MOODS,
    UNRATED_MUSIC_LABELS,
)


def test_texts_come_once_and_are_of_one_side():
    for known in (list_prompts(), list_prompts(include_synonyms=False)):
        texts = [prompt.text for prompt in known]
        assert len(set(texts)) == len(texts)
        assert not set(texts) & set(list_out_of_domain_texts())
    assert len(set(list_out_of_domain_texts())) == len(list_out_of_domain_texts()) > 700


def test_every_class_has_words():
    known = list_prompts(include_synonyms=False)
    assert {p.label for p in known if p.kind == "animal"} == {*ANIMALS, ""}
    assert {p.label for p in known if p.kind == "speech"} == {*EMOTIONS, ""}
    for name in EMOTIONS:
        assert {p.speaker for p in known if p.label == name} == {"", "man", "woman"}
    assert {p.mood for p in known if p.kind == "music"} == {(m.valence, m.arousal) for m in MOODS} | {None}
    assert all(name in {p.text for p in known} for name in ANIMALS)
    assert {p.label for p in known if p.kind == "instrument"} == set(INSTRUMENTS)
    assert {*DRUM_LABELS, *UNRATED_MUSIC_LABELS} <= set(INSTRUMENTS)


def test_synonyms_are_left_out_for_measuring():
    more = {p.text for p in list_prompts()} - {p.text for p in list_prompts(include_synonyms=False)}
    assert {"puppy", "kitten", "lamb", "rooster", "calf", "toad", "a furious voice", "merry music"} <= more
    words = {word for text in (p.text for p in list_prompts(include_synonyms=False)) for word in text.split()}
    alone = {s for animal in ANIMALS.values() for s in animal.synonyms if " " not in s}
    assert not alone & words
