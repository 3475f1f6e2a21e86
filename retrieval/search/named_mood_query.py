"""The moods that the text of a query names, as moods of the query."""

from __future__ import annotations

import logging
from dataclasses import replace

from retrieval.features import FeaturePipeline
from retrieval.search.mood_phrases import read_known_mood
from retrieval.search.named_moods import parse_named_mood
from retrieval.search.query import Query
from retrieval.search.query_moods import describe_mood
from retrieval.search.query_reading import QueryText
from retrieval.storage import MODALITIES

log = logging.getLogger(__name__)


def add_named_mood(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with the mood that its text names, unless it goes by content alone or has another mood.

    By mood alone where nothing else is asked for, else with the usual weight beside content; among the
    modalities of the noun, where the query leaves them open. A line says so.
    """
    has_other_mood = query.names_mood or query.mood_from_words
    named = query.reading.named_mood if query.reading else None
    if query.reading is None or named is None or query.affect == 0 or has_other_mood:
        return query
    mood = read_known_mood(named.words, pipeline)
    if mood is None:
        return query
    is_only = named.is_alone and set(query.parts) == {"text"}
    modalities = named.modalities if query.modalities == MODALITIES else query.modalities
    too = "" if named.is_alone else " too"
    line = _describe(f"the mood {named.words!r}{too}", modalities)
    return replace(
        query,
        mood=mood,
        affect=1.0 if is_only and query.affect is None else query.affect,
        modalities=modalities,
        reading=_add_warning(query.reading, line),
    )


def deny_named_moods(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with denied texts that name nothing but a mood ("not scary") as moods that are not wanted.

    Among the modalities of what is looked for by its noun ("photos that aren't scary"), where the query
    leaves them open; a line says so. A query by content alone stays as it is.
    """
    if query.reading is None or query.affect == 0:
        return query
    kept, moods = {}, []
    for text, form in query.reading.negatives.items():
        named = parse_named_mood(text)
        mood = read_known_mood(named.words, pipeline) if named and named.is_alone else None
        if mood is None:
            kept[text] = form
        else:
            moods.append(mood)
    if not moods:
        return query
    reading = replace(query.reading, negatives=kept)
    modalities = query.modalities
    if modalities == MODALITIES != reading.modalities:
        modalities = reading.modalities
        names = ", ".join(map(repr, map(describe_mood, moods)))
        reading = _add_warning(reading, _describe(f"what is not of the mood {names}", modalities))
    return replace(query, not_moods=(*query.not_moods, *moods), modalities=modalities, reading=reading)


def _add_warning(reading: QueryText, line: str) -> QueryText:
    """The reading with a line for the user, which is logged too."""
    log.warning("%s", line)
    return replace(reading, warnings=(*reading.warnings, line))


def _describe(sought: str, modalities: tuple[str, ...]) -> str:
    among = "" if modalities == MODALITIES else f" ({', '.join(modalities)})"
    return f'looks for {sought}{among}; words in "quotes" are taken as they are'
