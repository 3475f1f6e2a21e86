"""Typing errors of one letter in a query: an unknown word is replaced by the likeliest English word."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Set
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spellchecker import SpellChecker

MIN_WORD_LENGTH = 4  # shorter unknown words are mostly abbreviations; only swapped letters are put right
WORD = re.compile(r"(?<![\w'])(?<!\w-)[^\W\d_]+(?![\w'-])")
QUOTED = re.compile(r'"[^"]*"')
KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each half a key right of the one above
EDIT_PROBABILITIES = {
    "swapped": 0.15, "doubled": 0.1, "single for double": 1.05, "omitted": 0.35,
    "neighbouring key": 0.2 / 5, "other key": 0.08 / 20,
    "added neighbouring key": 0.1 / 10, "added other key": 0.04 / 40,
}  # fmt: skip
"""How likely one particular error of a kind is, but for a common factor: the kind's share of single typing
errors over the number of ways to make it at one letter; a double letter is typed once three times as often as
another letter is left out. Rough values of our own. Of generated errors in the names of classes, in emotion
words and in flickr1k's captions they put .81 right, and with NAME_COUNT .85 (`python -m experiments.bench
spelling`); the commonest word one edit away .76."""
NAME_COUNT = 2000
"""Added to the count of a word that names something to be found: among pyspellchecker's, "beagle" has 452."""


def correct_spelling(
    text: str, is_known: Callable[[str], bool], names: Set[str] = frozenset()
) -> tuple[str, dict[str, str]]:
    """The text with its typing errors corrected, and the replacement of each wrong word.

    is_known: whether a word, in lower case, is one that the text model or a classifier knows
    names:    words, in lower case, of what there is to be found, likelier to be meant than others

    A word is wrong if it is neither known nor in the English lists of simplemma and pyspellchecker; see
    `find_correction` for what replaces it. Left alone are quoted words, names (a capital that does not begin
    the text), and plurals of known words.
    """
    names = frozenset(names)
    corrections: dict[str, str] = {}
    quoted = [match.span() for match in QUOTED.finditer(text)]

    def replace_word(match: re.Match[str]) -> str:
        word, lower = match[0], match[0].lower()
        is_name = word != lower and not text.isupper() and match.start() > len(text) - len(text.lstrip())
        is_quoted = any(start <= match.start() < end for start, end in quoted)
        if is_name or is_quoted or is_known(lower) or (lower.endswith("s") and is_known(lower[:-1])):
            return word
        if right := find_correction(lower, names):
            corrections[word] = right
        return right or word

    return WORD.sub(replace_word, text), corrections


@cache
def find_correction(word: str, names: frozenset[str] = frozenset()) -> str | None:
    """The likeliest word one edit away from an unknown word; None for a known one, or without any.

    An edit is a letter more, less or other, or two swapped (Damerau 1964); in words of fewer than
    MIN_WORD_LENGTH letters only swapped ones count. The likeliest has the largest product of its count in
    English and the probability of the edit (noisy channel; Kernighan, Church & Gale 1990).
    """
    checker = _load_checker()
    if any(known in checker or _is_in_dictionary(known) for known in (word, word.removesuffix("s"))):
        return None
    edited = set(checker.edit_distance_1(word))
    candidates = checker.known(edited) | (edited & names)
    if len(word) < MIN_WORD_LENGTH:
        candidates = {other for other in candidates if sorted(other) == sorted(word)}

    def compute_log_probability(candidate: str) -> float:
        count = checker.word_frequency[candidate] + NAME_COUNT * (candidate in names)
        return math.log(max(count, 1) * EDIT_PROBABILITIES[name_edit(word, candidate)])

    return max(sorted(candidates), key=compute_log_probability, default=None)


def name_edit(typed: str, word: str) -> str:
    """The kind of EDIT_PROBABILITIES that turned a word into what was typed, one edit away."""
    same = next((i for i, pair in enumerate(zip(typed, word, strict=False)) if len({*pair}) > 1), None)
    at = min(len(typed), len(word)) if same is None else same
    before, wrong, right = word[at - 1 : at], typed[at : at + 1], word[at : at + 1]
    if len(typed) < len(word):
        return "single for double" if right == before else "omitted"
    if len(typed) > len(word):
        if wrong == before:
            return "doubled"
        is_near = any(are_neighbours(wrong, letter) for letter in before + right)
        return "added neighbouring key" if is_near else "added other key"
    if (wrong, right) == (word[at + 1 : at + 2], typed[at + 1 : at + 2]):
        return "swapped"
    return "neighbouring key" if are_neighbours(wrong, right) else "other key"


def are_neighbours(one: str, other: str) -> bool:
    """Whether two letters' keys touch on a QWERTY keyboard."""
    if one not in _KEY_POSITIONS or other not in _KEY_POSITIONS:
        return False
    (row, x), (other_row, other_x) = _KEY_POSITIONS[one], _KEY_POSITIONS[other]
    return one != other and abs(row - other_row) <= 1 and abs(x - other_x) <= 1


_KEY_POSITIONS = {
    key: (row, x + row / 2) for row, keys in enumerate(KEYBOARD_ROWS) for x, key in enumerate(keys)
}


def _is_in_dictionary(word: str) -> bool:
    import simplemma

    return simplemma.is_known(word, lang="en")


@cache
def _load_checker() -> SpellChecker:
    from spellchecker import SpellChecker

    return SpellChecker(distance=1)
