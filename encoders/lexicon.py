"""Lexicon scores of emotion in text: VADER's sentiment, counts of NRC's emotion words, a keyword list.

They equal those of the seed's emotion report to the digit. A text without such words scores zero: these are
counts, not affect estimates, and zero means that no word is in the lexicon.
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
"""The seed's regular expression; the blank before "anger" keeps "danger" and "ranger" out. "saddle" and
"ambassador" match."""

WORDS_NOT_IN_NLTK = frozenset({"heart", "hearts"})
"""Words of vaderSentiment's lexicon that nltk's older copy, which the report used, can't contain. Inferred:
"a heart is shown" scores .64 by nltk's code with the package's lexicon too, contains no other word of the
lexicon, and is the one caption of 1k-A for which the report differs (not sentimental)."""

APOSTROPHES = str.maketrans(dict.fromkeys("’‘‛ʼ＇´`", "'"))
VARIATION_SELECTOR = "\ufe0f"  # requests the emoji in colour; it may follow any

# nltk's Treebank rules, as far as they change the words (except "wanna", which nltk splits)
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
    """VADER's scores (Hutto and Gilbert 2014), without `excluded_words` of its lexicon.

    A text without a word is neutral, 0 in all parts. Raises MissingBackendError without vaderSentiment.
    """
    scores = _load_analyser(excluded_words).polarity_scores(text)
    return SentimentScores(
        compound=scores["compound"], positive=scores["pos"], negative=scores["neg"], neutral=scores["neu"]
    )


@cache
def _load_analyser(excluded_words: frozenset[str]) -> SentimentIntensityAnalyzer:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise MissingBackendError("VADER is not installed; run pip install vaderSentiment") from error
    analyser = SentimentIntensityAnalyzer()
    analyser.lexicon = {word: value for word, value in analyser.lexicon.items() if word not in excluded_words}
    return analyser


def normalise_text(text: str) -> str:
    """Replace curly apostrophes by straight ones and emoji by their names ("loudly crying face", VADER's).

    Phones write don’t, which neither VADER nor NRC's lexicon nor MiniLM recognises as a negation; and MiniLM
    has one piece for all emoji. For features only; `experiments.emotions` scores the text as it is.
    """
    text = text.translate(APOSTROPHES)
    if text.isascii() or _list_emoji_initials().isdisjoint(text):
        return text
    spelled = _compile_emoji_pattern().sub(
        lambda match: f" {_load_analyser(frozenset()).emojis[match[0]]} ", text
    )
    return spelled if spelled == text else " ".join(spelled.replace(VARIATION_SELECTOR, "").split())


@cache
def _list_emoji_initials() -> frozenset[str]:
    return frozenset(emoji[0] for emoji in _load_analyser(frozenset()).emojis)


@cache
def _compile_emoji_pattern() -> re.Pattern[str]:
    """Alternation of all emoji that VADER names, longer ones first: a family before its members."""
    emoji = sorted(_load_analyser(frozenset()).emojis, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, emoji)))


def is_sentimental(scores: SentimentScores, threshold: float = 0.6) -> bool:
    """Whether |compound| exceeds the threshold, .6 in the report."""
    return abs(scores.compound) > threshold


def has_emotion_keyword(text: str) -> bool:
    """Whether EMOTION_KEYWORDS matches, case-sensitive: `extract_emotion_manually` of the seed."""
    return re.search(EMOTION_KEYWORDS, text) is not None


def count_nrc_emotions(text: str) -> Counter[str]:
    """Number of words of the text per emotion and polarity of NRC's lexicon (Mohammad and Turney 2013).

    NRCLex's `raw_emotion_scores`, 0 where it has none: every occurrence counts, case-sensitive (the lexicon
    is in lower case) and not lemmatised. Today's NRCLex lemmatises first; the version of the report did not.
    Raises MissingBackendError without nrclex.
    """
    lexicon = _load_nrc_lexicon()
    return Counter(emotion for word in tokenize_for_nrc(text) for emotion in lexicon.get(word, ()))


def compute_nrc_columns(text: str) -> dict[str, float]:
    """The seed's eleven columns of a text, in the order of NRC_COLUMNS; neutral is 1 without any polarity."""
    counts = count_nrc_emotions(text)
    neutral = not (counts["positive"] or counts["negative"])
    return {name: float(neutral if name == "neutral" else counts[name]) for name in NRC_COLUMNS}


def tokenize_for_nrc(text: str) -> list[str]:
    """The words as TextBlob splits them for NRCLex, without the endings of contractions."""
    words: list[str] = []
    for token in TOKEN_SEPARATORS.split(text):
        if word := CONTRACTION_ENDING.sub("", token).strip(string.punctuation):
            words.append(word)
    return words


@cache
def _load_nrc_lexicon() -> Mapping[str, list[str]]:
    try:
        content = (files("nrclex") / "data" / "nrc_en.json").read_text(encoding="utf-8")
    except (ImportError, OSError) as error:
        raise MissingBackendError("NRC's lexicon is not installed; run pip install nrclex") from error
    lexicon: dict[str, list[str]] = json.loads(content)
    return lexicon
