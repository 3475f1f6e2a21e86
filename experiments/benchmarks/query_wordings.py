"""Wordings of one noun as people type them, and the nouns of captions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from zlib import crc32

import numpy as np

from retrieval.search.wording import singularise

MIN_COUNT = 2  # occurrences in captions from which a noun is taken
MIN_TYPO_LENGTH = 4  # letters
NOUN = re.compile(
    r"\b(?:a|an|the) ([a-z]{3,}) "
    r"(?=(?:is|are|in|on|with|of|and|at|near|by|to|from|who|wearing|holding)\b|[.,])"
)
NO_OBJECT = frozenset(["front", "side", "top", "middle", "back", "left", "right", "end", "group", "couple"])
IRREGULAR_PLURALS = {"child": "children", "person": "people", "foot": "feet", "mouse": "mice"}
TYPO = "a cat, one letter wrong"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def find_nouns(captions: Iterable[str]) -> list[str]:
    """Singular words that stand between an article and a preposition, a verb or the end, MIN_COUNT times."""
    counts = Counter(noun for caption in captions for noun in NOUN.findall(caption.lower()))
    return sorted(
        noun
        for noun, count in counts.items()
        if count >= MIN_COUNT and noun not in NO_OBJECT and singularise(noun) == noun
    )


def add_article(noun: str) -> str:
    """ "a cat", the wording that the others are compared with."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def pluralise(noun: str) -> str:
    """The regular plural, or that of a few irregular nouns."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if noun.endswith("man"):
        return f"{noun[:-3]}men"
    if re.search(r"(?:s|x|z|ch|sh)$", noun):
        return f"{noun}es"
    return re.sub(r"([^aeiou])y$", r"\1ie", noun) + "s"


def misspell(noun: str) -> str:
    """One letter of its longest word less, more, other, or two swapped, never the first; seeded by it."""
    rng = np.random.default_rng(crc32(noun.encode()))
    word = max(re.findall(r"[a-z]+", noun), key=len)
    at, letter = int(rng.integers(1, len(word) - 1)), LETTERS[rng.integers(len(LETTERS))]
    wrong = [
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ][rng.integers(4)]
    return noun.replace(word, wrong, 1)


WORDINGS: Mapping[str, Callable[[str], str]] = {
    "cat": lambda noun: noun,
    "the cat": lambda noun: f"the {noun}",
    "my cat": lambda noun: f"my {noun}",
    "cats": pluralise,
    "A CAT": lambda noun: add_article(noun).upper(),
    "cat!!": lambda noun: f"{noun}!!",
    '"a cat"': lambda noun: f"\u201c{add_article(noun)}\u201d",
    "a photo of a cat": lambda noun: f"a photo of {add_article(noun)}",
    "picture with cats": lambda noun: f"picture with {pluralise(noun)}",
    TYPO: lambda noun: add_article(misspell(noun)),
}
