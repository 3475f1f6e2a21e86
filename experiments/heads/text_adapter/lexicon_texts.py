"""Words of the lexicons of VADER and NRC as training texts, also negated and affirmed in short phrases."""

from __future__ import annotations

import json
import re
from importlib.resources import files

from encoders import split_lines

NEGATION_FACTOR = -0.74  # VADER's, of a negated word's valence
NEGATED_TEMPLATES = (
    "not {}", "not {} at all", "not very {}", "never {}", "isn't {}", "it was not {}", "I am not {}",
    "he is not {} at all", "nothing {} here",
)  # fmt: skip
AFFIRMED_TEMPLATES = ("very {}", "so {}", "it was {}", "I am {}", "he feels {}")
MIN_ABS_VALENCE = 0.3  # VADER's words of a larger valence are put into phrases
NRC_EMOTIONS = (
    "anger", "anticipation", "disgust", "fear", "joy", "negative", "positive", "sadness", "surprise", "trust",
)  # fmt: skip


def load_vader_valence() -> dict[str, float]:
    """The valence of each word of VADER's lexicon in [-1, 1]: the mean of ten raters, -4 to 4, rescaled."""
    lines = split_lines((files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8"))
    rows = (line.split("\t") for line in lines if line)
    return {row[0]: float(row[1]) / 4 for row in rows if re.fullmatch(r"[a-z'-]{4,}", row[0])}


def load_nrc_emotions() -> dict[str, list[float]]:
    """Whether each word of NRC's lexicon is associated with each of NRC_EMOTIONS, 1 or 0."""
    content = (files("nrclex") / "data" / "nrc_en.json").read_text(encoding="utf-8")
    return {
        word: [float(emotion in associated) for emotion in NRC_EMOTIONS]
        for word, associated in json.loads(content).items()
    }


def fill_templates(valence_by_word: dict[str, float]) -> dict[str, float]:
    """Valence by phrase: words of a strong valence in one negated and one affirmed phrase each, in turn."""
    strong = [(word, value) for word, value in valence_by_word.items() if abs(value) > MIN_ABS_VALENCE]
    phrases = {}
    for number, (word, value) in enumerate(strong):
        phrases[NEGATED_TEMPLATES[number % len(NEGATED_TEMPLATES)].format(word)] = NEGATION_FACTOR * value
        phrases[AFFIRMED_TEMPLATES[number % len(AFFIRMED_TEMPLATES)].format(word)] = value
    return phrases
