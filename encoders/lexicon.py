"""Words of feeling in a text, counted: VADER's sentiment, NRC's emotions, a list of keywords.

As the emotion report's seed has them, to the digit. A text without such words counts zero: these are counts,
not estimates of a mood, and zero means that no word is known.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from encoders.base import MissingBackendError

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

EMOTIONS = ("joy", "trust", "surprise", "anticipation", "fear", "sadness", "disgust", "anger")
NRC_COLUMNS = ("positive", "negative", "neutral", *EMOTIONS)

EMOTION_KEYWORDS = (
    "happy|sad|afraid|fear|surprise|joy|disgust|annoy| anger|angry|"
    "excite|excited|exciting|scare|scared|scary|fright|frighten|frightened|frightening"
    "|fearful|fearless|fearfully"
)
"""The seed's regular expression, with the blank before "anger" that keeps "danger" and "ranger" out. Nothing
keeps "saddle" and "ambassador" out."""

WORDS_NOT_IN_NLTK = frozenset({"heart", "hearts"})
"""Words that vaderSentiment's lexicon scores and nltk's older copy, which the report used, can't have.
Inferred, not read there: "a heart is shown" scores .64 by nltk's code with the package's lexicon too, holds
no other word of feeling, and is the one caption of 1k-A that the report has otherwise, as not sentimental."""

APOSTROPHES = str.maketrans(dict.fromkeys("’‘‛ʼ＇´`", "'"))
VARIATION_SELECTOR = "\ufe0f"  # asks for an emoji in colour; it may follow any

# nltk's Treebank rules, as far as they decide which words come out (but for "wanna", which it cuts)
TOKEN_SEPARATORS = re.compile(r"[\s\"“”«»‘’—–()\[\]{}<>;@#$%&?!]+|[,:](?!\d)|\.{2,}|--+|``|''")
CONTRACTION_ENDING = re.compile(r"(n't|'(?:s|m|d|ll|re|ve))$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SentimentScores:
    """VADER's scores of a text: compound in [-1, 1]; the shares of the others sum to 1."""

    compound: float
    positive: float
    negative: float
    neutral: float


def score_sentiment(text: str, *, excluded_words: frozenset[str] = frozenset()) -> SentimentScores:
    """VADER's scores (Hutto and Gilbert 2014), its lexicon taken without some words.

    A text without a word is neutral, 0 in all parts. Raises MissingBackendError without vaderSentiment.
    """
    found = _load_analyser(excluded_words).polarity_scores(text)
    return SentimentScores(
        compound=found["compound"], positive=found["pos"], negative=found["neg"], neutral=found["neu"]
    )


@cache
def _load_analyser(excluded_words: frozenset[str]) -> SentimentIntensityAnalyzer:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as bad:
        raise MissingBackendError("VADER is not installed; run pip install vaderSentiment") from bad
    analyser = SentimentIntensityAnalyzer()
    analyser.lexicon = {word: value for word, value in analyser.lexicon.items() if word not in excluded_words}
    return analyser


def normalise_text(text: str) -> str:
    """The text as VADER, NRC's lexicon and MiniLM know its words: apostrophes straight, emoji by their names.

    Phones write don’t, of which none of them knows the negation; and MiniLM has one piece for all emoji. The
    names are VADER's ("loudly crying face"). For features; `experiments.emotions` counts as the report did.
    """
    text = text.translate(APOSTROPHES)
    if text.isascii() or _list_emoji_initials().isdisjoint(text):
        return text
    spelled = _compile_emoji_pattern().sub(
        lambda found: f" {_load_analyser(frozenset()).emojis[found[0]]} ", text
    )
    return spelled if spelled == text else " ".join(spelled.replace(VARIATION_SELECTOR, "").split())


@cache
def _list_emoji_initials() -> frozenset[str]:
    return frozenset(emoji[0] for emoji in _load_analyser(frozenset()).emojis)


@cache
def _compile_emoji_pattern() -> re.Pattern[str]:
    """All emoji that VADER names, longer ones first: of a family, not of its members."""
    emoji = sorted(_load_analyser(frozenset()).emojis, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, emoji)))


def is_sentimental(scores: SentimentScores, threshold: float = 0.6) -> bool:
    """Whether |compound| lies above the bound, the report's .6."""
    return abs(scores.compound) > threshold


def has_emotion_keyword(text: str) -> bool:
    """Whether an EMOTION_KEYWORDS occurs anywhere, case kept: `extract_emotion_manually` of the seed."""
    return re.search(EMOTION_KEYWORDS, text) is not None


def count_nrc_emotions(text: str) -> Counter[str]:
    """How many words of the text NRC's lexicon (Mohammad and Turney 2013) ties to each emotion and polarity.

    NRCLex's `raw_emotion_scores`, 0 where it has nothing: every occurrence counts, in the case it is written
    (the lexicon's is lower), as it is written. Today's NRCLex would lemmatise first; the version of the
    report did not. Raises MissingBackendError without nrclex.
    """
    lexicon = _load_nrc_lexicon()
    return Counter(tie for word in tokenize_for_nrc(text) for tie in lexicon.get(word, ()))


def compute_nrc_columns(text: str) -> dict[str, float]:
    """The seed's eleven columns of a text, in the order of NRC_COLUMNS; neutral is 1 where no polarity is."""
    counts = count_nrc_emotions(text)
    neutral = not (counts["positive"] or counts["negative"])
    return {name: float(neutral if name == "neutral" else counts[name]) for name in NRC_COLUMNS}


def tokenize_for_nrc(text: str) -> list[str]:
    """The words as TextBlob cuts them for NRCLex, without the ends of contractions."""
    words: list[str] = []
    for token in TOKEN_SEPARATORS.split(text):
        if word := CONTRACTION_ENDING.sub("", token).strip(string.punctuation):
            words.append(word)
    return words


@cache
def _load_nrc_lexicon() -> Mapping[str, list[str]]:
    try:
        content = (files("nrclex") / "data" / "nrc_en.json").read_text(encoding="utf-8")
    except (ImportError, OSError) as bad:
        raise MissingBackendError("NRC's lexicon is not installed; run pip install nrclex") from bad
    lexicon: dict[str, list[str]] = json.loads(content)
    return lexicon
