"""The search: candidates from every view, scored exactly by content and mood, merged over the modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from retrieval.search.affect_candidates import AffectSearch
from retrieval.search.affect_search import (
    find_sound_mood_point,
    make_mood_target,
    resolve_mood,
    score_mood,
    score_unwanted_moods,
    weigh_by_sound_mood,
)
from retrieval.search.candidates import CandidateSearch
from retrieval.search.content_and_mood import average_content_and_mood
from retrieval.search.filters import find_allowed_segments
from retrieval.search.fusion_rules import DEFAULT_FUSION, FUSION_RULES, FusionRule
from retrieval.search.hits import Hit, SearchResults
from retrieval.search.kinds import open_snapshot
from retrieval.search.merging import merge_modalities
from retrieval.search.negative_terms import apply_negatives, has_enough_left, score_absence
from retrieval.search.no_results import describe_weak_match, explain_no_results
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQueryPart, QueryEncoder
from retrieval.search.query_text import resolve_text
from retrieval.search.result_selection import list_copies, make_hits, select_best_segments
from retrieval.search.scoring import ContentScorer
from retrieval.search.segment_scores import SegmentScores
from retrieval.search.sound_moment import SoundMomentFinder
from retrieval.search.words_mood import add_affect_residual
from retrieval.storage import AnyLibrary, AnySnapshot

Positions = npt.NDArray[np.int64]

CANDIDATES_PER_RESULT = 10  # candidates per view and modality, as a multiple of k ...
MIN_CANDIDATES = 100  # ... and at least so many segments
DEEPENING_FACTOR = 4  # more candidates where negatives leave too few good ones


class Engine:
    """Answers queries over one library, and notices when another process has written to it."""

    def __init__(self, library: AnyLibrary, fusion_rules: Mapping[str, FusionRule] = FUSION_RULES) -> None:
        self.library = library
        self._fusion_rules = fusion_rules
        self._query_encoder = QueryEncoder(library)
        self.sound_moments = SoundMomentFinder(library)
        self._load_snapshot()

    def _load_snapshot(self) -> None:
        self.library.refresh_pipeline()
        if self.library.custom_heads_error:
            raise self.library.custom_heads_error
        self._snapshot: AnySnapshot = open_snapshot(self.library)
        self._candidate_search = CandidateSearch(self.library, self._snapshot)
        self._affect_search = AffectSearch(self._snapshot)
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
    def snapshot(self) -> AnySnapshot:
        """The library as last committed."""
        self._refresh_snapshot()
        return self._snapshot

    def _refresh_snapshot(self) -> None:
        if not self._snapshot.is_current():
            self._load_snapshot()

    def resolve_query(self, query: Query) -> Query:
        """The query with its text read and its mood as a point. Raises as `resolve_mood` does."""
        return resolve_mood(resolve_text(query, self.library.pipeline), self.library.pipeline)

    def search(self, query: Query) -> list[Hit]:
        """The best k items, best first. Raises MediaError or AffectError for an unusable query."""
        return self.run_query(query).hits

    def run_query(self, query: Query) -> SearchResults:
        """The same, and the reason where there are none. Raises as `search` does."""
        snapshot, query = self.snapshot, self.resolve_query(query)
        with self.library.catalog.read_transaction():  # paths are those of the snapshot
            return self._run_resolved(query, snapshot)

    def _run_resolved(self, query: Query, snapshot: AnySnapshot) -> SearchResults:
        query_parts = self._query_encoder.encode(query, snapshot)
        negatives = self._query_encoder.encode_negatives(query)
        scores = self._score_query(query, query_parts, negatives)
        return self._select_results(query, query_parts, negatives, scores)

    def run_encoded_query(
        self, query: Query, query_parts: Sequence[EncodedQueryPart], segments: Positions | None = None
    ) -> SearchResults:
        """The results of a query without mood or negatives whose parts are encoded.

        segments: positions of those to choose from; by default those that the search finds
        """
        self._refresh_snapshot()
        with self.library.catalog.read_transaction():
            if segments is None:
                scores = self._score_query(query, query_parts, {})
            else:
                scores = self._scorer.score(query, query_parts, segments)
            return self._select_results(query, query_parts, {}, scores)

    def _select_results(
        self,
        query: Query,
        query_parts: Sequence[EncodedQueryPart],
        negatives: Mapping[str, EncodedQueryPart],
        scores: SegmentScores,
    ) -> SearchResults:
        snapshot = self._snapshot
        query_items = [part.item_index for part in query_parts if part.item_index is not None]
        comparable = select_best_segments(scores, snapshot, query_items)
        best = comparable[scores.total[comparable] >= query.min_score]
        merged_list = merge_modalities(query, scores, best, snapshot)
        merged = merged_list.indices
        if not (query.names_mood or query.not_moods or negatives):  # else a copy need not be what is wanted
            merged = list(dict.fromkeys([*list_copies(scores, best), *merged]))[: query.k]
        hits = make_hits(snapshot, scores, merged)
        if hits:
            best_score = max(hit.score for hit in hits)
            return SearchResults(
                hits=hits,
                weak_match=describe_weak_match(query, best_score, scores.affect_match),
                balance=merged_list.factor,
            )
        reason = explain_no_results(
            query,
            snapshot,
            self.library,
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
        sound_moods = {text: find_sound_mood_point(text, self.library.pipeline) for text in negatives}

        def score_negatives(segments: npt.NDArray[np.integer[Any]]) -> dict[str, SegmentScores]:
            by_chance = replace(query, fusion=DEFAULT_FUSION)  # 1 - q needs a probability, not a rank
            texts = {
                text: weigh_by_sound_mood(
                    snapshot, self._scorer.score(by_chance, [part], segments), sound_moods[text]
                )
                for text, part in negatives.items()
            }
            return texts | score_unwanted_moods(snapshot, query.not_moods, segments)

        has_negatives = bool(negatives or query.not_moods)
        allowed = find_allowed_segments(query, snapshot)
        depth = self._compute_candidate_depth(query)
        if query.is_pure_negation and has_negatives:
            segments = self._find_absence_candidates(query, negatives, depth, allowed)
            return score_absence(segments, score_negatives(segments))
        while True:
            scores = self._score_positive(query, query_parts, depth, allowed)
            if not has_negatives:
                return scores
            scores = apply_negatives(scores, score_negatives(scores.segments))
            items = snapshot.item_by_segment[scores.segments]
            enough = has_enough_left(scores, items, snapshot.get_modalities(items), query.k)
            if enough or depth >= snapshot.item_count:
                return scores
            depth *= DEEPENING_FACTOR

    def _score_positive(
        self,
        query: Query,
        query_parts: Sequence[EncodedQueryPart],
        depth: int,
        allowed: npt.NDArray[np.int64] | None,
    ) -> SegmentScores:
        """Scores by content, by mood, or by both, weighted by `query.affect_weight`."""
        target = make_mood_target(query, query_parts, self._snapshot)
        present_parts = [part for part in query_parts if part.is_present]
        if target is None:
            return self._scorer.score(
                query, present_parts, self._find_content_candidates(query, present_parts, depth, allowed)
            )
        segments = self._affect_search.find(target, query.modalities, depth, allowed)
        if query.affect_weight == 1 or not query.has_content:
            return score_mood(self._snapshot, target, segments)
        both = np.union1d(segments, self._find_content_candidates(query, present_parts, depth, allowed))
        content = self._scorer.score(query, present_parts, both)
        mood = score_mood(self._snapshot, target, both)
        if query.mood_from_words and query.target_affect is not None:
            return add_affect_residual(content, mood.affect_match, query.target_affect, query.affect_weight)
        return average_content_and_mood(content, mood, query.affect_weight)

    def _find_absence_candidates(
        self,
        query: Query,
        negatives: Mapping[str, EncodedQueryPart],
        depth: int,
        allowed: Positions | None,
    ) -> Positions:
        """The nearest to the opposite of each negative; with moods that are not wanted, all segments."""
        if not query.not_moods:
            opposites = [
                {view: -rows for view, rows in part.embeddings.items()} for part in negatives.values()
            ]
            return self._candidate_search.find(opposites, query.modalities, depth, allowed)
        segments = self._snapshot.list_segments_of(query.modalities)
        return segments if allowed is None else np.intersect1d(segments, allowed, assume_unique=True)

    def _compute_candidate_depth(self, query: Query) -> int:
        return max(min(CANDIDATES_PER_RESULT * query.k, self._snapshot.item_count), MIN_CANDIDATES)

    def _find_content_candidates(
        self,
        query: Query,
        query_parts: Sequence[EncodedQueryPart],
        depth: int,
        allowed: npt.NDArray[np.int64] | None,
    ) -> Positions:
        nearest = self._candidate_search.find(
            [part.embeddings for part in query_parts], query.modalities, depth, allowed
        )
        copies = [part.copy_index for part in query_parts if part.copy_index is not None]
        wanted = [item for item in copies if self._snapshot.get_modality(item) in query.modalities]
        of_copies = np.concatenate([nearest[:0], *map(self._snapshot.list_segments, wanted)])
        if allowed is not None:
            of_copies = np.intersect1d(of_copies, allowed)
        return np.union1d(nearest, of_copies)
