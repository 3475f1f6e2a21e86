"""Moods as text: a landmark, two numbers or a phrase, and the landmark a misspelt word may mean."""

from __future__ import annotations

from itertools import takewhile

from encoders import AffectError
from spaces.circumplex.landmarks import LANDMARK_SYNONYMS, LANDMARKS
from spaces.circumplex.plane import DIMENSIONS


def parse_mood(text: str) -> tuple[float, float] | str:
    """(valence, arousal) of a landmark such as "calm" or of numbers such as "0.3,-0.5"; else the phrase.

    A phrase has a letter; `retrieval.search.affect_search.resolve_mood` places it by a text regressor.
    Raises AffectError for text without a letter and for numbers that are not two in [-1, 1].
    """
    phrase = text.strip()
    word = phrase.lower()
    word = LANDMARK_SYNONYMS.get(word, word)
    if word in LANDMARKS:
        return LANDMARKS[word]
    numbers = _parse_numbers(word)
    if numbers is None:
        if any(map(str.isalpha, phrase)):
            return phrase
        raise AffectError(f"no mood {text!r}: no words in it; {format_landmarks()}")
    if len(numbers) != 2:
        raise AffectError(f"mood {text!r}: two numbers are wanted, valence and arousal, as in 0.3,-0.5")
    for name, number in zip(DIMENSIONS, numbers, strict=True):
        if not -1 <= number <= 1:
            raise AffectError(f"mood {text!r}: {name} must lie between -1 and 1, not {number}")
    return numbers[0], numbers[1]


def _parse_numbers(text: str) -> list[float] | None:
    """The comma-separated numbers; None where a part is not a number, and for a word such as "infinity"."""
    try:
        return None if text.isalpha() else [float(part) for part in text.split(",")]
    except ValueError:
        return None


def format_landmarks() -> str:
    """The landmarks and the format of a point, for error messages."""
    return f"landmarks: {', '.join(sorted(LANDMARKS))}; or valence,arousal such as 0.3,-0.5"


def suggest_landmark(word: str) -> str | None:
    """The landmark one edit away from a word: a letter added, missing or wrong, or two letters swapped."""
    lowered = word.strip().lower()
    candidates = (name for name in (*LANDMARKS, *LANDMARK_SYNONYMS) if _is_one_edit_apart(lowered, name))
    match = next(candidates, None)
    return LANDMARK_SYNONYMS.get(match, match) if match else None


def _count_common_prefix(a: str, b: str) -> int:
    """Length of the common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _is_one_edit_apart(a: str, b: str) -> bool:
    """Whether the Damerau-Levenshtein distance of two words is 1."""
    prefix = _count_common_prefix(a, b)
    a, b = a[prefix:], b[prefix:]
    suffix = _count_common_prefix(a[::-1], b[::-1])
    a, b = a[: len(a) - suffix], b[: len(b) - suffix]
    swapped = len(a) == 2 and a == b[::-1]
    return a != b and (swapped or (len(a) <= 1 and len(b) <= 1))
