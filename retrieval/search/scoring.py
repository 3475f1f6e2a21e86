"""Scores by content, a query segment at a time: cosines by view, calibrated, and fused over the spaces."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from fusion import average_views
from retrieval.features import OBJECT_SPACE, SPACE_SPECS, SPACES, make_view_name, split_view_name
from retrieval.search.calibration import LibraryCalibrations
from retrieval.search.fusion_rules import FUSION_RULES, FusedScores, FusionRule, concatenate_fused
from retrieval.search.parallel import CORE_COUNT, run_in_parallel
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQueryPart
from retrieval.search.segment_scores import (
    CopyLevels,
    SegmentScores,
    aggregate_by_item,
    mark_near_copies,
    set_copy_scores,
)
from retrieval.search.view_pooling import average_parts, pool_space_views
from retrieval.storage import MODALITIES, AnyLibrary, AnySnapshot
from spaces import Space
from spaces.joint import WORDS_VIEW, JointSpace

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.integer[Any]]

# A space trained on words like the query's, and on what the object space sees, knows what they mean where the
# object space only guesses. With equal weights exercises are found less well by their names.
IN_DOMAIN_WEIGHT = 4.0
MIN_SEGMENTS_TO_SPLIT = 200  # fewer are compared sooner than a second thread begins


@dataclass(kw_only=True)
class ContentScorer:
    """Scores the segments of one snapshot of a library."""

    library: AnyLibrary
    snapshot: AnySnapshot
    fusion_rules: Mapping[str, FusionRule] = field(default_factory=lambda: FUSION_RULES)

    @cached_property
    def _calibrations(self) -> LibraryCalibrations:
        return LibraryCalibrations(self.library, self.snapshot)

    def score(
        self, query: Query, query_parts: Sequence[EncodedQueryPart], segments: Positions
    ) -> SegmentScores:
        """Scores of `segments` for a query's parts.

        The segments of a query are scored one at a time; an item's score is the mean over them of its best
        segment's score, so that a video is compared with its own segments and not with their mean. Raises
        AffectError if the query abstains in every space that has a weight.
        """
        active_spaces = _list_active_spaces(query_parts)
        weights = self._compute_space_weights(query, active_spaces, query_parts)
        if active_spaces and not any(weights.values()):
            raise AffectError(
                f"this query says something in: {', '.join(active_spaces)}; give one of those a weight"
            )
        items = self.snapshot.item_by_segment[segments]
        cosines = [self._compute_cosines(part, segments) for part in query_parts]
        scores = [
            self._score_query_segment(
                [part.select_segment(i) for part, i in zip(query_parts, indices, strict=True)],
                [
                    {view: rows[i] for view, rows in part.items()}
                    for part, i in zip(cosines, indices, strict=True)
                ],
                weights,
                segments,
                self.fusion_rules[query.fusion],
            )
            for indices in _align_query_segments(query_parts)
        ]
        whole = scores[0] if len(scores) == 1 else aggregate_by_item(scores, items)
        return set_copy_scores(whole, items, query_parts[0].copy_index) if len(query_parts) == 1 else whole

    def _score_query_segment(
        self,
        query_parts: Sequence[EncodedQueryPart],
        cosines: Sequence[Mapping[str, Rows]],
        weights: Mapping[str, float],
        segments: Positions,
        rule: FusionRule,
    ) -> SegmentScores:
        """Scores for one segment of each part; `cosines` (n,) of each part by view."""
        cosines = [
            {view: found[view] for view in _list_active_views(part) if view in found}
            for part, found in zip(query_parts, cosines, strict=True)
        ]
        # media from several parts have no single content that a segment could be a copy of
        copies = mark_near_copies(cosines[0] if len(cosines) == 1 else {}, len(segments))
        by_part = [
            self._calibrate(part, found, copies) for part, found in zip(query_parts, cosines, strict=True)
        ]
        by_space = {space: pool_space_views(space, by_part, len(segments)) for space in SPACES}
        active = {space: by_space[space] for space in _list_active_spaces(query_parts)}
        fused = self._fuse_spaces(rule, active, weights, query_parts, segments)
        return SegmentScores(
            segments=segments,
            total=fused.total,
            mean_cosine=self._average_cosines(cosines, copies, segments, default=fused.total),
            space_scores=by_space,
            view_scores=average_parts(by_part),
            affect_match=np.full(len(segments), np.nan),
            affect_gain=np.full(len(segments), np.nan),
            copy_level=copies,
            moment_score=np.zeros(len(segments)),
            terms=fused.terms,
            log_odds=fused.log_odds,
            space_weights=weights,
        )

    def _calibrate(
        self, part: EncodedQueryPart, cosines: Mapping[str, Rows], copies: CopyLevels
    ) -> dict[str, Scores]:
        """Probabilities (n,) by view; 1 for near copies of the query."""
        scores = {
            view: self._calibrations.get(view, part.get_modality(view)).to_probabilities(row)
            for view, row in cosines.items()
        }
        return {view: np.where(copies, 1.0, row) for view, row in scores.items()} if copies.any() else scores

    def _average_cosines(
        self, cosines: Sequence[Mapping[str, Rows]], copies: CopyLevels, segments: Positions, default: Scores
    ) -> Scores:
        """(n,) mean cosine over parts and views; `default` without any.

        Near copies differ by less than float16 takes from a row's length (up to 3e-4), by which the one with
        the longer row would rank first: their cosines are those of rows brought back to length 1.
        """
        rows = [row for part in cosines for row in part.values()]
        mean = average_views(rows) if rows else default
        near = np.flatnonzero(copies)
        if len(near):
            lengths = {view: self.snapshot.views[view].compute_norms(segments[near]) for view in cosines[0]}
            mean[near] = average_views([row[near] / lengths[view] for view, row in cosines[0].items()])
        return mean

    def _compute_space_weights(
        self, query: Query, active_spaces: Iterable[str], query_parts: Sequence[EncodedQueryPart]
    ) -> dict[str, float]:
        """What each space weighs: what the query gives it, times more where it was trained on such words."""
        views = {view for part in query_parts if part.is_text for view in _list_active_views(part)}
        in_domain = {space.name for space in self.library.pipeline.spaces if _is_in_domain(space, views)}
        return {
            space: query.weights.get(space, 1.0) * (IN_DOMAIN_WEIGHT if space in in_domain else 1.0)
            for space in active_spaces
        }

    def _fuse_spaces(
        self,
        rule: FusionRule,
        scores_by_space: Mapping[str, Scores],
        weights: Mapping[str, float],
        query_parts: Sequence[EncodedQueryPart],
        segments: Positions,
    ) -> FusedScores:
        """One score a segment, NaN where all spaces abstain, with the terms it is made of.

        Each modality is fused over the spaces in which it has rows: that an image has no sound lowers none.
        """
        items = self.snapshot.item_by_segment[segments]
        prepared = {space: rule.prepare(row, items) for space, row in scores_by_space.items()}
        codes = self.snapshot.columns.modality_codes[items]
        parts: list[tuple[Positions, FusedScores]] = []
        for code, modality in enumerate(MODALITIES):
            members = np.flatnonzero(codes == code)
            if not len(members):
                continue
            own_weights = {
                space: weights[space]
                for space in prepared
                if weights[space] and self._is_comparable(space, modality, query_parts)
            }
            if own_weights:
                scores = {space: prepared[space][members] for space in own_weights}
                parts.append((members, rule.fuse(scores, own_weights)))
        return concatenate_fused(parts, len(segments))

    def _is_comparable(self, space: str, modality: str, query_parts: Sequence[EncodedQueryPart]) -> bool:
        """Whether items of a modality have rows in a view of the space that the query has."""
        return any(
            (view, modality) in self.snapshot.observed_views
            for part in query_parts
            for view in _list_active_views(part, space)
        )

    def _compute_cosines(self, part: EncodedQueryPart, segments: Positions) -> dict[str, Rows]:
        """Cosines (q, n) with the segments (q,) of a part of the query, by view, of views that both have."""
        present = {
            view: (self.snapshot.views[view], rows)
            for view, rows in part.embeddings.items()
            if view in self.snapshot.views and view in part.active_views
        }

        def compare(some: Positions) -> dict[str, Rows]:
            return {view: vectors.compute_cosines(some, rows) for view, (vectors, rows) in present.items()}

        part_count = CORE_COUNT if len(segments) >= MIN_SEGMENTS_TO_SPLIT else 1
        pieces = run_in_parallel([partial(compare, some) for some in np.array_split(segments, part_count)])
        return {view: np.concatenate([piece[view] for piece in pieces], axis=1) for view in present}


def _is_in_domain(space: Space, text_views: Collection[str]) -> bool:
    """Whether a space was trained on texts like the query's, and on what the object space reads.

    A space with a text domain has a row of a text only if that lies in the domain.
    """
    return (
        isinstance(space, JointSpace)
        and space.heads.domain is not None
        and space.name != OBJECT_SPACE
        and make_view_name(space.name, WORDS_VIEW) in text_views
        and SPACE_SPECS[OBJECT_SPACE].role in space.heads.roles
    )


def _align_query_segments(query_parts: Sequence[EncodedQueryPart]) -> list[list[int]]:
    """Indices of the segments of each part that are scored together; those of shorter parts are repeated.

    Where the parts abstain in all of them, the first is returned alone.
    """
    count = max((part.segment_count for part in query_parts), default=1)
    aligned = [[i * part.segment_count // count for part in query_parts] for i in range(count)]
    active = [
        indices
        for indices in aligned
        if any(part.select_segment(i).embeddings for part, i in zip(query_parts, indices, strict=True))
    ]
    return active or aligned[:1]


def _list_active_views(part: EncodedQueryPart, space: str | None = None) -> list[str]:
    """The views, of one space or of all, in which a part of a query does not abstain."""
    return [view for view in part.active_views if space in (None, split_view_name(view)[0])]


def _list_active_spaces(query_parts: Iterable[EncodedQueryPart]) -> list[str]:
    """The spaces in which a part of the query does not abstain."""
    return [space for space in SPACES if any(_list_active_views(part, space) for part in query_parts)]
