"""The search: candidates from every view, scored exactly by content and mood, merged over the modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt

from fusion import balanced_merge, fuse_scores
from retrieval.search.affect_search import (
    find_nearest_by_affect,
    make_mood_target,
    resolve_mood,
    score_unwanted_moods,
)
from retrieval.search.candidates import CandidateSearch
from retrieval.search.hits import Hit, SearchResults, make_hit
from retrieval.search.mood_targets import MoodTarget
from retrieval.search.negative_terms import apply_negatives, has_enough_left, score_absence
from retrieval.search.no_results import explain_no_results
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQueryPart, QueryEncoder
from retrieval.search.query_text import resolve_text
from retrieval.search.scoring import MISSING_DISCOUNT, ContentScorer
from retrieval.search.segment_scores import SegmentScores, make_scores_without_content
from retrieval.search.words_mood import add_affect_residual
from retrieval.storage import Library, Snapshot, load_snapshot

Positions = npt.NDArray[np.int64]

CANDIDATES_PER_RESULT = 10  # candidates per view and modality, as a multiple of k ...
MIN_CANDIDATES = 200  # ... and at least so many segments
DEEPENING_FACTOR = 4  # more candidates where negatives leave too few good ones
MIN_DISTANCE = 0.1
"""Least distance of a result from the query where lists are merged: what scores .9 or more is right .93 to
.95 of the time in each modality (`python -m experiments.bench reliability`)."""


class Engine:
    """Answers queries over one library, and notices when another process has written to it."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._query_encoder = QueryEncoder(library)
        self._load_snapshot()

    def _load_snapshot(self) -> None:
        self.library.refresh_pipeline()
        if self.library.custom_heads_error:
            raise self.library.custom_heads_error
        self._snapshot = load_snapshot(self.library)
        self._candidate_search = CandidateSearch(self.library, self._snapshot)
        self._scorer = ContentScorer(library=self.library, snapshot=self._snapshot)

    def __enter__(self) -> Self:
        """Use as a context, to end the decoder process when done."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End the decoder process."""
        self._query_encoder.close()

    @property
    def snapshot(self) -> Snapshot:
        """The library as last committed."""
        if self.library.catalog.get_version() != self._snapshot.catalog_version:
            self._load_snapshot()
        return self._snapshot

    def resolve_query(self, query: Query) -> Query:
        """The query with its text read and its mood as a point. Raises as `resolve_mood` does."""
        return resolve_mood(resolve_text(query, self.library.pipeline), self.library.pipeline)

    def search(self, query: Query) -> list[Hit]:
        """The best k items, best first. Raises MediaError or AffectError for an unusable query."""
        return self.run_query(query).hits

    def run_query(self, query: Query) -> SearchResults:
        """The same, and the reason where there are none. Raises as `search` does."""
        snapshot, query = self.snapshot, self.resolve_query(query)
        query_parts = self._query_encoder.encode(query, snapshot)
        negatives = self._query_encoder.encode_negatives(query)
        scores = self._score_query(query, query_parts, negatives)
        query_items = [part.item_index for part in query_parts if part.item_index is not None]
        comparable = _select_best_segments(scores, snapshot, query_items)
        best = comparable[scores.total[comparable] >= query.min_score]
        merged = _merge_modalities(query, scores, best, snapshot)
        if not (
            query.names_mood or negatives or query.not_moods
        ):  # else a copy of the query's file need not be what is wanted
            merged = list(dict.fromkeys([*_list_copies(scores, best), *merged]))[: query.k]
        hits = [make_hit(rank, snapshot, scores, index) for rank, index in enumerate(merged, 1)]
        if hits:
            return SearchResults(hits=hits)
        reason = explain_no_results(
            query,
            snapshot,
            self.library.folder,
            is_present=any(part.is_present for part in [*query_parts, *negatives.values()]),
            best_score=float(scores.total[comparable].max()) if len(comparable) else None,
        )
        return SearchResults(hits=[], empty_reason=reason)

    def _score_query(
        self,
        query: Query,
        query_parts: Sequence[EncodedQueryPart],
        negatives: Mapping[str, EncodedQueryPart],
    ) -> SegmentScores:
        """Scores of what is wanted, times those of the absence of what is not, over as many candidates as
        leave k good ones."""
        snapshot = self._snapshot

        def score_negatives(segments: Positions) -> dict[str, SegmentScores]:
            texts = {text: self._scorer.score(query, [part], segments) for text, part in negatives.items()}
            return texts | score_unwanted_moods(snapshot, query.not_moods, segments)

        has_negatives = bool(negatives or query.not_moods)
        if query.is_pure_negation and has_negatives:
            is_wanted = np.isin(snapshot.item_modalities, query.modalities)[snapshot.item_by_segment]
            segments = np.flatnonzero(is_wanted)
            return score_absence(segments, score_negatives(segments))
        depth = self._compute_candidate_depth(query)
        while True:
            scores = self._score_positive(query, query_parts, depth)
            if not has_negatives:
                return scores
            scores = apply_negatives(scores, score_negatives(scores.segments))
            items = snapshot.item_by_segment[scores.segments]
            enough = has_enough_left(scores, items, snapshot.item_modalities[items], query.k)
            if enough or depth >= len(snapshot.item_ids):
                return scores
            depth *= DEEPENING_FACTOR

    def _score_positive(
        self, query: Query, query_parts: Sequence[EncodedQueryPart], depth: int
    ) -> SegmentScores:
        """Scores by content, by mood, or by both, weighted by `query.affect_weight`."""
        target = make_mood_target(query, query_parts, self._snapshot)
        present_parts = [part for part in query_parts if part.is_present]
        if target is None:
            return self._scorer.score(
                query, present_parts, self._find_content_candidates(query, present_parts, depth)
            )
        segments = find_nearest_by_affect(self._snapshot, target, query.modalities, depth)
        if query.affect_weight == 1 or not query.has_content:
            return self._score_by_affect(target, segments)
        both = np.union1d(segments, self._find_content_candidates(query, present_parts, depth))
        content, mood = self._scorer.score(query, present_parts, both), self._score_by_affect(target, both)
        if query.mood_from_words and query.target_affect is not None:
            return add_affect_residual(content, mood.affect_match, query.target_affect, query.affect_weight)
        total = fuse_scores(
            {"content": content.total, "mood": mood.total},
            {"content": 1 - query.affect_weight, "mood": query.affect_weight},
            MISSING_DISCOUNT,
        )
        return replace(content, total=total, affect_match=mood.affect_match)

    def _score_by_affect(self, target: MoodTarget, segments: Positions) -> SegmentScores:
        mood = target.score(self._snapshot, segments)
        return make_scores_without_content(segments, total=mood, mean_cosine=mood, affect_match=mood)

    def _compute_candidate_depth(self, query: Query) -> int:
        return max(min(CANDIDATES_PER_RESULT * query.k, len(self._snapshot.item_ids)), MIN_CANDIDATES)

    def _find_content_candidates(
        self, query: Query, query_parts: Sequence[EncodedQueryPart], depth: int
    ) -> Positions:
        nearest = self._candidate_search.find(
            [part.embeddings for part in query_parts], query.modalities, depth
        )
        copies = [part.copy_index for part in query_parts if part.copy_index is not None]
        wanted = [item for item in copies if self._snapshot.item_modalities[item] in query.modalities]
        return np.union1d(nearest, np.concatenate([nearest[:0], *map(self._snapshot.list_segments, wanted)]))


def _select_best_segments(
    segment_scores: SegmentScores, snapshot: Snapshot, excluded_items: Sequence[int]
) -> Positions:
    """Indices into `segment_scores` of each item's best segment, best first, without excluded items."""
    items = snapshot.item_by_segment[segment_scores.segments]
    keys = (
        segment_scores.segments,
        -segment_scores.moment_score,
        items,
        -segment_scores.mean_cosine,
        -segment_scores.total,
    )
    order = np.lexsort(keys)  # items are in order of id
    order = order[~np.isnan(segment_scores.total[order]) & ~np.isin(items[order], excluded_items)]
    first = np.unique(items[order], return_index=True)[1]
    return np.asarray(order[np.sort(first)])


def _list_copies(segment_scores: SegmentScores, best: Positions) -> list[int]:
    """Those of `best` that are copies of the query's file: the same content first, then other encodings."""
    copies = best[segment_scores.copy_level[best] > 0]
    return [
        int(at)
        for at in copies[
            np.lexsort((-segment_scores.mean_cosine[copies], -segment_scores.copy_level[copies]))
        ]
    ]


def _merge_modalities(
    query: Query, segment_scores: SegmentScores, best: Positions, snapshot: Snapshot
) -> list[int]:
    """The k indices into `segment_scores` to show: a list a modality, merged by the balanced heuristic.

    Multiplying hardly demotes a distance near 0, so that sounds sure of themselves would all be shown before
    a photo that is right as well. Sure results of all modalities are a tie, see MIN_DISTANCE, and take turns
    in the order of the query's modalities.
    """
    if query.balance == 1:
        return [int(at) for at in best[: query.k]]
    modalities = snapshot.item_modalities[snapshot.item_by_segment[segment_scores.segments[best]]]
    lists = [best[modalities == modality] for modality in query.modalities]
    distances = [np.maximum(1 - segment_scores.total[indices], MIN_DISTANCE) for indices in lists]
    list_numbers, places = balanced_merge(distances, min(query.k, len(best)), query.balance)
    return [int(lists[number][place]) for number, place in zip(list_numbers, places, strict=True)]
