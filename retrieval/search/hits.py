"""The results of a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrieval.features import affect_to_json
from retrieval.search.segment_scores import COPY, SegmentScores
from retrieval.storage import Snapshot, round_span


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One result: an item, and its best segment.

    space_scores: in [0, 1] by space, None where a space abstained
    start, end:   of the segment, in seconds, None without time
    segment:      position of the segment in the columns of the library
    view_scores:  in [0, 1] by "space.view", of the views in which the query did not abstain
    affect:       valence and arousal with their SDs, None where they are unknown
    affect_match: in [0, 1], how well they match the mood of the query, None without one
    affect_gain:  what of the score the mood of the query's words gave or took, None without affect or such a
                  mood
    is_copy:      whether it has the content of the query's own file
    positive_score:  the score before the negatives of the query, None without any
    negative_scores: in [0, 1] by negative, how well its segment matches what is not wanted, None where that
                  is unknown
    """

    rank: int
    id: str
    path: str
    modality: str
    score: float
    space_scores: dict[str, float | None]
    start: float | None
    end: float | None
    segment: int
    view_scores: dict[str, float]
    affect: dict[str, float] | None = None
    affect_match: float | None = None
    affect_gain: float | None = None
    is_copy: bool = False
    positive_score: float | None = None
    negative_scores: dict[str, float | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect search --json`."""
        return {
            "rank": self.rank, "id": self.id, "path": self.path, "modality": self.modality,
            "score": self.score, "spaces": self.space_scores, "start": self.start, "end": self.end,
            "affect": self.affect, "mood": self.affect_match,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SearchResults:
    """The hits of a query, best first; `empty_reason` says why there are none, else it is empty."""

    hits: list[Hit]
    empty_reason: str = ""


def make_hit(rank: int, snapshot: Snapshot, segment_scores: SegmentScores, index: int, path: str) -> Hit:
    """The result of the segment at `index` of `segment_scores`, an item at `path`."""
    segment = int(segment_scores.segments[index])
    item = int(snapshot.item_by_segment[segment])
    start, end = round_span(snapshot.spans[segment])
    view_scores = {
        view: _round_score(segment_scores.view_scores[view][index])
        for view in sorted(segment_scores.view_scores)
    }
    return Hit(
        rank=rank,
        id=snapshot.get_item_id(item),
        path=path,
        modality=snapshot.get_modality(item),
        score=_round_score(segment_scores.total[index]) or 0.0,
        space_scores={
            space: _round_score(scores[index]) for space, scores in segment_scores.space_scores.items()
        },
        start=start,
        end=end,
        segment=segment,
        view_scores={view: score for view, score in view_scores.items() if score is not None},
        affect=affect_to_json(snapshot.select_affect(segment_scores.segments[index : index + 1])[0]),
        affect_match=_round_score(segment_scores.affect_match[index]),
        affect_gain=_round_score(segment_scores.affect_gain[index]),
        is_copy=bool(segment_scores.copy_level[index] == COPY),
        positive_score=None
        if segment_scores.positive_total is None
        else _round_score(segment_scores.positive_total[index]),
        negative_scores={
            text: _round_score(scores[index]) for text, scores in segment_scores.negative_scores.items()
        },
    )


def _round_score(score: float) -> float | None:
    return None if np.isnan(score) else round(float(score), 6)
