"""What is selected as emotional and what is annotated: videos, by all their captions, or single captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from encoders import AffectError
from encoders.lexicon import EMOTIONS
from experiments.lexicons.annotation import (
    AnnotatedCaption,
    annotate,
    sample_balanced,
    sort_emotional_first,
)
from experiments.lexicons.caption_files import VideoCaption, merge_by_video

Unit = Literal["video", "caption"]
Selecting = Literal["video", "caption", "none"]


@dataclass(frozen=True, kw_only=True)
class TextStatistics:
    """What annotation finds in texts: their number, and of how many the rule says emotional.

    emotions_per_text: mean number of different emotions that NRC's words name
    without_emotion:   texts that name none
    """

    texts: int
    emotional: int
    emotions_per_text: float
    without_emotion: int


@dataclass(frozen=True, kw_only=True)
class AnnotatedCaptions:
    """Captions annotated each on its own, and videos by all of their captions, in the order of ids.

    Both are the same where no video has several captions.
    """

    captions: Sequence[AnnotatedCaption]
    videos: Sequence[AnnotatedCaption]

    @property
    def has_video_ids(self) -> bool:
        """Whether it is known which captions belong to a video."""
        return all(caption.source.video_id is not None for caption in self.captions)

    def make_subsets(
        self, selecting: Selecting, annotating: Unit, *, seed: int
    ) -> dict[str, list[AnnotatedCaption]]:
        """By name, what is written: all, emotional first; without a selection in the order of the file alone.

        Selected per video, `emotional` and `neutral` hold as many videos, with all captions of each.
        """
        if selecting == "none":
            texts = self.videos if annotating == "video" else self.captions
            return {"all": [replace(text, is_emotional=None) for text in texts]}
        units = sort_emotional_first(self.videos if selecting == "video" else self.captions)
        emotional, neutral = sample_balanced(units, seed=seed)
        subsets = {
            "all": units, "emotional": emotional, "neutral": neutral, "balanced": emotional + neutral,
        }  # fmt: skip
        if annotating == selecting:
            return subsets
        return {name: self._list_captions(videos) for name, videos in subsets.items()}

    def _list_captions(self, videos: Sequence[AnnotatedCaption]) -> list[AnnotatedCaption]:
        """The captions of videos, with the videos' flag."""
        by_video: dict[str | None, list[AnnotatedCaption]] = {}
        for caption in self.captions:
            by_video.setdefault(caption.source.video_id, []).append(caption)
        return [
            replace(caption, is_emotional=video.is_emotional)
            for video in videos
            for caption in by_video[video.source.video_id]
        ]


def check_selection(selecting: Selecting, annotating: Unit, captions: Sequence[VideoCaption]) -> None:
    """Raise AffectError for videos selected by captions, or captions that no video can be selected for."""
    if selecting == "caption" and annotating == "video":
        raise AffectError("with --select caption no videos can be annotated; leave out --annotate video")
    if selecting == "video" and annotating == "caption" and any(one.video_id is None for one in captions):
        raise AffectError("captions without video ids can't be selected per video; give --select caption")


def annotate_captions(
    captions: Sequence[VideoCaption], *, threshold: float, as_reported: bool, lower_case: bool,
    on_text: Callable[[int, int], None] = lambda done, total: None,
) -> AnnotatedCaptions:  # fmt: skip
    """Annotate captions on their own and joined by video.

    on_text: called with the number of texts done and of all
    """
    videos = merge_by_video(captions)
    captions = [caption for caption in captions if caption.caption.strip()]  # lists may hold blank ones
    by_text: dict[str, AnnotatedCaption] = {}  # many captions are equal
    annotated = []
    for done, source in enumerate((*videos, *captions), start=1):
        if (text := source.caption) not in by_text:
            [by_text[text]] = annotate(
                [source], threshold=threshold, as_reported=as_reported, lower_case=lower_case
            )
        annotated.append(replace(by_text[text], source=source))
        on_text(done, len(videos) + len(captions))
    return AnnotatedCaptions(captions=annotated[len(videos) :], videos=annotated[: len(videos)])


def compute_statistics(annotated: Sequence[AnnotatedCaption]) -> TextStatistics:
    """Counts over texts as the rule judges them, at least one."""
    named = np.array([sum(text.nrc_scores[name] > 0 for name in EMOTIONS) for text in annotated])
    return TextStatistics(
        texts=len(annotated),
        emotional=sum(bool(text.is_emotional) for text in annotated),
        emotions_per_text=float(named.mean()),
        without_emotion=int((named == 0).sum()),
    )
