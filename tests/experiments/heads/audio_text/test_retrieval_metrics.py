"""Figures of answers."""

import numpy as np
from labelled_clips import clips

from experiments.heads.audio_text.prompts import add_article
from experiments.heads.audio_text.retrieval_metrics import (
    compute_classifier_metrics,
    compute_metrics,
    compute_synonym_metrics,
    list_queries,
    precision_at_k,
)
from experiments.heads.audio_text.vocabulary import ANIMALS, EMOTIONS


def test_precision():
    right = np.array([True, False, True, False])
    assert precision_at_k([4, 3, 2, 1], right) == 0.5  # of the two best, as two are right
    assert precision_at_k([4, 1, 3, 2], right) == 1
    assert np.isnan(precision_at_k([1, 2], np.array([False, False])))
    many = np.arange(30) < 20
    assert precision_at_k(-np.arange(30), many) == 1 and precision_at_k(np.arange(30), many) == 0


def test_figures_of_a_perfect_and_of_a_random_answer():
    found = clips()

    def perfect(texts):
        table = np.zeros((len(texts), len(found.kinds)))
        for row, text in zip(table, texts, strict=True):
            for name, animal in ANIMALS.items():
                others = {word for one in ANIMALS.values() for word in one.synonyms}
                right = text in animal.synonyms or (name in text.split() and text not in others)
                row[found.labels == name] += right
            for name, emotion in EMOTIONS.items():
                words = (*emotion.adjectives, *emotion.synonyms)
                said = any(text == w or text.startswith((f"{w} speech", f"{add_article(w)} ")) for w in words)
                row[(found.labels == name) & (found.kinds == "speech")] += said
            for speaker in ("man", "woman"):
                row[found.speakers == speaker] += 0.5 * (f" {speaker} " in text)
            sign = (
                {"happy": 1, "sad": -1}.get(text.split()[0], 0),
                {"energetic": 1, "calm": -1}.get(text.split()[0], 0),
            )
            if text.endswith("music"):
                row += np.nan_to_num(found.affect) @ sign
        return table

    known = {**compute_metrics(found, perfect), **compute_synonym_metrics(found, perfect)}
    assert {name: value for name, value in known.items() if value < 0.999} == {}
    rng = np.random.default_rng(0)
    random = compute_metrics(found, lambda texts: rng.standard_normal((len(texts), len(found.kinds))))
    assert random["P@10 animals"] < 0.4 and abs(random["r valence of music"]) < 0.6


def test_asked_holds_every_text_of_the_figures():
    found, seen = clips(2), set()

    def note(texts):
        seen.update(texts)
        return np.zeros((len(texts), len(found.kinds)))

    compute_metrics(found, note)
    compute_synonym_metrics(found, note)
    assert seen <= set(list_queries())


def test_class_figures():
    found = clips(2).select(np.arange(10))  # one of each animal
    scores = np.eye(10)
    assert compute_classifier_metrics(found, "animals", list(ANIMALS), scores) == {
        "P@10 animals": 1,
        "accuracy of animals": 1,
    }
