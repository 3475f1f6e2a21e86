"""The results of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusion import compute_exposure_shares
from retrieval.features import affect_to_json
from retrieval.search.segment_scores import COPY, Scores, SegmentScores
from retrieval.storage import MODALITIES, AnySnapshot, round_span


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
    terms:        by name, what the score before the mood of words and the negatives is the sum of
    log_odds:     by name, what the log-odds of the content are the sum of, if it is fused by learned weights
    space_weights: of the spaces in which the query did not abstain
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
    terms: dict[str, float] = field(default_factory=dict)
    log_odds: dict[str, float] = field(default_factory=dict)
    space_weights: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect search --json`."""
        return {
            "rank": self.rank, "id": self.id, "path": self.path, "modality": self.modality,
            "score": self.score, "spaces": self.space_scores, "start": self.start, "end": self.end,
            "affect": self.affect, "mood": self.affect_match,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SearchResults:
    """The hits of a query, best first.

    empty_reason: why there are none; empty where there are
    weak_match:   that none matches well; empty where one does, or scores are no chances of a match
    balance:      the factor c by which modalities are merged
    """

    hits: list[Hit]
    empty_reason: str = ""
    weak_match: str = ""
    balance: float = 1.0

    @property
    def exposure(self) -> dict[str, float]:
        """The share of each modality in the exposure of the hits, see `fusion.exposure`; empty without."""
        numbers = [MODALITIES.index(hit.modality) for hit in self.hits]
        if not numbers:
            return {}
        shares = compute_exposure_shares(numbers, len(MODALITIES)).round(4).tolist()
        return dict(zip(MODALITIES, shares, strict=True))

    @property
    def note(self) -> str:
        """What is to be said of the results as a whole."""
        return self.empty_reason or self.weak_match


def make_hit(rank: int, snapshot: AnySnapshot, segment_scores: SegmentScores, index: int, path: str) -> Hit:
    """The result of the segment at `index` of `segment_scores`, an item at `path`."""
    segment = int(segment_scores.segments[index])
    item = int(snapshot.item_by_segment[segment])
    start, end = round_span(snapshot.select_spans(segment_scores.segments[index : index + 1])[0])
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
        view_scores=_round_known(segment_scores.view_scores, index),
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
        terms=_round_known(segment_scores.terms, index),
        log_odds=_round_known(segment_scores.log_odds, index),
        space_weights=dict(segment_scores.space_weights),
    )


def _round_known(scores_by_name: Mapping[str, Scores], index: int) -> dict[str, float]:
    """The values at `index` by name, in order of the names, without those that are missing."""
    rounded = {name: _round_score(scores_by_name[name][index]) for name in sorted(scores_by_name)}
    return {name: score for name, score in rounded.items() if score is not None}


def _round_score(score: float) -> float | None:
    value = float(score)
    return None if math.isnan(value) else round(value, 6)
