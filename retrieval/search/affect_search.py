"""Search on the valence-arousal plane: the target point of a query, and the segments nearest to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from encoders import AffectError, VocabularyEncoder, is_missing_row
from retrieval.features import FeaturePipeline
from retrieval.search.query import PhraseAffect, Query
from retrieval.search.query_encoder import EncodedQueryPart
from retrieval.search.words_mood import read_mood_of_words
from retrieval.storage import Snapshot
from spaces.affect_regression import average_estimates
from spaces.circumplex import PRIOR_SD, affinity, format_landmarks, suggest_landmark

AffectPoint = npt.NDArray[np.floating]
Positions = npt.NDArray[np.int64]
MAX_PHRASE_LENGTH = 60  # characters of a phrase in a message
log = logging.getLogger(__name__)


def resolve_mood(query: Query, pipeline: FeaturePipeline) -> Query:
    """The query with the affect of the phrase that is its mood, or of its emotion words; any other as it is.

    Raises AffectError where there is no text regressor, where it is no surer of the phrase than the prior in
    either dimension, and for a word outside its vocabulary that is one typing error away from a landmark.
    """
    if query.mood_from_words and query.text is not None and query.mood is None:
        return replace(query, mood=read_mood_of_words(query.text, pipeline))
    phrase = query.mood
    if not isinstance(phrase, str):
        return query
    if not pipeline.has_role("sentiment"):
        raise AffectError(_format_unknown_mood(phrase, "this library has no text regressor to read words by"))
    encoder = pipeline.get_encoder("sentiment")
    is_known = isinstance(encoder, VocabularyEncoder) and encoder.is_in_vocabulary(phrase)
    if suggest_landmark(phrase) and not is_known:
        raise AffectError(_format_unknown_mood(phrase, "no such word"))
    row = [round(float(value), 4) for value in pipeline.estimate_text_affect([phrase])[0]]
    if not (np.array(row[2:]) < PRIOR_SD).any():
        raise AffectError(_format_unknown_mood(phrase, "the text regressor has nothing to say of it"))
    return replace(query, mood=PhraseAffect(phrase=phrase, point=(row[0], row[1]), sds=(row[2], row[3])))


def _format_unknown_mood(phrase: str, reason: str) -> str:
    landmark = suggest_landmark(phrase)
    hint = f"; did you mean {landmark}?" if landmark else ""
    shown = phrase if len(phrase) <= MAX_PHRASE_LENGTH else f"{phrase[: MAX_PHRASE_LENGTH - 3]}..."
    return f"no mood {shown!r}: {reason}{hint}; {format_landmarks()}"


def compute_target_affect(query: Query, query_parts: Sequence[EncodedQueryPart]) -> AffectPoint | None:
    """(2,) the target of a query: its mood, else the affect of its content; None for content alone.

    Where the affect of its content is unknown, the search is by content alone, with a warning.
    """
    if query.affect_weight == 0:
        return None
    if query.target_affect is not None:
        return np.array(query.target_affect)
    affect = average_estimates(np.stack([part.affect for part in query_parts]))
    if is_missing_row(affect[None])[0]:
        log.warning("nobody can tell how this query feels; going by content alone (or name a mood: --mood)")
        return None
    return affect[:2]


def find_nearest_by_affect(
    snapshot: Snapshot,
    target: AffectPoint,
    modalities: Sequence[str],
    k: int,
    allowed_segments: Positions | None = None,
) -> Positions:
    """Segment positions, ascending: of each modality all segments as near as the k-th nearest item.

    Exact, over every segment: comparing four numbers each is faster than an index.
    """
    nearest = [np.empty(0, np.int64)]
    closeness = affinity(snapshot.affect, target)
    if allowed_segments is not None:
        is_left_out = np.ones(len(closeness), np.bool_)
        is_left_out[allowed_segments] = False
        closeness[is_left_out] = np.nan
    for modality in modalities:
        segments = np.flatnonzero(snapshot.mask_modality(modality) & ~np.isnan(closeness))
        order = segments[np.argsort(-closeness[segments], kind="stable")]
        first_of_item = np.sort(np.unique(snapshot.item_by_segment[order], return_index=True)[1])[:k]
        if len(first_of_item):
            nearest.append(order[closeness[order] >= closeness[order[first_of_item[-1]]]])
    return np.unique(np.concatenate(nearest))
