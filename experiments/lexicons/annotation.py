"""The emotion report's two steps: which captions are emotional, and which emotions their words name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders.lexicon import (
    COLUMNS,
    NLTK_LACKS,
    named_emotion,
    nrc_columns,
    sentiment,
    sentimental,
)
from experiments.lexicons.caption_files import Captioned

Record = dict[str, Any]
BOUND = 0.6


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """A caption with its eleven columns and what makes it emotional.

    compound: VADER's, by the package's lexicon; `compound_then` as the report had it, by nltk's copy
    vader, vader_then: whether it is sentimental by each
    keyword:  whether a keyword is in it
    emotional: vader (or vader_then, where asked as reported) or keyword
    """

    source: Captioned
    columns: Mapping[str, float]
    compound: float
    compound_then: float
    vader: bool
    vader_then: bool
    keyword: bool
    emotional: bool

    @property
    def record(self) -> Record:
        """As the released files have it."""
        about = self.source
        return {
            "video": about.video, "video_id": about.video_id, "caption": about.caption,
            "duration": about.duration, "emotion": int(self.emotional), **self.columns,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many captions there are, and how many of them are emotional by what."""

    captions: int
    vader: int
    keyword: int
    together: int


@dataclass(frozen=True, kw_only=True)
class Compared:
    """With released records: how many captions are in both, have equal columns, and the ids that do not."""

    both: int
    equal: int
    columns_differ: tuple[str, ...]
    emotion_differs: tuple[str, ...]


def annotate(
    found: Sequence[Captioned], *, bound: float = BOUND, as_reported: bool = False, lower: bool = False,
    step: Callable[[], None] = lambda: None,
) -> list[Annotated]:  # fmt: skip
    """Every caption annotated, in order; `lower` case for keywords and NRC's words, which know no other.

    step: called after each. Raises MissingBackend without the lexicons.
    """
    annotated = []
    for one in found:
        annotated.append(_annotated(one, bound, as_reported, lower))
        step()
    return annotated


def _annotated(one: Captioned, bound: float, as_reported: bool, lower: bool) -> Annotated:
    words = one.caption.lower() if lower else one.caption
    today = sentiment(one.caption)
    then = sentiment(one.caption, without=NLTK_LACKS)
    vader, vader_then, keyword = sentimental(today, bound), sentimental(then, bound), named_emotion(words)
    return Annotated(
        source=one, columns=nrc_columns(words), compound=today.compound, compound_then=then.compound,
        vader=vader, vader_then=vader_then, keyword=keyword,
        emotional=keyword or (vader_then if as_reported else vader),
    )  # fmt: skip


def counts(annotated: Sequence[Annotated], *, as_reported: bool) -> Counts:
    """By the package's lexicon, or by nltk's copy of it, as the report."""
    vader = [one.vader_then if as_reported else one.vader for one in annotated]
    return Counts(
        captions=len(annotated),
        vader=sum(vader),
        keyword=sum(one.keyword for one in annotated),
        together=sum(one.keyword or by for one, by in zip(annotated, vader, strict=True)),
    )


def ordered(annotated: Sequence[Annotated]) -> list[Annotated]:
    """Emotional ones first, those by VADER before those by keyword alone, as the report put them together."""
    return sorted(annotated, key=lambda one: (not one.emotional, one.emotional and not one.vader))


def balanced(annotated: Sequence[Annotated], *, seed: int) -> tuple[list[Annotated], list[Annotated]]:
    """As many emotional as neutral captions, the larger side drawn by seed; both in their order."""
    sides = [[one for one in annotated if one.emotional is side] for side in (True, False)]
    size = min(map(len, sides))
    rng = np.random.default_rng(seed)
    emotional, neutral = (
        [side[at] for at in np.sort(rng.choice(len(side), size, replace=False))] if size else []
        for side in sides
    )
    return emotional, neutral


def compared(annotated: Sequence[Annotated], released: Sequence[Record]) -> Compared:
    """Set against records of an earlier run by video id: the eleven columns, and the emotion flag."""
    known = {record.get("video_id"): record for record in released}
    pairs = [
        (str(one.source.video_id), one.record, known[one.source.video_id])
        for one in annotated
        if one.source.video_id in known
    ]
    unequal = [name for name, ours, theirs in pairs if any(ours[key] != theirs.get(key) for key in COLUMNS)]
    flags = [name for name, ours, theirs in pairs if ours["emotion"] != theirs.get("emotion")]
    return Compared(
        both=len(pairs),
        equal=len(pairs) - len(unequal),
        columns_differ=tuple(unequal),
        emotion_differs=tuple(flags),
    )
