"""Moods named by words: the place of a landmark, or the affect of a phrase by the text regressor."""

from __future__ import annotations

import numpy as np

from encoders import AffectError, VocabularyEncoder
from retrieval.features import FeaturePipeline
from retrieval.search.query_moods import Mood, PhraseAffect, place_landmark
from spaces.circumplex import PRIOR_SD, format_landmarks, suggest_landmark

MAX_PHRASE_LENGTH = 60  # characters of a phrase in a message


def read_known_mood(words: str, pipeline: FeaturePipeline) -> Mood | None:
    """The mood of words; None where nothing can be told of them."""
    try:
        return read_mood(place_landmark(words), pipeline)
    except AffectError:
        return None


def read_mood(mood: Mood, pipeline: FeaturePipeline) -> Mood:
    """The mood with its phrase read. Raises AffectError as `read_phrase`."""
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
