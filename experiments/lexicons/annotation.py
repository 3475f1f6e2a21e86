"""The emotion report's annotation: which captions are emotional, and which emotions their words name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders import compute_nrc_columns, score_sentiment
from encoders.lexicon import NRC_COLUMNS, WORDS_NOT_IN_NLTK, has_emotion_keyword, is_sentimental
from experiments.lexicons.caption_files import VideoCaption

Record = dict[str, Any]
COMPOUND_THRESHOLD = 0.6


@dataclass(frozen=True, kw_only=True)
class AnnotatedCaption:
    """A caption with its eleven columns and the reasons it is emotional for.

    compound: VADER's score, by the package's lexicon; `compound_nltk` by nltk's copy, as in the report
    is_sentimental, is_sentimental_nltk: whether it is sentimental by each
    has_keyword: whether it contains a keyword
    is_emotional: sentimental (by nltk's copy, for annotations as reported), or with a keyword; of a caption
                  selected by its video: whether the video's captions joined are; None without a selection
    """

    source: VideoCaption
    nrc_scores: Mapping[str, float]
    compound: float
    compound_nltk: float
    is_sentimental: bool
    is_sentimental_nltk: bool
    has_keyword: bool
    is_emotional: bool | None

    @property
    def record(self) -> Record:
        """The entry in the format of the released files; sen_id and emotion only where there is one."""
        source = self.source
        return {
            "video": source.video, "video_id": source.video_id, "caption": source.caption,
            **({} if source.sen_id is None else {"sen_id": source.sen_id}),
            "duration": source.duration,
            **({} if self.is_emotional is None else {"emotion": int(self.is_emotional)}),
            **self.nrc_scores,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EmotionalCounts:
    """Number of captions, and of emotional ones by VADER, by keyword, and by either."""

    captions: int
    vader: int
    keyword: int
    together: int


@dataclass(frozen=True, kw_only=True)
class RecordComparison:
    """Number of captions also in released records, and with equal columns; the ids of those that differ."""

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
    """All captions annotated, in order.

    lower_case: whether captions are lower-cased for keywords and NRC's words, which are in lower case
    on_caption: called after each

    Raises MissingBackendError without the lexicons.
    """
    annotated = []
    for caption in captions:
        annotated.append(_annotate_caption(caption, threshold, as_reported, lower_case))
        on_caption()
    return annotated


def _annotate_caption(
    caption: VideoCaption, threshold: float, as_reported: bool, lower_case: bool
) -> AnnotatedCaption:
    words = caption.caption.lower() if lower_case else caption.caption
    sentiment = score_sentiment(caption.caption)
    nltk_sentiment = score_sentiment(caption.caption, excluded_words=WORDS_NOT_IN_NLTK)
    sentimental = is_sentimental(sentiment, threshold)
    sentimental_nltk = is_sentimental(nltk_sentiment, threshold)
    has_keyword = has_emotion_keyword(words)
    return AnnotatedCaption(
        source=caption,
        nrc_scores=compute_nrc_columns(words),
        compound=sentiment.compound,
        compound_nltk=nltk_sentiment.compound,
        is_sentimental=sentimental,
        is_sentimental_nltk=sentimental_nltk,
        has_keyword=has_keyword,
        is_emotional=has_keyword or (sentimental_nltk if as_reported else sentimental),
    )


def count_emotional(annotated: Sequence[AnnotatedCaption], *, as_reported: bool) -> EmotionalCounts:
    """Counts by the package's lexicon, or by nltk's copy of it, as in the report."""
    vader = [caption.is_sentimental_nltk if as_reported else caption.is_sentimental for caption in annotated]
    keyword = [caption.has_keyword for caption in annotated]
    return EmotionalCounts(
        captions=len(annotated),
        vader=sum(vader),
        keyword=sum(keyword),
        together=sum(map(any, zip(vader, keyword, strict=True))),
    )


def sort_emotional_first(annotated: Sequence[AnnotatedCaption]) -> list[AnnotatedCaption]:
    """Emotional captions first, those by VADER before those by keyword alone, as in the report."""
    return sorted(
        annotated,
        key=lambda caption: (
            not caption.is_emotional,
            caption.is_emotional and not caption.is_sentimental,
        ),
    )


def sample_balanced(
    annotated: Sequence[AnnotatedCaption], *, seed: int
) -> tuple[list[AnnotatedCaption], list[AnnotatedCaption]]:
    """As many emotional as neutral captions, the larger class sampled by seed; both in their order."""
    classes = [
        [caption for caption in annotated if caption.is_emotional is is_emotional]
        for is_emotional in (True, False)
    ]
    size = min(map(len, classes))
    rng = np.random.default_rng(seed)
    emotional, neutral = (
        [captions[i] for i in np.sort(rng.choice(len(captions), size, replace=False))] if size else []
        for captions in classes
    )
    return emotional, neutral


def compare_records(annotated: Sequence[AnnotatedCaption], released: Sequence[Record]) -> RecordComparison:
    """Comparison with records of an earlier run: the eleven columns, and the emotion flag where both have it.

    Records are paired by video id; those of single captions, which have a sen_id, by their caption too.
    """
    per_caption = any(caption.source.sen_id is not None for caption in annotated)
    released_by_key = {_make_key(record, per_caption): record for record in released}
    pairs = [
        (str(caption.source.video_id), record, released_by_key[key])
        for caption in annotated
        if (key := _make_key(record := caption.record, per_caption)) in released_by_key
    ]
    columns_differ = [
        name for name, ours, theirs in pairs if any(ours[key] != theirs.get(key) for key in NRC_COLUMNS)
    ]
    emotion_differs = [
        name for name, ours, theirs in pairs if "emotion" in ours and ours["emotion"] != theirs.get("emotion")
    ]
    return RecordComparison(
        both=len(pairs),
        equal=len(pairs) - len(columns_differ),
        columns_differ=tuple(columns_differ),
        emotion_differs=tuple(emotion_differs),
    )


def _make_key(record: Record, per_caption: bool) -> tuple[Any, ...]:
    return (record.get("video_id"), *([str(record.get("caption")).strip()] if per_caption else []))
