"""The moods that a query names: points, phrases, regions, courses and nudges, and which go together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoders import AffectError
from retrieval.search.query_fields import validate_names, validate_unicode
from spaces.circumplex import LANDMARKS, MAX_RADIUS, NUDGES, compute_nudge, parse_mood

if TYPE_CHECKING:
    from retrieval.search.query import Query


@dataclass(frozen=True, kw_only=True)
class PhraseAffect:
    """A phrase with its affect by the text regressor: a point (valence, arousal) and the SD of each."""

    phrase: str
    point: tuple[float, float]
    sds: tuple[float, float]


Mood = tuple[float, float] | str | PhraseAffect
"""A point (valence, arousal) in [-1, 1], a phrase that waits to be read, or one that has been."""


def place_landmark(mood: Mood) -> Mood:
    """The point of a landmark or of two numbers; any other mood as it is. Raises AffectError for no mood."""
    if not isinstance(mood, str):
        return mood
    validate_unicode(mood)
    return parse_mood(mood)


def get_mood_point(mood: Mood) -> tuple[float, float] | None:
    """(valence, arousal) of a mood; None for a phrase that waits to be read."""
    if isinstance(mood, PhraseAffect):
        return mood.point
    return None if isinstance(mood, str) else mood


def describe_mood(mood: Mood) -> str:
    """A mood in a word if there is one: the landmark, the phrase, or the numbers as they are written."""
    if isinstance(mood, PhraseAffect):
        return mood.phrase
    if isinstance(mood, str):
        return mood
    word = next((word for word, point in LANDMARKS.items() if point == mood), "")
    return word or f"{mood[0]:g},{mood[1]:g}"


def is_worded(mood: Mood) -> bool:
    """Whether a mood is named by words; the point of a landmark counts as its word."""
    return not isinstance(mood, tuple) or mood in LANDMARKS.values()


def validate_moods(query: Query) -> None:
    """Raises AffectError for points off the plane, and for what makes no sense together."""
    moods = [*([] if query.mood is None else [query.mood]), *query.then, *query.not_moods]
    for mood in moods:
        point = get_mood_point(mood)
        if point is not None and not all(math.isfinite(one) and -1 <= one <= 1 for one in point):
            raise AffectError(f"the mood is {point}; valence and arousal lie between -1 and 1")
    _validate_nudges(query)
    if query.text is None or query.then:  # a text may name the mood of a region
        require_mood(query)
    if query.radius is not None and not 0 < query.radius <= MAX_RADIUS:
        raise AffectError(f"the radius is {query.radius}; it must be above 0 and at most {MAX_RADIUS:g}")
    if query.radius is not None and query.then:
        raise AffectError("a radius is of one mood, and a course is given; leave one of them out")


def require_mood(query: Query) -> None:
    """Raises AffectError for a radius or a course without the mood that it belongs to."""
    if query.mood is None and (query.radius is not None or query.then):
        given = "a course" if query.then else "a radius"
        raise AffectError(f"{given} is given, and no mood where it begins; name one")


def _validate_nudges(query: Query) -> None:
    validate_names("nudge", query.nudges, tuple(NUDGES))
    if not query.nudges:
        return
    named = " and ".join(query.nudges)
    try:
        compute_nudge(query.nudges)
    except ValueError as error:
        raise AffectError(f"{named}: {error}; choose one") from error
    if query.radius is not None or query.then:
        given = "a course" if query.then else "a radius"
        raise AffectError(
            f"{named} than the query itself feels, and {given} is of a named mood; choose one of both"
        )
    if not query.parts:
        raise AffectError(f"{named} than what? give an item, a picture, a sound, a video or words")
    if query.mood is not None or query.mood_from_words:
        raise AffectError(f"{named} than the query itself feels, and a mood is given too; choose one of both")
