"""The mood that the words of a query name, and how it moves the scores of the content: a gated residual.

The gate of the query: a text without an emotion word has no mood, and its results are those of its content.
The gate of an item: the less certain its affect is, the less its score moves; without affect it stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from encoders import AffectError, score_sentiment, tokenize_for_nrc
from fusion import move_log_odds
from retrieval.features import FeaturePipeline
from retrieval.search.query_moods import PhraseAffect
from retrieval.search.segment_scores import SegmentScores
from spaces.circumplex import LANDMARK_SYNONYMS, LANDMARKS, PRIOR_SD, compute_prior_affinity

MIN_WORD_SENTIMENT = 0.4  # |compound| by VADER from which a word counts as one of emotion
RESIDUAL_STRENGTH = 1.0
"""Log-odds a unit of affinity with the dial in the middle: the largest of 1, 1.5 and 2 at which queries with
an emotion word lose no R@10 beyond its interval: OASIS' photos by theme -0.1 (-0.7 to +0.5), at 1.5 -1.0
(-1.9 to -0.1). By `python -m experiments.emotions dial`, with the affect of version 0.2; now -0.2 (-0.9 to
+0.4)."""


def read_mood_of_words(text: str, pipeline: FeaturePipeline) -> PhraseAffect | None:
    """The affect of a text's emotion words, by the text regressor; None where it has none.

    None too where the regressor is no surer than the prior, and where VADER, which reads negations, takes the
    whole text to be of the opposite valence, as of "not sad at all". Raises AffectError where the library has
    no text regressor.
    """
    if not pipeline.has_role("sentiment"):
        raise AffectError("this library has no text regressor to read the mood of words by")
    words = " ".join(find_emotion_words(text))
    if not words:
        return None
    row = [round(float(value), 4) for value in pipeline.estimate_query_affect([words])[0]]
    if not (np.array(row[2:]) < PRIOR_SD).any() or score_sentiment(text).compound * row[0] < 0:
        return None
    return PhraseAffect(phrase=words, point=(row[0], row[1]), sds=(row[2], row[3]))


def find_emotion_words(text: str) -> list[str]:
    """The words of a text, in lower case, that are landmarks of the plane or of clear sentiment by VADER."""
    return [
        word
        for word in tokenize_for_nrc(text.lower())
        if word in LANDMARKS
        or word in LANDMARK_SYNONYMS
        or abs(score_sentiment(word).compound) >= MIN_WORD_SENTIMENT
    ]


def add_affect_residual(
    content: SegmentScores, affinities: npt.NDArray[np.float64], target: npt.ArrayLike, dial: float
) -> SegmentScores:
    """Scores of content, log-odds moved by dial / (1 - dial) * RESIDUAL_STRENGTH * (affinity - prior).

    affinities: (n,) to the target (2,), by `affinity`, which weighs estimates by their SDs
    dial: at least 0 and below 1

    The prior is the affinity of an item of which nothing is known, so that an uncertain estimate moves a
    score little. A segment without affect keeps its score: the mood speaks neither for nor against it.
    """
    strength = RESIDUAL_STRENGTH * dial / (1 - dial)
    total = move_log_odds(content.total, strength * (affinities - compute_prior_affinity(target)))
    gain = np.where(np.isnan(affinities), np.nan, total - content.total)
    return replace(content, total=total, affect_match=affinities, affect_gain=gain)
