"""How the text of a query is read: its language, typing errors, negations and wording."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from encoders import ClassifierEncoder, EnglishTextEncoder, EventClassifier
from retrieval.features import FeaturePipeline
from retrieval.search.language import is_foreign, may_be_foreign
from retrieval.search.named_moods import MOOD_WORDS, find_named_modalities, parse_named_mood
from retrieval.search.negation import NegationParse, parse_negation
from retrieval.search.query import Query
from retrieval.search.query_reading import QueryText
from retrieval.search.spelling import correct_spelling
from retrieval.search.wording import WORD, clean_text, normalise_wording, straighten_quotes

log = logging.getLogger(__name__)
MAX_SHOWN_LENGTH = 60  # characters of a text in a message


def resolve_text(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with the reading of its text and exclusions; one that has it, or no text, as it is."""
    if query.reading is not None or (query.text is None and not query.exclude):
        return query
    reading = read_query_text(query.text, query.exclude, pipeline)
    for line in reading.warnings:
        log.warning("%s", line)
    return replace(query, reading=reading)


def read_query_text(text: str | None, exclude: Sequence[str], pipeline: FeaturePipeline) -> QueryText:
    """Read a query's text, and the texts of what it excludes, for the text encoder of a pipeline.

    Where the encoder is not for English alone, only quotes, punctuation and spaces are made alike.
    """
    encoder = pipeline.get_encoder("text") if pipeline.has_role("text") else None
    if not isinstance(encoder, EnglishTextEncoder):
        negatives = {other: clean_text(other) for other in exclude}
        return QueryText(positive=clean_text(text or ""), negatives=negatives)

    reader = _TextReader(vocabulary=encoder.vocabulary, label_words=list_label_words(pipeline))
    main = reader.read(text) if text is not None else QueryText(positive="")
    others = {other: reader.read_excluded(other) for other in exclude}
    parts = [main, *others.values()]
    return QueryText(
        positive=main.positive,
        named_mood=main.named_mood,
        modalities=main.modalities,
        negatives={**main.negatives, **{other: part.positive for other, part in others.items()}},
        corrections={wrong: right for part in parts for wrong, right in part.corrections.items()},
        warnings=tuple(line for part in parts for line in part.warnings),
    )


@dataclass(frozen=True, kw_only=True)
class _TextReader:
    """Reads texts for an English text encoder with a vocabulary, and classifiers whose labels have words."""

    vocabulary: Container[str]
    label_words: frozenset[str]

    def is_known(self, word: str) -> bool:
        """Whether the encoder or a classifier knows a word in lower case."""
        return word in self.vocabulary or word in self.label_words

    def correct(self, text: str) -> tuple[str, dict[str, str]]:
        """A text of straight quotes without its typing errors, and its corrections."""
        if may_be_foreign(text, self.is_known):
            return text, {}
        return correct_spelling(text, self.is_known, self.label_words | MOOD_WORDS)

    def read(self, text: str) -> QueryText:
        """The query's own text."""
        straight = straighten_quotes(text)
        if is_foreign(straight, self.is_known):
            return _leave_foreign_text(text)
        corrected, corrections = self.correct(straight)
        parse = parse_negation(corrected)
        return QueryText(
            positive=normalise_wording(parse.positive) if parse.positive else "",
            negatives={phrase: normalise_wording(phrase) for phrase in parse.negatives},
            named_mood=parse_named_mood(parse.positive) if parse.is_understood else None,
            modalities=find_named_modalities(_find_sought_words(parse)),
            corrections=corrections,
            warnings=(*_report_corrections(corrections), *_report_negation(text, parse)),
        )

    def read_excluded(self, text: str) -> QueryText:
        """What `--not` names: a negation in it is not read, and that is said."""
        straight = straighten_quotes(text)
        if is_foreign(straight, self.is_known):
            return _leave_foreign_text(text)
        corrected, corrections = self.correct(straight)
        parse = parse_negation(corrected)
        warnings = list(_report_corrections(corrections))
        if parse.negatives or not parse.is_understood:
            warnings.append(
                f"--not {_shorten(text)}: a negation in it is not read; say there what is not wanted"
            )
        return QueryText(
            positive=normalise_wording(corrected), corrections=corrections, warnings=tuple(warnings)
        )


def _leave_foreign_text(text: str) -> QueryText:
    warning = f"{_shorten(text)} does not look like English, all that the text model knows: "
    return QueryText(positive=clean_text(text), warnings=(f"{warning}the results are guesses",))


def _find_sought_words(parse: NegationParse) -> str:
    """What is looked for; of a text that only denies one thing that ("not scary photos")."""
    sought = parse.media_noun or parse.positive
    return sought if sought or len(parse.negatives) != 1 else parse.negatives[0]


@lru_cache(maxsize=1)
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


def _report_corrections(corrections: Mapping[str, str]) -> Iterator[str]:
    if corrections:
        pairs = ", ".join(f"{wrong} as {right}" for wrong, right in corrections.items())
        yield f'read {pairs}; put words in "quotes" to keep them'


def _report_negation(text: str, parse: NegationParse) -> Iterator[str]:
    if parse.negatives:
        sought = f"{parse.positive!r} without" if parse.positive else "what does not match"
        yield f"{_shorten(text)}: looks for {sought} {', '.join(map(repr, parse.negatives))}"
    if not parse.is_understood:
        yield f"{_shorten(text)}: the negation is not understood and finds what it denies; use --not TEXT"


def _shorten(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN_LENGTH else f"{text[: MAX_SHOWN_LENGTH - 3]}...")
