"""Negations in the text of a query: "a beach without people" is a beach, and people are not wanted.

Sentence encoders hardly tell a text from its negation (Ettinger 2020), so what is denied is scored by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrieval.search.wording import MAX_NOUN_PHRASE_WORDS, find_phrase_end, is_media_noun

_JOINED = (
    r"(?:,? (?:but|and|or|with|having|wearing|has|have) (?:no|not)|, ?(?:no|not)|"
    r",? without|,? except(?: for)?|,? minus)"
)
_START = r"^(?:no|not|without|except(?: for)?|anything but|everything but|all but)"
NEGATION = re.compile(
    rf"(?:{_START}|{_JOINED})(?: any| a single)? (?=\w)|(?:^| )-(?=[^\W\d_])", re.IGNORECASE
)
NEGATIVE_WORD = re.compile(
    r"\b(?:no|not|without|except|never|nobody|nothing|none|neither|nor|lacking|minus|cannot|\w+n't)\b",
    re.IGNORECASE,
)
ALTERNATIVE = re.compile(r"(?:or|nor|and(?! (?:some|an?|the)\b)) .", re.IGNORECASE)
DANGLING = re.compile(r"^(?:on|at all)(?= \w+ing\b| is\b| are\b|$)", re.IGNORECASE)  # "no shirt on"
SIGN = re.compile(r"\bno [\w ]*?(?:sign|signs|symbol|symbols|sticker)\b", re.IGNORECASE)
"""A sign that forbids is a thing to look for: "a no smoking sign"."""


@dataclass(frozen=True, kw_only=True)
class NegationParse:
    """A text split at its negations.

    positive:      what is looked for; empty where the text only denies
    negatives:     what is not wanted
    is_understood: False where the text denies something in a way that does not parse; it is then left whole
    """

    positive: str
    negatives: tuple[str, ...] = ()
    is_understood: bool = True


def parse_negation(text: str) -> NegationParse:
    """Split "X without Y", "X but no Y", "X, no Y", "not a Y", "X -Y" and the like.

    Y is the noun phrase after the negation, or several joined by "or"; what follows it belongs to X: "a man
    without a hat on a horse" is "a man on a horse" without "a hat".
    """
    if SIGN.search(text):
        return NegationParse(positive=text)
    pieces = NEGATION.split(text)
    positives, negatives = [pieces[0]], list[str]()
    for piece in pieces[1:]:
        denied, rest = _split_denied(piece)
        if not denied:
            return NegationParse(positive=text, is_understood=False)
        negatives += denied
        positives.append(rest)
    positive = " ".join(filter(None, (part.strip(" ,") for part in positives)))
    if NEGATIVE_WORD.search(positive):
        return NegationParse(positive=text, is_understood=False)
    if negatives and is_media_noun(positive):
        positive = ""
    return NegationParse(positive=positive, negatives=tuple(negatives))


def _split_denied(text: str) -> tuple[list[str], str]:
    """The noun phrases that a negation denies, and the rest of the text; none where it is no noun phrase."""
    rest, denied = text.strip().split(" "), list[str]()
    while True:
        end = _find_denied_end(rest)
        phrase, rest = rest[:end], rest[end:]
        if not phrase or len(phrase) > MAX_NOUN_PHRASE_WORDS:
            return [], text
        denied.append(" ".join(phrase).strip(","))
        if ALTERNATIVE.match(" ".join(rest)):
            rest = rest[1:]
        elif not (phrase[-1].endswith(",") and {"or", "nor"} & {*rest}):
            return denied, DANGLING.sub("", " ".join(rest))


def _find_denied_end(words: list[str]) -> int:
    """Index after a noun phrase, which ends at a comma at the latest."""
    end = find_phrase_end([word.strip(",").lower() for word in words])
    return next((i + 1 for i, word in enumerate(words[:end]) if word.endswith(",")), end)
