"""The emotion report's two steps: which captions are emotional, and which emotions their words name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders.lexicon import (
    NRC_COLUMNS,
    WORDS_NOT_IN_NLTK,
    compute_nrc_columns,
    has_emotion_keyword,
    is_sentimental,
    score_sentiment,
)
from experiments.lexicons.caption_files import VideoCaption

Record = dict[str, Any]
COMPOUND_THRESHOLD = 0.6


@dataclass(frozen=True, kw_only=True)
class AnnotatedCaption:
    """A caption with its eleven columns and what makes it emotional.

    compound: VADER's, by the package's lexicon; `compound_nltk` as the report had it, by nltk's copy
    is_sentimental, is_sentimental_nltk: whether it is sentimental by each
    has_keyword: whether a keyword is in it
    is_emotional: vader (or vader_then, where asked as reported) or keyword
    """

    source: VideoCaption
    nrc_scores: Mapping[str, float]
    compound: float
    compound_nltk: float
    is_sentimental: bool
    is_sentimental_nltk: bool
    has_keyword: bool
    is_emotional: bool

    @property
    def record(self) -> Record:
        """As the released files have it."""
        about = self.source
        return {
            "video": about.video, "video_id": about.video_id, "caption": about.caption,
            "duration": about.duration, "emotion": int(self.is_emotional), **self.nrc_scores,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EmotionalCounts:
    """How many captions there are, and how many of them are emotional by what."""

    captions: int
    vader: int
    keyword: int
    together: int


@dataclass(frozen=True, kw_only=True)
class RecordComparison:
    """With released records: how many captions are in both, have equal columns, and the ids that do not."""

    both: int
    equal: int
    columns_differ: tuple[str, ...]
    emotion_differs: tuple[str, ...]


def annotate(
    captions: Sequence[VideoCaption],
    *,
    threshold: float = COMPOUND_THRESHOLD,
    as_reported: bool = False,
    lower_case: bool = False,
    on_caption: Callable[[], None] = lambda: None,
) -> list[AnnotatedCaption]:
    """Every caption annotated, in order; `lower_case` case for keywords and NRC's words, which know no other.

    on_caption: called after each. Raises MissingBackendError without the lexicons.
    """
    annotated = []
    for one in captions:
        annotated.append(_annotate_caption(one, threshold, as_reported, lower_case))
        on_caption()
    return annotated


def _annotate_caption(
    caption: VideoCaption, threshold: float, as_reported: bool, lower_case: bool
) -> AnnotatedCaption:
    words = caption.caption.lower() if lower_case else caption.caption
    today = score_sentiment(caption.caption)
    then = score_sentiment(caption.caption, excluded_words=WORDS_NOT_IN_NLTK)
    vader, vader_then, keyword = (
        is_sentimental(today, threshold),
        is_sentimental(then, threshold),
        has_emotion_keyword(words),
    )
    return AnnotatedCaption(
        source=caption,
        nrc_scores=compute_nrc_columns(words),
        compound=today.compound,
        compound_nltk=then.compound,
        is_sentimental=vader,
        is_sentimental_nltk=vader_then,
        has_keyword=keyword,
        is_emotional=keyword or (vader_then if as_reported else vader),
    )


def count_emotional(annotated: Sequence[AnnotatedCaption], *, as_reported: bool) -> EmotionalCounts:
    """By the package's lexicon, or by nltk's copy of it, as the report."""
    vader = [one.is_sentimental_nltk if as_reported else one.is_sentimental for one in annotated]
    return EmotionalCounts(
        captions=len(annotated),
        vader=sum(vader),
        keyword=sum(one.has_keyword for one in annotated),
        together=sum(one.has_keyword or by for one, by in zip(annotated, vader, strict=True)),
    )


def sort_emotional_first(annotated: Sequence[AnnotatedCaption]) -> list[AnnotatedCaption]:
    """Emotional ones first, those by VADER before those by keyword alone, as the report put them together."""
    return sorted(
        annotated, key=lambda one: (not one.is_emotional, one.is_emotional and not one.is_sentimental)
    )


def sample_balanced(
    annotated: Sequence[AnnotatedCaption], *, seed: int
) -> tuple[list[AnnotatedCaption], list[AnnotatedCaption]]:
    """As many emotional as neutral captions, the larger side drawn by seed; both in their order."""
    sides = [[one for one in annotated if one.is_emotional is side] for side in (True, False)]
    size = min(map(len, sides))
    rng = np.random.default_rng(seed)
    emotional, neutral = (
        [side[at] for at in np.sort(rng.choice(len(side), size, replace=False))] if size else []
        for side in sides
    )
    return emotional, neutral


def compare_records(annotated: Sequence[AnnotatedCaption], released: Sequence[Record]) -> RecordComparison:
    """Set against records of an earlier run by video id: the eleven columns, and the emotion flag."""
    known = {record.get("video_id"): record for record in released}
    pairs = [
        (str(one.source.video_id), one.record, known[one.source.video_id])
        for one in annotated
        if one.source.video_id in known
    ]
    unequal = [
        name for name, ours, theirs in pairs if any(ours[key] != theirs.get(key) for key in NRC_COLUMNS)
    ]
    flags = [name for name, ours, theirs in pairs if ours["emotion"] != theirs.get("emotion")]
    return RecordComparison(
        both=len(pairs),
        equal=len(pairs) - len(unequal),
        columns_differ=tuple(unequal),
        emotion_differs=tuple(flags),
    )
