"""How the text of a query is read: its language, typing errors, negations and wording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from encoders import ClassifierEncoder, EnglishTextEncoder, EventClassifier
from retrieval.features import FeaturePipeline
from retrieval.search.language import is_foreign
from retrieval.search.negation import NEGATIVE_WORD, NegationParse, parse_negation
from retrieval.search.spelling import QUOTED, correct_spelling
from retrieval.search.wording import WORD, clean_text, normalise_wording, straighten_quotes

MAX_SHOWN_LENGTH = 60  # characters of a text in a message


@dataclass(frozen=True, kw_only=True)
class QueryText:
    """A query's text as it is searched.

    positive:    what is looked for; empty where only something is denied
    negatives:   what is not wanted
    corrections: words that were replaced, with their replacement
    warnings:    lines for the user
    """

    positive: str
    negatives: tuple[str, ...] = ()
    corrections: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self, text: str) -> dict[str, Any]:
        """As echoed with the query's results: what differs from its text."""
        read_as = {"read_as": self.positive} if self.positive != text else {}
        return {**read_as, **({"corrected": self.corrections} if self.corrections else {})}


def read_query_text(text: str, pipeline: FeaturePipeline, keep_whole: Callable[[str], bool]) -> QueryText:
    """Read a text for the text encoder of a pipeline.

    keep_whole: whether a denied phrase is to stay in the text, as one that names a mood

    Where the encoder is not for English alone, only quotes, punctuation and spaces are made alike.
    """
    encoder = pipeline.get_encoder("text") if pipeline.has_role("text") else None
    if not isinstance(encoder, EnglishTextEncoder):
        return QueryText(positive=clean_text(text))

    def is_known(word: str) -> bool:
        return word in encoder.vocabulary or word in list_label_words(pipeline)

    if is_foreign(text, is_known):
        warning = f"{_shorten(text)} does not look like English, all that the text model knows: "
        return QueryText(positive=clean_text(text), warnings=(f"{warning}the results are guesses",))
    corrected, corrections = correct_spelling(straighten_quotes(text), is_known)
    parse = _parse_unquoted_negation(corrected)
    if any(map(keep_whole, parse.negatives)):
        parse = NegationParse(positive=corrected)
    return QueryText(
        positive=normalise_wording(parse.positive) if parse.positive else "",
        negatives=tuple(map(normalise_wording, parse.negatives)),
        corrections=corrections,
        warnings=tuple(_list_warnings(text, corrections, parse)),
    )


def _parse_unquoted_negation(text: str) -> NegationParse:
    """Its negations, but none where a quotation holds one: quoted words are kept as they are."""
    if any(map(NEGATIVE_WORD.search, QUOTED.findall(text))):
        return NegationParse(positive=text)
    return parse_negation(text)


def list_label_words(pipeline: FeaturePipeline) -> frozenset[str]:
    """The words, in lower case, of the names of classes that a pipeline's classifiers know."""
    encoders = [pipeline.get_encoder(role) for role in pipeline.media_roles]
    return frozenset(
        word
        for encoder in encoders
        if isinstance(encoder, ClassifierEncoder | EventClassifier)
        for name in encoder.classes
        for word in WORD.findall(name.lower())
    )


def _list_warnings(text: str, corrections: Mapping[str, str], parse: NegationParse) -> Iterator[str]:
    if corrections:
        pairs = ", ".join(f"{wrong} as {right}" for wrong, right in corrections.items())
        yield f'read {pairs}; put words in "quotes" to keep them'
    if parse.negatives:
        sought = f"{parse.positive!r} without" if parse.positive else "what does not match"
        yield f'{_shorten(text)}: looks for {sought} {", ".join(map(repr, parse.negatives))}'
    if not parse.is_understood:
        yield f"{_shorten(text)}: the negation is not understood and finds what it denies; use --not TEXT"


def _shorten(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN_LENGTH else f"{text[: MAX_SHOWN_LENGTH - 3]}...")
