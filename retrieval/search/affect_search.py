"""Search on the valence-arousal plane: what a query looks for there, and the segments that match it best."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, is_missing_row
from retrieval.features import FeaturePipeline
from retrieval.search.content_and_mood import MOOD_TERM
from retrieval.search.mood_course import make_course_target, warn_of_items_without_course
from retrieval.search.mood_phrases import read_known_mood, read_mood
from retrieval.search.mood_targets import MoodTarget, PointTarget, RegionTarget
from retrieval.search.named_mood_query import add_named_mood, deny_named_moods
from retrieval.search.named_moods import parse_named_mood
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQueryPart
from retrieval.search.query_moods import Mood, describe_mood, get_mood_point, require_mood
from retrieval.search.segment_scores import SegmentScores, make_scores_without_content
from retrieval.search.words_mood import read_mood_of_words
from retrieval.storage import AnySnapshot
from spaces.affect_regression import average_estimates
from spaces.circumplex import (
    LANDMARK_RADIUS,
    combine_with_prior,
    is_uncertain,
    nudge_point,
)

Positions = npt.NDArray[np.int64]
log = logging.getLogger(__name__)


def resolve_mood(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with the affect of the moods that it gives as phrases, or that its text names.

    Raises AffectError as `read_phrase`, and for a radius where the text names no mood.
    """
    query = add_named_mood(deny_named_moods(query, pipeline), pipeline)
    require_mood(query)
    if query.mood_from_words and query.text is not None and query.mood is None:
        words = query.text if query.reading is None else query.reading.positive  # not those it denies
        return replace(query, mood=read_mood_of_words(words, pipeline))
    named = [*([] if query.mood is None else [query.mood]), *query.then, *query.not_moods]
    if not any(isinstance(mood, str) for mood in named):
        return query
    return replace(
        query,
        mood=None if query.mood is None else read_mood(query.mood, pipeline),
        then=tuple(read_mood(mood, pipeline) for mood in query.then),
        not_moods=tuple(read_mood(mood, pipeline) for mood in query.not_moods),
    )


def make_mood_target(
    query: Query, query_parts: Sequence[EncodedQueryPart], snapshot: AnySnapshot
) -> MoodTarget | None:
    """What a query with its moods read looks for on the plane; None for content alone.

    Its mood (a point, a region or a course), else the affect of its content, moved by its nudges. Where the
    affect of its content is unknown, the search is by content alone, with a warning; with nudges AffectError
    is raised.
    """
    if query.affect_weight == 0:
        return None
    if query.target_affect is not None:
        return _make_named_target(query, query.target_affect, snapshot)
    affect = average_estimates(np.stack([part.affect for part in query_parts]))
    if not is_missing_row(affect[None])[0]:
        if is_uncertain(affect):
            log.warning("little is known of how this query feels: its mood counts as near the middle of all")
        return PointTarget(point=tuple(nudge_point(combine_with_prior(affect), query.nudges)))
    if query.nudges:
        named = " and ".join(query.nudges)
        raise AffectError(f"nobody can tell how this query feels, nor what is {named}; name a mood")
    log.warning("nobody can tell how this query feels; going by content alone (or name a mood)")
    return None


def _make_named_target(query: Query, point: tuple[float, float], snapshot: AnySnapshot) -> MoodTarget:
    if query.radius is not None:
        return RegionTarget(centre=point, radius=query.radius)
    if course := make_course_target(query, snapshot):
        warn_of_items_without_course(snapshot, query.modalities)
        return course
    return PointTarget(point=point)


def score_mood(snapshot: AnySnapshot, target: MoodTarget, segments: Positions) -> SegmentScores:
    """Scores of segments (n,) by mood alone."""
    mood = target.score(snapshot, segments)
    return make_scores_without_content(segments, mood, mean_cosine=mood, term=MOOD_TERM, affect_match=mood)


def score_unwanted_moods(
    snapshot: AnySnapshot, moods: Sequence[Mood], segments: npt.NDArray[np.integer[Any]]
) -> dict[str, SegmentScores]:
    """By "mood WORD", the probability that segments (n,) lie within LANDMARK_RADIUS of it.

    NaN without affect. Ties are broken by the affinity to it.
    """
    scores = {}
    for mood in moods:
        if (point := get_mood_point(mood)) is not None:
            nearness = PointTarget(point=point).score(snapshot, segments)
            scores[f"mood {describe_mood(mood)}"] = make_scores_without_content(
                segments, _score_nearby(snapshot, point, segments), mean_cosine=nearness, term=MOOD_TERM
            )
    return scores


def find_sound_mood_point(text: str, pipeline: FeaturePipeline) -> tuple[float, float] | None:
    """(valence, arousal) of the mood that a text names of a sound; None without."""
    named = parse_named_mood(text)
    mood = read_known_mood(named.words, pipeline) if named else None
    return None if mood is None else get_mood_point(mood)


def weigh_by_sound_mood(
    snapshot: AnySnapshot, content: SegmentScores, point: tuple[float, float] | None
) -> SegmentScores:
    """Scores of what is not wanted, times the probability that a segment feels as its text says of a sound.

    So "sad music" is not all music. Without affect of the segment, or such a mood, a score stays.
    """
    if point is None:
        return content
    probability = _score_nearby(snapshot, point, content.segments)
    return replace(content, total=content.total * np.where(np.isnan(probability), 1.0, probability))


def _score_nearby(
    snapshot: AnySnapshot, point: tuple[float, float], segments: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.float64]:
    """(n,) the probability that segments lie within LANDMARK_RADIUS of a point; NaN without affect."""
    return RegionTarget(centre=point, radius=LANDMARK_RADIUS).score(snapshot, segments)
