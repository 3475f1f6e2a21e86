"""Search on the valence-arousal plane: what a query looks for there, and the segments that match it best."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, VocabularyEncoder, is_missing_row
from retrieval.features import FeaturePipeline
from retrieval.search.content_and_mood import MOOD_TERM
from retrieval.search.mood_course import make_course_target, warn_of_items_without_course
from retrieval.search.mood_targets import MoodTarget, PointTarget, RegionTarget
from retrieval.search.named_moods import find_sound_mood
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQueryPart
from retrieval.search.query_moods import Mood, PhraseAffect, describe_mood, get_mood_point, place_landmark
from retrieval.search.segment_scores import SegmentScores, make_scores_without_content
from retrieval.search.words_mood import read_mood_of_words
from retrieval.storage import AnySnapshot
from spaces.affect_regression import average_estimates
from spaces.circumplex import (
    LANDMARK_RADIUS,
    PRIOR_SD,
    combine_with_prior,
    format_landmarks,
    is_uncertain,
    nudge_point,
    suggest_landmark,
)

Positions = npt.NDArray[np.int64]
MAX_PHRASE_LENGTH = 60  # characters of a phrase in a message
log = logging.getLogger(__name__)


def resolve_mood(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with the affect of the phrases that are its moods, of its emotion words, or of its sound.

    Raises AffectError as `read_phrase`.
    """
    query = _add_named_mood(query, pipeline)
    if query.mood_from_words and query.text is not None and query.mood is None:
        words = query.text if query.reading is None else query.reading.positive  # not those it denies
        return replace(query, mood=read_mood_of_words(words, pipeline))
    named = [*([] if query.mood is None else [query.mood]), *query.then, *query.not_moods]
    if not any(isinstance(mood, str) for mood in named):
        return query
    return replace(
        query,
        mood=None if query.mood is None else _read_mood(query.mood, pipeline),
        then=tuple(_read_mood(mood, pipeline) for mood in query.then),
        not_moods=tuple(_read_mood(mood, pipeline) for mood in query.not_moods),
    )


def _add_named_mood(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with the mood that its text says of a sound, where it leaves mood and dial open."""
    is_open = query.affect is None and not (query.names_mood or query.mood_from_words)
    if query.reading is None or not (query.reading.named_mood and is_open):
        return query
    words = query.reading.named_mood
    mood = _read_known_mood(words, pipeline)
    if mood is None:
        return query
    line = f"looks for the mood {words!r} too; an affect weight of 0, or quotes, go by the words alone"
    log.warning("%s", line)
    reading = replace(query.reading, warnings=(*query.reading.warnings, line))
    return replace(query, mood=mood, reading=reading)


def _read_known_mood(words: str, pipeline: FeaturePipeline) -> Mood | None:
    """The mood of words; None where nothing can be told of them."""
    try:
        return _read_mood(place_landmark(words), pipeline)
    except AffectError:
        return None


def _read_mood(mood: Mood, pipeline: FeaturePipeline) -> Mood:
    return read_phrase(mood, pipeline) if isinstance(mood, str) else mood


def read_phrase(phrase: str, pipeline: FeaturePipeline) -> PhraseAffect:
    """The affect of a phrase by the text regressor.

    Raises AffectError where there is no text regressor, where it is no surer of the phrase than the prior in
    either dimension, and for a word outside its vocabulary that is one typing error away from a landmark.
    """
    if not pipeline.has_role("sentiment"):
        raise AffectError(_format_unknown_mood(phrase, "this library has no text regressor to read words by"))
    encoder = pipeline.get_encoder("sentiment")
    is_known = isinstance(encoder, VocabularyEncoder) and encoder.is_in_vocabulary(phrase)
    if suggest_landmark(phrase) and not is_known:
        raise AffectError(_format_unknown_mood(phrase, "no such word"))
    row = [round(float(value), 4) for value in pipeline.estimate_query_affect([phrase])[0]]
    if not (np.array(row[2:]) < PRIOR_SD).any():
        raise AffectError(_format_unknown_mood(phrase, "the text regressor has nothing to say of it"))
    return PhraseAffect(phrase=phrase, point=(row[0], row[1]), sds=(row[2], row[3]))


def _format_unknown_mood(phrase: str, reason: str) -> str:
    landmark = suggest_landmark(phrase)
    hint = f"; did you mean {landmark}?" if landmark else ""
    shown = phrase if len(phrase) <= MAX_PHRASE_LENGTH else f"{phrase[: MAX_PHRASE_LENGTH - 3]}..."
    return f"no mood {shown!r}: {reason}{hint}; {format_landmarks()}"


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


def weigh_by_sound_mood(
    snapshot: AnySnapshot, text: str, content: SegmentScores, pipeline: FeaturePipeline
) -> SegmentScores:
    """Scores of what is not wanted, times the probability that a segment feels as the text says of its sound.

    So "sad music" is not all music. Without affect of the segment, or such a mood, a score stays.
    """
    words = find_sound_mood(text)
    mood = _read_known_mood(words, pipeline) if words else None
    if mood is None or (point := get_mood_point(mood)) is None:
        return content
    probability = _score_nearby(snapshot, point, content.segments)
    return replace(content, total=content.total * np.where(np.isnan(probability), 1.0, probability))


def _score_nearby(
    snapshot: AnySnapshot, point: tuple[float, float], segments: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.float64]:
    """(n,) the probability that segments lie within LANDMARK_RADIUS of a point; NaN without affect."""
    return RegionTarget(centre=point, radius=LANDMARK_RADIUS).score(snapshot, segments)
