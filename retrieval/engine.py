"""The search: candidates from every view, scored exactly in every space, calibrated, weighted and merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, missing, printable
from fusion.balance import balanced_merge
from fusion.scores import Calibration, fuse, views
from retrieval import calibration
from retrieval.asking import Asked, Asker
from retrieval.feelings import told
from retrieval.indices import Candidates
from retrieval.library import Library
from retrieval.moods import Point, nearest_moods, read_mood, wanted_mood
from retrieval.query import SPACES, Query
from retrieval.snapshot import Snapshot, take, times
from spaces.circumplex import affinity
from spaces.joint import VIEW, JointSpace

Scores = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

DOUBT = 0.5  # marks an item down for a space in which only the query spoke; see fusion.scores.fuse
# A space that was taught words like the query's, and sees what the object space sees, knows what they mean
# where that only guesses. With the guess weighing as much, exercises are found worse by their names.
SPECIALIST = 4.0
OBJECT = "object"
SPARE = 10  # candidates per view and modality, as a multiple of k ...
LEAST = 200  # ... and at least so many segments


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One result. `spaces` has a score in [0, 1] per space, None where it abstained; times in seconds.

    `segment` is the best segment's id in the catalogue, `views` its score per view spoken in, `affect` its
    valence and arousal with their SDs, None where it abstains, `mood` how well that meets the mood asked for.
    """

    rank: int
    id: str
    path: str
    modality: str
    score: float
    spaces: dict[str, float | None]
    start: float | None
    end: float | None
    segment: int
    views: dict[str, float]
    affect: dict[str, float] | None = None
    mood: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect search --json`."""
        return {
            "rank": self.rank, "id": self.id, "path": printable(self.path), "modality": self.modality,
            "score": self.score, "spaces": self.spaces, "start": self.start, "end": self.end,
            "affect": self.affect, "mood": self.mood,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Segments (n,) by position, their total (n,), and their score a space and view (n,), NaN: abstained.

    `near` (n,) is the mean cosine: far above the background all scores are 1, and it decides. `mood` (n,) is
    how well each meets the mood asked for, NaN where it has none or nobody asked.
    """

    segments: Places
    total: Scores
    near: Scores
    spaces: Mapping[str, Scores]
    views: Mapping[str, Scores]
    mood: Scores


class Engine:
    """Answers queries over one library, and notices when another process has written to it."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._asker = Asker(library)
        self._load()

    def _load(self) -> None:
        self.library.refresh()
        if self.library.lost:
            raise self.library.lost
        self._snapshot = take(self.library)
        self._candidates = Candidates(self.library, self._snapshot)
        self._calibrations: dict[str, Calibration] = {}

    def __enter__(self) -> Self:
        """Use as a context, to end the decoder process when done."""
        return self

    def __exit__(self, *why: object) -> None:
        """End the decoder process."""
        self._asker.close()

    @property
    def snapshot(self) -> Snapshot:
        """The library as last committed."""
        if self.library.catalog.version() != self._snapshot.version:
            self._load()
        return self._snapshot

    def read_query(self, query: Query) -> Query:
        """The query as it is searched for: with a point for its mood. Raises as `read_mood` does."""
        return read_mood(query, self.library.experts)

    def search(self, query: Query) -> list[Hit]:
        """The best k items, best first. Raises BadMedia or AffectError for what can't be asked."""
        snapshot, query = self.snapshot, self.read_query(query)
        asked = self._asker.parts(query, snapshot)
        scored = self._score(query, asked)
        own = [part.item for part in asked if part.item is not None]
        best = _best_segments(scored, snapshot, own)
        return [
            self._hit(rank, scored, at) for rank, at in enumerate(_merged(query, scored, best, snapshot), 1)
        ]

    def _score(self, query: Query, asked: Sequence[Asked]) -> Scored:
        """By content, by mood, or by both, as the dial says."""
        target = wanted_mood(query, asked)
        if target is None:
            return self._by_content(query, asked, self._content_candidates(query, asked))
        segments = nearest_moods(self._snapshot, target, query.modalities, self._depth(query))
        if query.dial == 1:
            return self._by_mood(target, segments)
        both = np.union1d(segments, self._content_candidates(query, asked))
        content, mood = self._by_content(query, asked, both), self._by_mood(target, both)
        total = fuse(
            {"content": content.total, "mood": mood.total},
            {"content": 1 - query.dial, "mood": query.dial},
            DOUBT,
        )
        return replace(content, total=total, mood=mood.mood)

    def _by_mood(self, target: Point, segments: Places) -> Scored:
        mood = affinity(self._snapshot.affect_of(segments), target)
        silent = np.full(len(segments), np.nan)
        return Scored(
            segments=segments,
            total=mood,
            near=mood,
            spaces=dict.fromkeys(SPACES, silent),
            views={},
            mood=mood,
        )

    def _depth(self, query: Query) -> int:
        return max(min(SPARE * query.k, len(self._snapshot.ids)), LEAST)

    def _content_candidates(self, query: Query, asked: Sequence[Asked]) -> Places:
        return self._candidates.find([part.rows for part in asked], query.modalities, self._depth(query))

    def _by_content(self, query: Query, asked: Sequence[Asked], segments: Places) -> Scored:
        cosines = [self._cosines(part, segments) for part in asked]
        parts = [self._views(part, found) for part, found in zip(asked, cosines, strict=True)]
        near = [one for found in cosines for one in found.values()]
        spaces = {space: _space(space, parts, len(segments)) for space in SPACES}
        heard = {
            space: scores
            for space, scores in spaces.items()
            if any(_spoken(part, f"{space}.") for part in asked)
        }
        weights = self._weights(query, heard, asked)
        if heard and not any(weights.values()):
            raise AffectError(f"this query says something in: {', '.join(heard)}; give one of those a weight")
        total = self._fused(heard, weights, asked, segments)
        seen = {view: views([part[view] for part in parts if view in part]) for view in set().union(*parts)}
        return Scored(
            segments=segments, total=total, near=views(near) if near else total, spaces=spaces, views=seen,
            mood=np.full(len(segments), np.nan),
        )  # fmt: skip

    def _weights(self, query: Query, heard: Iterable[str], asked: Sequence[Asked]) -> dict[str, float]:
        """What each space weighs: what the query gives it, times more where it was taught such words."""
        words = [view for part in asked if part.source("") == "text" for view in _spoken(part, "")]
        taught = {
            space.name
            for space in self.library.experts.spaces
            if isinstance(space, JointSpace) and space.heads.domain and f"{space.name}.{VIEW}" in words
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
        kinds = self._snapshot.modality[self._snapshot.item_of[segments]]
        total = np.full(len(segments), np.nan)
        for kind in np.unique(kinds):
            here = kinds == kind
            able = [space for space in heard if weights[space] and self._tells(space, str(kind), asked)]
            if able:
                scores = {space: heard[space][here] for space in able}
                total[here] = fuse(scores, {space: weights[space] for space in able}, DOUBT)
        return total

    def _tells(self, space: str, modality: str, asked: Sequence[Asked]) -> bool:
        """Whether items of a modality have rows in a view of the space that the query speaks in."""
        return any(
            (view, modality) in self._snapshot.told for part in asked for view in _spoken(part, f"{space}.")
        )

    def _cosines(self, part: Asked, segments: Places) -> dict[str, Rows]:
        """Cosines (n,) with one part of the query, by every view it and the library both have."""
        return {
            view: table.cosines(segments, rows[0])
            for view, rows in part.rows.items()
            if (table := self._snapshot.views.get(view)) is not None and not missing(rows).any()
        }

    def _views(self, part: Asked, cosines: Mapping[str, Rows]) -> dict[str, Scores]:
        """The same, calibrated."""
        return {
            view: self._calibration(view, part.source(view)).probability(one) for view, one in cosines.items()
        }

    def _calibration(self, view: str, source: str) -> Calibration:
        key = calibration.key(view, source)
        if key not in self._calibrations:
            self._calibrations[key] = self._measured(view, source) or calibration.fitted(
                self._snapshot.views[view], (lambda: self._background(view)) if source == "text" else None
            )
        return self._calibrations[key]

    def _measured(self, view: str, source: str) -> Calibration | None:
        """Measured beforehand: by those who trained the heads, or for the packaged encoders."""
        if told := self.library.experts.calibration(view, source):
            return Calibration.from_dict(told)
        return calibration.packaged(view, source, self.library.catalog.get("signature") or "{}")

    def _background(self, view: str) -> Rows:
        experts = self.library.experts
        return experts.project(experts.read(calibration.SENTENCES))[view]

    def _hit(self, rank: int, scored: Scored, at: int) -> Hit:
        snapshot, segment = self._snapshot, int(scored.segments[at])
        item = int(snapshot.item_of[segment])
        start, end = times(snapshot.spans[segment])
        seen = {view: _rounded(scored.views[view][at]) for view in sorted(scored.views)}
        return Hit(
            rank=rank, id=snapshot.ids[item], path=snapshot.paths[item],
            modality=str(snapshot.modality[item]), score=_rounded(scored.total[at]) or 0.0,
            spaces={space: _rounded(scores[at]) for space, scores in scored.spaces.items()},
            start=start, end=end, segment=int(snapshot.segment_ids[segment]),
            views={view: score for view, score in seen.items() if score is not None},
            affect=told(snapshot.affect_of(scored.segments[at : at + 1])[0]), mood=_rounded(scored.mood[at]),
        )  # fmt: skip


def _space(space: str, parts: Sequence[Mapping[str, Scores]], count: int) -> Scores:
    """(n,) mean over the query's parts of the mean over the space's views; NaN where all abstain."""
    of_parts = [[part[view] for view in part if view.startswith(f"{space}.")] for part in parts]
    means = [views(stack) for stack in of_parts if stack]
    return views(means) if means else np.full(count, np.nan)


def _spoken(part: Asked, prefix: str) -> list[str]:
    """The views that begin so ("audio.", or "" for all) in which this part of a query says something."""
    return [view for view, rows in part.rows.items() if view.startswith(prefix) and not missing(rows).any()]


def _rounded(score: float) -> float | None:
    return None if np.isnan(score) else round(float(score), 6)


def _best_segments(scored: Scored, snapshot: Snapshot, own: Sequence[int]) -> Places:
    """Where in `scored` each item's best segment stands, in order; those asked with are left out."""
    items = snapshot.item_of[scored.segments]
    order = np.lexsort((scored.segments, items, -scored.near, -scored.total))  # items stand in order of id
    order = order[~np.isnan(scored.total[order]) & ~np.isin(items[order], own)]
    first = np.unique(items[order], return_index=True)[1]
    return np.asarray(order[np.sort(first)])


def _merged(query: Query, scored: Scored, best: Places, snapshot: Snapshot) -> list[int]:
    """The k positions in `scored` to show: one list a modality, merged by the balanced heuristic."""
    best = best[scored.total[best] >= query.min_score]
    if query.balance == 1:
        return [int(at) for at in best[: query.k]]
    kinds = snapshot.modality[snapshot.item_of[scored.segments[best]]]
    lists = [best[kinds == modality] for modality in query.modalities]
    distances = [np.clip(1 - scored.total[places], 0, None) for places in lists]
    which, place = balanced_merge(distances, min(query.k, len(best)), query.balance)
    return [int(lists[w][p]) for w, p in zip(which, place, strict=True)]
