"""Scores by content: cosines in every view, calibrated, fused over the spaces, segment by segment of what is
asked with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, is_missing_row
from fusion.late_fusion import Calibration, average_views, fuse_scores
from retrieval.features.spaces import OBJECT_SPACE, SPACE_SPECS, SPACES, make_view_name, split_view_name
from retrieval.search import calibration
from retrieval.search.query import Query
from retrieval.search.query_encoder import EncodedQuery
from retrieval.search.segment_scores import (
    SegmentScores,
    aggregate_by_item,
    mark_near_copies,
    set_copy_scores,
)
from retrieval.storage.library import Library
from retrieval.storage.snapshot import Snapshot
from spaces.joint.space import WORDS_VIEW, JointSpace

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

MISSING_DISCOUNT = (
    0.5  # marks an item down for a space in which only the query spoke; see fusion.late_fusion.fuse_scores
)
# A space that was taught words like the query's, and sees what the object space sees, knows what they mean
# where that only guesses. With the guess weighing as much, exercises are found worse by their names.
IN_DOMAIN_WEIGHT = 4.0


@dataclass(kw_only=True)
class ContentScorer:
    """Scores the segments of one snapshot of a library."""

    library: Library
    snapshot: Snapshot
    _calibrations: dict[str, Calibration] = field(default_factory=dict)

    def score(self, query: Query, query_parts: Sequence[EncodedQuery], segments: Positions) -> SegmentScores:
        """Of a query's parts. Raises AffectError if it speaks in no space that has a weight.

        Parts of several segments make as many questions; an item's score is the mean over the questions of
        its best segment's, so that a video meets its own segments and not their mean.
        """
        active_spaces = [
            space for space in SPACES if any(_list_active_views(part, space) for part in query_parts)
        ]
        weights = self._compute_space_weights(query, active_spaces, query_parts)
        if active_spaces and not any(weights.values()):
            raise AffectError(
                f"this query says something in: {', '.join(active_spaces)}; give one of those a weight"
            )
        items = self.snapshot.item_by_segment[segments]
        cosines = [self._compute_cosines(part, segments) for part in query_parts]
        questions = [
            self._score_query_segment(
                [part.select_segment(at) for part, at in zip(query_parts, places, strict=True)],
                [
                    {view: rows[at] for view, rows in one.items()}
                    for one, at in zip(cosines, places, strict=True)
                ],
                weights,
                segments,
            )
            for places in _align_query_segments(query_parts)
        ]
        found = questions[0] if len(questions) == 1 else aggregate_by_item(questions, items)
        return set_copy_scores(found, items, query_parts[0].copy_index) if len(query_parts) == 1 else found

    def _score_query_segment(
        self,
        query_parts: Sequence[EncodedQuery],
        cosines: Sequence[Mapping[str, Rows]],
        weights: Mapping[str, float],
        segments: Positions,
    ) -> SegmentScores:
        """Of parts of one segment each."""
        cosines = [
            {view: found[view] for view in _list_active_views(part) if view in found}
            for part, found in zip(query_parts, cosines, strict=True)
        ]
        parts = [self._calibrate_views(part, found) for part, found in zip(query_parts, cosines, strict=True)]
        near = [one for found in cosines for one in found.values()]
        same = (
            mark_near_copies(cosines[0], len(segments))
            if len(query_parts) == 1
            else np.zeros(len(segments), int)
        )
        if same.any():
            parts = [{view: np.where(same, 1.0, one) for view, one in parts[0].items()}]
        spaces = {space: _average_space_views(space, parts, len(segments)) for space in SPACES}
        heard = {
            space: scores
            for space, scores in spaces.items()
            if any(_list_active_views(part, space) for part in query_parts)
        }
        total = self._fuse_spaces(heard, weights, query_parts, segments)
        closeness = average_views(near) if near else total
        if len(at := np.flatnonzero(same)):
            closeness[at] = self._renormalise_cosines(
                {view: one[at] for view, one in cosines[0].items()}, segments[at]
            )
        seen = {
            view: average_views([part[view] for part in parts if view in part])
            for view in set().union(*parts)
        }
        return SegmentScores(
            segments=segments,
            total=total,
            mean_cosine=closeness,
            space_scores=spaces,
            view_scores=seen,
            affect_match=np.full(len(segments), np.nan),
            copy_level=same,
            moment_score=np.zeros(len(segments)),
        )

    def _renormalise_cosines(self, cosines: Mapping[str, Rows], segments: Positions) -> Scores:
        """(n,) mean cosine with rows brought back to length 1, from which float16 takes them by up to 3e-4.

        Near duplicates differ by less: the one with the longer row would go first.
        """
        tables = self.snapshot.views
        return average_views([one / tables[view].compute_norms(segments) for view, one in cosines.items()])

    def _compute_space_weights(
        self, query: Query, active_spaces: Iterable[str], query_parts: Sequence[EncodedQuery]
    ) -> dict[str, float]:
        """What each space weighs: what the query gives it, times more where it was trained on such words."""
        words = [view for part in query_parts if part.is_text for view in _list_active_views(part)]
        in_domain = {
            space.name
            for space in self.library.pipeline.spaces
            if isinstance(space, JointSpace)
            and space.heads.domain
            and make_view_name(space.name, WORDS_VIEW) in words
            if space.name != OBJECT_SPACE and SPACE_SPECS[OBJECT_SPACE].role in space.heads.roles
        }
        return {
            space: query.weights.get(space, 1.0) * (IN_DOMAIN_WEIGHT if space in in_domain else 1.0)
            for space in active_spaces
        }

    def _fuse_spaces(
        self,
        scores_by_space: Mapping[str, Scores],
        weights: Mapping[str, float],
        query_parts: Sequence[EncodedQuery],
        segments: Positions,
    ) -> Scores:
        """(n,) one score a segment, NaN where all abstain.

        Each modality is fused over the spaces it can speak in: that a picture makes no sound is no doubt.
        """
        kinds = self.snapshot.item_modalities[self.snapshot.item_by_segment[segments]]
        total = np.full(len(segments), np.nan)
        for kind in np.unique(kinds):
            here = kinds == kind
            able = [
                space
                for space in scores_by_space
                if weights[space] and self._is_comparable(space, str(kind), query_parts)
            ]
            if able:
                scores = {space: scores_by_space[space][here] for space in able}
                total[here] = fuse_scores(scores, {space: weights[space] for space in able}, MISSING_DISCOUNT)
        return total

    def _is_comparable(self, space: str, modality: str, query_parts: Sequence[EncodedQuery]) -> bool:
        """Whether items of a modality have rows in a view of the space that the query speaks in."""
        return any(
            (view, modality) in self.snapshot.observed_views
            for part in query_parts
            for view in _list_active_views(part, space)
        )

    def _compute_cosines(self, part: EncodedQuery, segments: Positions) -> dict[str, Rows]:
        """Cosines (questions, n) with one part of the query, by every view it and the library both have."""
        return {
            view: table.compute_cosines(segments, rows)
            for view, rows in part.embeddings.items()
            if (table := self.snapshot.views.get(view)) is not None and not is_missing_row(rows).all()
        }

    def _calibrate_views(self, part: EncodedQuery, cosines: Mapping[str, Rows]) -> dict[str, Scores]:
        """The same of one question, calibrated."""
        return {
            view: self._get_calibration(view, part.get_modality(view)).to_probabilities(one)
            for view, one in cosines.items()
        }

    def _get_calibration(self, view: str, query_modality: str) -> Calibration:
        key = calibration.make_calibration_key(view, query_modality)
        if key not in self._calibrations:
            self._calibrations[key] = self._load_calibration(
                view, query_modality
            ) or calibration.fit_library_calibration(
                self.snapshot.views[view],
                (lambda: self._project_background(view)) if query_modality == "text" else None,
            )
        return self._calibrations[key]

    def _load_calibration(self, view: str, query_modality: str) -> Calibration | None:
        """Measured beforehand: by those who trained the heads, or for the packaged encoders."""
        if told := self.library.pipeline.get_calibration(view, query_modality):
            return Calibration.from_dict(told)
        return calibration.load_packaged_calibration(
            view, query_modality, self.library.catalog.get_meta("signature") or "{}"
        )

    def _project_background(self, view: str) -> Rows:
        experts = self.library.pipeline
        return experts.project(experts.encode_text(calibration.BACKGROUND_SENTENCES))[view]


def _align_query_segments(query_parts: Sequence[EncodedQuery]) -> list[list[int]]:
    """Which segment of each part makes up each question; the shorter parts are stretched in time.

    One question in which nothing is said stands where there is no other.
    """
    count = max((part.segment_count for part in query_parts), default=1)
    places = [[at * part.segment_count // count for part in query_parts] for at in range(count)]
    speaking = [
        one
        for one in places
        if any(part.select_segment(at).embeddings for part, at in zip(query_parts, one, strict=True))
    ]
    return speaking or places[:1]


def _average_space_views(
    space: str, scores_by_part: Sequence[Mapping[str, Scores]], segment_count: int
) -> Scores:
    """(n,) mean over the query's parts of the mean over the space's views; NaN where all abstain."""
    of_parts = [[part[view] for view in part if split_view_name(view)[0] == space] for part in scores_by_part]
    means = [average_views(stack) for stack in of_parts if stack]
    return average_views(means) if means else np.full(segment_count, np.nan)


def _list_active_views(part: EncodedQuery, space: str | None = None) -> list[str]:
    """The views, of one space or of all, in which a part of a query does not abstain."""
    return [
        view
        for view, rows in part.embeddings.items()
        if space in (None, split_view_name(view)[0]) and not is_missing_row(rows).all()
    ]
