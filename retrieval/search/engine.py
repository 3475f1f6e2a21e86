"""The search: candidates from every view, scored exactly by content and mood, merged over the modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt

from retrieval.search.affect_search import (
    AffectPoint,
    compute_target_affect,
    find_nearest_by_affect,
    resolve_mood,
)
from retrieval.search.candidates import CandidateSearch
from retrieval.search.content_and_mood import MOOD_TERM, average_content_and_mood
from retrieval.search.fusion_rules import DEFAULT_FUSION, FUSION_RULES, FusionRule
from retrieval.search.hits import Hit, SearchResults, make_hit
from retrieval.search.merging import merge_modalities
from retrieval.search.negative_terms import apply_negatives, has_enough_left, score_absence
from retrieval.search.no_results import describe_weak_match, explain_no_results
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQueryPart, QueryEncoder
from retrieval.search.query_text import resolve_text
from retrieval.search.scoring import ContentScorer
from retrieval.search.segment_scores import SegmentScores, make_scores_without_content
from retrieval.search.words_mood import add_affect_residual
from retrieval.storage import Library, Snapshot, load_snapshot
from spaces.circumplex import affinity

Positions = npt.NDArray[np.int64]

CANDIDATES_PER_RESULT = 10  # candidates per view and modality, as a multiple of k ...
MIN_CANDIDATES = 200  # ... and at least so many segments
DEEPENING_FACTOR = 4  # more candidates where negatives leave too few good ones


class Engine:
    """Answers queries over one library, and notices when another process has written to it."""

    def __init__(self, library: Library, fusion_rules: Mapping[str, FusionRule] = FUSION_RULES) -> None:
        self.library = library
        self._fusion_rules = fusion_rules
        self._query_encoder = QueryEncoder(library)
        self._load_snapshot()

    def _load_snapshot(self) -> None:
        self.library.refresh_pipeline()
        if self.library.custom_heads_error:
            raise self.library.custom_heads_error
        self._snapshot = load_snapshot(self.library)
        self._candidate_search = CandidateSearch(self.library, self._snapshot)
        self._scorer = ContentScorer(
            library=self.library, snapshot=self._snapshot, fusion_rules=self._fusion_rules
        )

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
        merged_list = merge_modalities(query, scores, best, snapshot)
        merged = merged_list.indices
        if query.mood is None and not negatives:  # else a copy of the query's file need not be what is wanted
            merged = list(dict.fromkeys([*_list_copies(scores, best), *merged]))[: query.k]
        hits = [make_hit(rank, snapshot, scores, index) for rank, index in enumerate(merged, 1)]
        if hits:
            best_score = max(hit.score for hit in hits)
            return SearchResults(
                hits=hits,
                weak_match=describe_weak_match(query, best_score),
                balance=merged_list.factor,
                exposure=merged_list.exposure,
            )
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
            by_chance = replace(query, fusion=DEFAULT_FUSION)  # 1 - q needs a probability, not a rank
            return {text: self._scorer.score(by_chance, [part], segments) for text, part in negatives.items()}

        if query.is_pure_negation and negatives:
            is_wanted = np.isin(snapshot.item_modalities, query.modalities)[snapshot.item_by_segment]
            segments = np.flatnonzero(is_wanted)
            return score_absence(segments, score_negatives(segments))
        depth = self._compute_candidate_depth(query)
        while True:
            scores = self._score_positive(query, query_parts, depth)
            if not negatives:
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
        target = compute_target_affect(query, query_parts)
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
        if query.mood_from_words:
            return add_affect_residual(content, mood.affect_match, target, query.affect_weight)
        return average_content_and_mood(content, mood, query.affect_weight)

    def _score_by_affect(self, target: AffectPoint, segments: Positions) -> SegmentScores:
        mood = affinity(self._snapshot.select_affect(segments), target)
        return make_scores_without_content(
            segments, mood, mean_cosine=mood, term=MOOD_TERM, affect_match=mood
        )

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
