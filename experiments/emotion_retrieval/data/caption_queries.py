"""A test set of captions and videos, and the sets of queries that are reported apart."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.lexicon import EMOTIONS
from experiments.emotion_retrieval.data.records import read_records
from retrieval.evaluation import Evaluation
from retrieval.evaluation.direction_result import DirectionResult

Mask = npt.NDArray[np.bool_]

ALL, WITH_EMOTION, WITHOUT_EMOTION = "all", "with emotion", "without emotion"
EMOTIONAL, NEUTRAL = "emotional", "neutral"  # by the flag of the records, such as the report's 34
QUERY_SETS = (ALL, WITH_EMOTION, WITHOUT_EMOTION, EMOTIONAL, NEUTRAL)


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionQueries:
    """Captions (n,), the video of each (n,), their emotions (n, 8) in the order of EMOTIONS.

    is_emotional: (n,) the flag of the records, by the report's rule; None where they have none
    digest:       of the records
    """

    texts: tuple[str, ...]
    video_ids: tuple[str, ...]
    emotions: Rows
    is_emotional: Mask | None
    digest: str

    def select_videos(self, video_ids: Collection[str]) -> CaptionQueries:
        """The captions of some of the videos, in their order here."""
        mask = np.array([video in video_ids for video in self.video_ids], bool)
        return replace(
            self,
            texts=tuple(compress(self.texts, mask)),
            video_ids=tuple(compress(self.video_ids, mask)),
            emotions=self.emotions[mask],
            is_emotional=None if self.is_emotional is None else self.is_emotional[mask],
        )

    @property
    def caption_ids(self) -> tuple[str, ...]:
        """(n,) "video#0", "video#1", ..., in the order of each video's captions."""
        seen: dict[str, int] = {}
        names = []
        for video in self.video_ids:
            names.append(f"{video}#{seen.setdefault(video, 0)}")
            seen[video] += 1
        return tuple(names)

    def order_emotions(self, order: tuple[str, ...]) -> Rows:
        """(n, emotions) with the columns in another order. Raises ValueError for an unknown emotion."""
        return self.emotions[:, [EMOTIONS.index(name) for name in order]]

    @property
    def masks(self) -> Mapping[str, Mask]:
        """(n,) by name of the query set; those that are empty are left out."""
        has_emotion = np.asarray(self.emotions.any(axis=1))
        masks = {
            ALL: np.ones(len(self.texts), bool),
            WITH_EMOTION: has_emotion,
            WITHOUT_EMOTION: ~has_emotion,
        }
        if self.is_emotional is not None:
            masks |= {EMOTIONAL: self.is_emotional, NEUTRAL: ~self.is_emotional}
        return {name: mask for name, mask in masks.items() if mask.any()}

    def select_directions(self, evaluation: Evaluation) -> dict[str, dict[str, DirectionResult]]:
        """By query set and direction, the results of its queries.

        The queries of video to text are the videos with a caption of the set: of several captions a video
        may be in two sets.
        """
        captions, videos = np.array(self.caption_ids), np.array(self.video_ids)
        return {
            name: {
                "T2V": evaluation.t2v.select_queries(captions[mask].tolist()),
                "V2T": evaluation.v2t.select_queries(set(videos[mask].tolist())),
            }
            for name, mask in self.masks.items()
        }


def read_captions(path: Path) -> CaptionQueries:
    """The captions of a file of records, with emotions counted where it has none. Raises AffectError."""
    records = read_records(path)
    flags = [record.emotion for record in records]
    return CaptionQueries(
        texts=tuple(record.caption for record in records),
        video_ids=tuple(record.video_id for record in records),
        emotions=np.array([record.counts for record in records], np.float32),
        is_emotional=None if None in flags else np.array(flags, bool),
        digest=hashlib.sha256(repr(records).encode()).hexdigest(),
    )
