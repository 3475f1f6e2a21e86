"""Scores by content: cosines in every view, calibrated, fused over the spaces, segment by segment of what is
asked with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, missing
from fusion.late_fusion import Calibration, fuse_scores, average_views
from retrieval.search import calibration
from retrieval.search.query import SPACES, Query
from retrieval.search.query_encoder import Asked
from retrieval.search.segment_scores import Scored, by_item, near_copies, with_copy
from retrieval.storage.library import Library
from retrieval.storage.snapshot import Snapshot
from spaces.joint.space import WORDS_VIEW, JointSpace

Scores = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

DOUBT = 0.5  # marks an item down for a space in which only the query spoke; see fusion.late_fusion.fuse
# A space that was taught words like the query's, and sees what the object space sees, knows what they mean
# where that only guesses. With the guess weighing as much, exercises are found worse by their names.
SPECIALIST = 4.0
OBJECT = "object"


@dataclass(kw_only=True)
class Scorer:
    """Scores the segments of one snapshot of a library."""

    library: Library
    snapshot: Snapshot
    _calibrations: dict[str, Calibration] = field(default_factory=dict)

    def score(self, query: Query, asked: Sequence[Asked], segments: Places) -> Scored:
        """Of a query's parts. Raises AffectError if it speaks in no space that has a weight.

        Parts of several segments make as many questions; an item's score is the mean over the questions of
        its best segment's, so that a video meets its own segments and not their mean.
        """
        heard = [space for space in SPACES if any(_spoken(part, f"{space}.") for part in asked)]
        weights = self._weights(query, heard, asked)
        if heard and not any(weights.values()):
            raise AffectError(f"this query says something in: {', '.join(heard)}; give one of those a weight")
        items = self.snapshot.item_by_segment[segments]
        cosines = [self._cosines(part, segments) for part in asked]
        questions = [
            self._question(
                [part.segment(at) for part, at in zip(asked, places, strict=True)],
                [
                    {view: rows[at] for view, rows in one.items()}
                    for one, at in zip(cosines, places, strict=True)
                ],
                weights,
                segments,
            )
            for places in _questions(asked)
        ]
        found = questions[0] if len(questions) == 1 else by_item(questions, items)
        return with_copy(found, items, asked[0].same) if len(asked) == 1 else found

    def _question(
        self, asked: Sequence[Asked], cosines: Sequence[Mapping[str, Rows]], weights: Mapping[str, float],
        segments: Places,
    ) -> Scored:  # fmt: skip
        """Of parts of one segment each."""
        cosines = [
            {view: found[view] for view in _spoken(part, "") if view in found}
            for part, found in zip(asked, cosines, strict=True)
        ]
        parts = [self._views(part, found) for part, found in zip(asked, cosines, strict=True)]
        near = [one for found in cosines for one in found.values()]
        same = near_copies(cosines[0], len(segments)) if len(asked) == 1 else np.zeros(len(segments), int)
        if same.any():
            parts = [{view: np.where(same, 1.0, one) for view, one in parts[0].items()}]
        spaces = {space: _space(space, parts, len(segments)) for space in SPACES}
        heard = {
            space: scores
            for space, scores in spaces.items()
            if any(_spoken(part, f"{space}.") for part in asked)
        }
        total = self._fused(heard, weights, asked, segments)
        closeness = average_views(near) if near else total
        if len(at := np.flatnonzero(same)):
            closeness[at] = self._angular({view: one[at] for view, one in cosines[0].items()}, segments[at])
        seen = {view: average_views([part[view] for part in parts if view in part]) for view in set().union(*parts)}
        return Scored(
            segments=segments, total=total, near=closeness, spaces=spaces, views=seen,
            mood=np.full(len(segments), np.nan), same=same, moment=np.zeros(len(segments)),
        )  # fmt: skip

    def _angular(self, cosines: Mapping[str, Rows], segments: Places) -> Scores:
        """(n,) mean cosine with rows brought back to length 1, from which float16 takes them by up to 3e-4.

        Near duplicates differ by less: the one with the longer row would go first.
        """
        tables = self.snapshot.views
        return average_views([one / tables[view].compute_norms(segments) for view, one in cosines.items()])

    def _weights(self, query: Query, heard: Iterable[str], asked: Sequence[Asked]) -> dict[str, float]:
        """What each space weighs: what the query gives it, times more where it was taught such words."""
        words = [view for part in asked if part.source("") == "text" for view in _spoken(part, "")]
        taught = {
            space.name
            for space in self.library.pipeline.spaces
            if isinstance(space, JointSpace) and space.heads.domain and f"{space.name}.{WORDS_VIEW}" in words
            if space.name != OBJECT and "objects" in space.heads.roles
        }
        return {
            space: query.weights.get(space, 1.0) * (SPECIALIST if space in taught else 1.0) for space in heard
        }

    def _fused(
        self, heard: Mapping[str, Scores], weights: Mapping[str, float], asked: Sequence[Asked],
        segments: Places,
    ) -> Scores:  # fmt: skip
        """(n,) one score a segment, NaN where all abstain.

        Each modality is fused over the spaces it can speak in: that a picture makes no sound is no doubt.
        """
        kinds = self.snapshot.item_modalities[self.snapshot.item_by_segment[segments]]
        total = np.full(len(segments), np.nan)
        for kind in np.unique(kinds):
            here = kinds == kind
            able = [space for space in heard if weights[space] and self._tells(space, str(kind), asked)]
            if able:
                scores = {space: heard[space][here] for space in able}
                total[here] = fuse_scores(scores, {space: weights[space] for space in able}, DOUBT)
        return total

    def _tells(self, space: str, modality: str, asked: Sequence[Asked]) -> bool:
        """Whether items of a modality have rows in a view of the space that the query speaks in."""
        return any(
            (view, modality) in self.snapshot.observed_views for part in asked for view in _spoken(part, f"{space}.")
        )

    def _cosines(self, part: Asked, segments: Places) -> dict[str, Rows]:
        """Cosines (questions, n) with one part of the query, by every view it and the library both have."""
        return {
            view: table.compute_cosines(segments, rows)
            for view, rows in part.rows.items()
            if (table := self.snapshot.views.get(view)) is not None and not missing(rows).all()
        }

    def _views(self, part: Asked, cosines: Mapping[str, Rows]) -> dict[str, Scores]:
        """The same of one question, calibrated."""
        return {
            view: self._calibration(view, part.source(view)).to_probabilities(one) for view, one in cosines.items()
        }

    def _calibration(self, view: str, source: str) -> Calibration:
        key = calibration.key(view, source)
        if key not in self._calibrations:
            self._calibrations[key] = self._measured(view, source) or calibration.fitted(
                self.snapshot.views[view], (lambda: self._background(view)) if source == "text" else None
            )
        return self._calibrations[key]

    def _measured(self, view: str, source: str) -> Calibration | None:
        """Measured beforehand: by those who trained the heads, or for the packaged encoders."""
        if told := self.library.pipeline.get_calibration(view, source):
            return Calibration.from_dict(told)
        return calibration.packaged(view, source, self.library.catalog.get_meta("signature") or "{}")

    def _background(self, view: str) -> Rows:
        experts = self.library.pipeline
        return experts.project(experts.encode_text(calibration.SENTENCES))[view]


def _questions(asked: Sequence[Asked]) -> list[list[int]]:
    """Which segment of each part makes up each question; the shorter parts are stretched in time.

    One question in which nothing is said stands where there is no other.
    """
    count = max((part.count for part in asked), default=1)
    places = [[at * part.count // count for part in asked] for at in range(count)]
    speaking = [
        one for one in places if any(part.segment(at).rows for part, at in zip(asked, one, strict=True))
    ]
    return speaking or places[:1]


def _space(space: str, parts: Sequence[Mapping[str, Scores]], count: int) -> Scores:
    """(n,) mean over the query's parts of the mean over the space's views; NaN where all abstain."""
    of_parts = [[part[view] for view in part if view.startswith(f"{space}.")] for part in parts]
    means = [average_views(stack) for stack in of_parts if stack]
    return average_views(means) if means else np.full(count, np.nan)


def _spoken(part: Asked, prefix: str) -> list[str]:
    """The views that begin so ("audio.", or "" for all) in which this part of a query says something."""
    return [view for view, rows in part.rows.items() if view.startswith(prefix) and not missing(rows).all()]
