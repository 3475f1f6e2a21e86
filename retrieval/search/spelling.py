"""Typing errors of one letter in a query: unknown words are replaced by the likeliest English word."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spellchecker import SpellChecker

MIN_WORD_LENGTH = 4  # shorter unknown words are mostly abbreviations; only swapped letters are put right
WORD = re.compile(r"(?<![\w'])(?<!\w-)[^\W\d_]+(?![\w'-])")
QUOTED = re.compile(r'"[^"]*"')


def correct_spelling(text: str, is_known: Callable[[str], bool]) -> tuple[str, dict[str, str]]:
    """The text with its typing errors corrected, and the replacement of each wrong word.

    is_known: whether a word, in lower case, is one that the text model or a classifier knows

    A word is wrong if it is neither known nor in the English lists of simplemma and pyspellchecker. The
    commonest word one edit away (Damerau 1964: a letter more, less, other, or two swapped) replaces it; in
    words of fewer than MIN_WORD_LENGTH letters only swapped letters count. Left alone are quoted words, names
    (a capital that does not begin the text), and plurals of known words.
    """
    corrections: dict[str, str] = {}
    quoted = [match.span() for match in QUOTED.finditer(text)]

    def replace_word(match: re.Match[str]) -> str:
        word, lower = match[0], match[0].lower()
        is_name = word != lower and not text.isupper() and match.start() > len(text) - len(text.lstrip())
        is_quoted = any(start <= match.start() < end for start, end in quoted)
        if is_name or is_quoted or is_known(lower) or (lower.endswith("s") and is_known(lower[:-1])):
            return word
        if right := find_correction(lower):
            corrections[word] = right
        return right or word

    return WORD.sub(replace_word, text), corrections


@cache
def find_correction(word: str) -> str | None:
    """The commonest English word one edit away from an unknown word; None for a known one, or without any."""
    checker = _load_checker()
    if any(known in checker or _is_in_dictionary(known) for known in (word, word.removesuffix("s"))):
        return None
    frequencies = checker.word_frequency
    candidates = checker.known(checker.edit_distance_1(word))
    if len(word) < MIN_WORD_LENGTH:
        candidates = {other for other in candidates if sorted(other) == sorted(word)}
    return max(sorted(candidates), key=lambda candidate: frequencies[candidate], default=None)


def _is_in_dictionary(word: str) -> bool:
    import simplemma

    return simplemma.is_known(word, lang="en")


@cache
def _load_checker() -> SpellChecker:
    from spellchecker import SpellChecker

    return SpellChecker(distance=1)
