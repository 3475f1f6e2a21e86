"""Whether a query is in English, the only language that most text encoders know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from retrieval.search.wording import WORD

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_WORDS = 2  # fewer in Latin script give no evidence of their language
MAX_ENGLISH_PROBABILITY = 0.05
MIN_OTHER_PROBABILITY = 0.2  # of the likeliest language by py3langid, among 139 ...
MIN_PROBABILITY_OF_ONE = 0.4  # ... and where only one word is not English, as in "pizza margherita"
"""With these bounds none of flickr1k's captions and of ImageNet's and AudioSet's labels is taken for another
language, .3 % of free-exercise-db's names, and 11 % of 80 English queries full of foreign names; of 60 short
queries in 22 other languages 88 % are (`python -m experiments.bench reading`, on whose queries they were
chosen)."""
FOREIGN_ARTICLE = re.compile(r"^(?:eine?|eine[nrms]|une?|un[ao]|uma|een) ", re.IGNORECASE)
"""In front of other words it is hardly ever English; a text model's vocabulary may know all of them."""
ENGLISH_WORDS = re.compile(r"^an? |\b(?:the|with|and|of)\b", re.IGNORECASE)  # hardly ever in other languages


def is_foreign(text: str, is_known: Callable[[str], bool]) -> bool:
    """Whether a text is surely not English: by its script, its article or its letters (Lui & Baldwin 2012).

    is_known: whether a word, in lower case, is one that the text model or a classifier knows

    It is English where it is one word in Latin script, and where all words are known so or to simplemma's
    dictionary and none of FOREIGN_ARTICLE is in front.
    """
    probability, unknown_count = _estimate_other_language(text, is_known)
    return probability >= (MIN_PROBABILITY_OF_ONE if unknown_count == 1 else MIN_OTHER_PROBABILITY)


def may_be_foreign(text: str, is_known: Callable[[str], bool]) -> bool:
    """As `is_foreign`, also where one foreign name in English is as likely: not to be corrected."""
    return _estimate_other_language(text, is_known)[0] >= MIN_OTHER_PROBABILITY


def _estimate_other_language(text: str, is_known: Callable[[str], bool]) -> tuple[float, int]:
    """The probability of the likeliest language if that is not English, else 0; how many words are unknown.

    All count as unknown where the script or an article tells.
    """
    words = WORD.findall(text)
    letters = "".join(words)
    if letters and sum(map(_is_latin, letters)) < len(letters) / 2:
        return 1.0, len(words)
    if len(words) < MIN_WORDS or ENGLISH_WORDS.search(text):
        return 0.0, 0
    if FOREIGN_ARTICLE.search(text):
        return 1.0, len(words)
    unknown_count = sum(not (is_known(word.lower()) or _is_english(word)) for word in words)
    if not unknown_count:
        return 0.0, 0
    ranks = dict(_load_identifier().rank(text))
    language, probability = max(ranks.items(), key=lambda item: item[1])
    if language == "en" or ranks.get("en", 0.0) >= MAX_ENGLISH_PROBABILITY:
        return 0.0, unknown_count
    return probability, unknown_count


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def _is_english(word: str) -> bool:
    import simplemma

    return simplemma.is_known(word, lang="en") or simplemma.is_known(word.lower(), lang="en")


@cache
def _load_identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
