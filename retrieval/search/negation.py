"""Negations in the text of a query: "a beach without people" is a beach, and people are not wanted.

Sentence encoders hardly tell a text from its negation (Ettinger 2020), so what is denied is scored by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.search.named_moods import DEGREE_ADVERBS, MOOD_WORDS
from retrieval.search.spelling import QUOTED
from retrieval.search.wording import MAX_NOUN_PHRASE_WORDS, find_phrase_end, is_media_noun

_CLAUSE_WORDS = ("is", "are", "am", "be", "was", "were", "'s", "'re", "'m", "if", "or", "why")
_NO_CLAUSE = "".join(  # "pictures not sad", but neither "he is not sad" nor "why not happy"
    rf"(?<!\b{word})" for word in _CLAUSE_WORDS
)
_JOINED = (
    r"(?:,? (?:but|and|or|with|having|wearing|has|have) (?:no|not)|, ?(?:no|not)|"
    r",? without|,? except(?: for)?|,? minus|"
    r",? (?:that|which|who)(?:(?:'s| is| are| was| were) not| (?:is|are|was|were)n't)|"
    r"(?<!\bDO) (?-i:NOT)|"  # as in the query languages of search engines
    rf"{_NO_CLAUSE} not(?= (?:(?:{'|'.join(DEGREE_ADVERBS)}) )?(?:{'|'.join(sorted(MOOD_WORDS))})\b))"
)
_START = r"^(?:no|not|without|except(?: for)?|anything but|everything but|all but)"
NEGATION = re.compile(
    rf"(?:{_START}|{_JOINED})(?: any| a single)? (?=\w)|(?:^| )[-!](?=[^\W\d_])", re.IGNORECASE
)
DOUBLE_NEGATION = re.compile(r"\bnot not ", re.IGNORECASE)
NEGATIVE_WORD = re.compile(
    r"\b(?:no|not|without|except|never|nobody|nothing|none|neither|nor|lacking|minus|cannot|\w+n't)\b",
    re.IGNORECASE,
)
ALTERNATIVE = re.compile(r"(?:or|nor|and(?! (?:some|an?|the)\b)) .", re.IGNORECASE)
DANGLING = re.compile(r"^(?:on|at all)(?= \w+ing\b| is\b| are\b|$)", re.IGNORECASE)  # "no shirt on"
SIGN = re.compile(r"\b(?:no|do not|don't) [\w ]*?(?:sign|signs|symbol|symbols|sticker)\b", re.IGNORECASE)
"""A sign that forbids is a thing to look for: "a no smoking sign"."""
_PLACEHOLDER = re.compile("\ua66e(\\d+)\ua66e")
"""A word that stands for a quotation; its letter is of a manuscript of the 15th century."""


@dataclass(frozen=True, kw_only=True)
class NegationParse:
    """A text split at its negations.

    positive:      what is looked for; empty where the text only denies
    negatives:     what is not wanted
    media_noun:    what is looked for where that is no content: "photos" of "photos without people"
    is_understood: False where the text denies something in a way that does not parse; it is then left whole
    """

    positive: str
    negatives: tuple[str, ...] = ()
    media_noun: str = ""
    is_understood: bool = True


def parse_negation(text: str) -> NegationParse:
    """Split "X without Y", "X but no Y", "X, no Y", "not a Y", "X that is not Y", "X -Y" and the like.

    Y is the noun phrase after the negation, or several joined by "or"; what follows it belongs to X: "a man
    without a hat on a horse" is "a man on a horse" without "a hat". Quoted words are one word of a phrase,
    and hold no negation: 'animal -"black cat"'. Two negations in a row ("not not a dog") are none.
    """
    masked, quotations = _mask_quotations(text)
    parse = _parse_unquoted(DOUBLE_NEGATION.sub("", masked))
    if not parse.is_understood:
        return NegationParse(positive=text, is_understood=False)
    return NegationParse(
        positive=_restore_quotations(parse.positive, [f'"{words}"' for words in quotations]),
        media_noun=parse.media_noun,
        negatives=tuple(_restore_quotations(phrase, quotations) for phrase in parse.negatives),
    )


def _parse_unquoted(text: str) -> NegationParse:
    """As `parse_negation`, of a text without quotations."""
    if SIGN.search(text):
        return NegationParse(positive=text)
    first, *pieces = NEGATION.split(text)
    splits = [_split_denied(piece) for piece in pieces]
    negatives = [phrase for denied, _ in splits for phrase in denied]
    positives = [first, *(rest for _, rest in splits)]
    positive = " ".join(filter(None, (part.strip(" ,") for part in positives)))
    if not all(denied for denied, _ in splits) or any(map(NEGATIVE_WORD.search, [positive, *negatives])):
        return NegationParse(positive=text, is_understood=False)
    if negatives and is_media_noun(positive):
        return NegationParse(positive="", negatives=tuple(negatives), media_noun=positive)
    return NegationParse(positive=positive, negatives=tuple(negatives))


def _mask_quotations(text: str) -> tuple[str, list[str]]:
    """The text with a placeholder for each quotation that has words, and what those quote."""
    quotations: list[str] = []

    def mask(match: re.Match[str]) -> str:
        if not (words := match[0].strip('" ')):
            return " "
        quotations.append(words)
        return f"\ua66e{len(quotations) - 1}\ua66e"

    return QUOTED.sub(mask, text), quotations


def _restore_quotations(text: str, quotations: Sequence[str]) -> str:
    return _PLACEHOLDER.sub(lambda match: quotations[int(match[1])], text)


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
