"""The search: candidates from every view, scored exactly by content and mood, merged over the modalities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fusion.balanced_merge import balanced_merge
from fusion.late_fusion import fuse_scores
from retrieval.features.affect import affect_to_json
from retrieval.search.affect_search import Point, nearest_moods, read_mood, wanted_mood
from retrieval.search.candidates import Candidates
from retrieval.search.no_results import explain_empty
from retrieval.search.query import SPACES, Query
from retrieval.search.query_encoder import Asked, Asker
from retrieval.search.scoring import DOUBT, Scorer
from retrieval.search.segment_scores import COPY, Scored
from retrieval.storage.library import Library
from retrieval.storage.snapshot import Snapshot, load_snapshot, round_span
from spaces.circumplex import affinity

Places = npt.NDArray[np.int64]

SPARE = 10  # candidates per view and modality, as a multiple of k ...
LEAST = 200  # ... and at least so many segments


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One result. `spaces` has a score in [0, 1] per space, None where it abstained; times in seconds.

    `segment` is the best segment's id in the catalogue, `views` its score per view spoken in, `affect` its
    valence and arousal with their SDs, None where it abstains, `mood` how well that meets the mood asked for.
    `copy` says that it is the file asked with, here or elsewhere.
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
    copy: bool = False

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect search --json`."""
        return {
            "rank": self.rank, "id": self.id, "path": self.path, "modality": self.modality,
            "score": self.score, "spaces": self.spaces, "start": self.start, "end": self.end,
            "affect": self.affect, "mood": self.mood,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The hits of a query, best first; `note` says why there are none, and is empty where there are."""

    hits: list[Hit]
    note: str = ""


class Engine:
    """Answers queries over one library, and notices when another process has written to it."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._asker = Asker(library)
        self._load()

    def _load(self) -> None:
        self.library.refresh_custom_heads()
        if self.library.custom_heads_error:
            raise self.library.custom_heads_error
        self._snapshot = load_snapshot(self.library)
        self._candidates = Candidates(self.library, self._snapshot)
        self._scorer = Scorer(library=self.library, snapshot=self._snapshot)

    def __enter__(self) -> Self:
        """Use as a context, to end the decoder process when done."""
        return self

    def __exit__(self, *why: object) -> None:
        """End the decoder process."""
        self._asker.close()

    @property
    def snapshot(self) -> Snapshot:
        """The library as last committed."""
        if self.library.catalog.get_version() != self._snapshot.catalog_version:
            self._load()
        return self._snapshot

    def read_query(self, query: Query) -> Query:
        """The query as it is searched for: with a point for its mood. Raises as `read_mood` does."""
        return read_mood(query, self.library.pipeline)

    def search(self, query: Query) -> list[Hit]:
        """The best k items, best first. Raises BadMedia or AffectError for what can't be asked."""
        return self.answer(query).hits

    def answer(self, query: Query) -> Answer:
        """The same, and why where there is no item. Raises as `search` does."""
        snapshot, query = self.snapshot, self.read_query(query)
        asked = self._asker.parts(query, snapshot)
        scored = self._score(query, asked)
        own = [part.item for part in asked if part.item is not None]
        comparable = _best_segments(scored, snapshot, own)
        best = comparable[scored.total[comparable] >= query.min_score]
        merged = _merged(query, scored, best, snapshot)
        if query.mood is None:  # else it is not the same as what is asked for
            merged = list(dict.fromkeys([*_copies(scored, best), *merged]))[: query.k]
        hits = [self._hit(rank, scored, at) for rank, at in enumerate(merged, 1)]
        if hits:
            return Answer(hits=hits)
        speaks = any(part.speaks for part in asked)
        highest = float(scored.total[comparable].max()) if len(comparable) else None
        note = explain_empty(query, snapshot, self.library.folder, speaks=speaks, best=highest)
        return Answer(hits=[], note=note)

    def _score(self, query: Query, asked: Sequence[Asked]) -> Scored:
        """By content, by mood, or by both, as the dial says."""
        target = wanted_mood(query, asked)
        speaking = [part for part in asked if part.speaks]
        if target is None:
            return self._scorer.score(query, speaking, self._content_candidates(query, speaking))
        segments = nearest_moods(self._snapshot, target, query.modalities, self._depth(query))
        if query.dial == 1:
            return self._by_mood(target, segments)
        both = np.union1d(segments, self._content_candidates(query, speaking))
        content, mood = self._scorer.score(query, speaking, both), self._by_mood(target, both)
        total = fuse_scores(
            {"content": content.total, "mood": mood.total},
            {"content": 1 - query.dial, "mood": query.dial},
            DOUBT,
        )
        return replace(content, total=total, mood=mood.mood)

    def _by_mood(self, target: Point, segments: Places) -> Scored:
        mood = affinity(self._snapshot.select_affect(segments), target)
        silent = np.full(len(segments), np.nan)
        return Scored(
            segments=segments,
            total=mood,
            near=mood,
            spaces=dict.fromkeys(SPACES, silent),
            views={},
            mood=mood,
            same=np.zeros(len(segments), np.int64),
            moment=np.zeros(len(segments)),
        )

    def _depth(self, query: Query) -> int:
        return max(min(SPARE * query.k, len(self._snapshot.item_ids)), LEAST)

    def _content_candidates(self, query: Query, asked: Sequence[Asked]) -> Places:
        found = self._candidates.find([part.rows for part in asked], query.modalities, self._depth(query))
        copies = [part.same for part in asked if part.same is not None]
        shown = [one for one in copies if self._snapshot.item_modalities[one] in query.modalities]
        return np.union1d(found, np.concatenate([found[:0], *map(self._snapshot.list_segments, shown)]))

    def _hit(self, rank: int, scored: Scored, at: int) -> Hit:
        snapshot, segment = self._snapshot, int(scored.segments[at])
        item = int(snapshot.item_by_segment[segment])
        start, end = round_span(snapshot.spans[segment])
        seen = {view: _rounded(scored.views[view][at]) for view in sorted(scored.views)}
        return Hit(
            rank=rank, id=snapshot.item_ids[item], path=snapshot.item_paths[item],
            modality=str(snapshot.item_modalities[item]), score=_rounded(scored.total[at]) or 0.0,
            spaces={space: _rounded(scores[at]) for space, scores in scored.spaces.items()},
            start=start, end=end, segment=int(snapshot.segment_ids[segment]),
            views={view: score for view, score in seen.items() if score is not None},
            affect=affect_to_json(snapshot.select_affect(scored.segments[at : at + 1])[0]), mood=_rounded(scored.mood[at]),
            copy=bool(scored.same[at] == COPY),
        )  # fmt: skip


def _rounded(score: float) -> float | None:
    return None if np.isnan(score) else round(float(score), 6)


def _best_segments(scored: Scored, snapshot: Snapshot, own: Sequence[int]) -> Places:
    """Where in `scored` each item's best segment stands, in order; those asked with are left out."""
    items = snapshot.item_by_segment[scored.segments]
    keys = (scored.segments, -scored.moment, items, -scored.near, -scored.total)
    order = np.lexsort(keys)  # items stand in order of id
    order = order[~np.isnan(scored.total[order]) & ~np.isin(items[order], own)]
    first = np.unique(items[order], return_index=True)[1]
    return np.asarray(order[np.sort(first)])


def _copies(scored: Scored, best: Places) -> list[int]:
    """Those of `best` that hold the content asked with: the very file, other encodings, then the nearest."""
    copies = best[scored.same[best] > 0]
    return [int(at) for at in copies[np.lexsort((-scored.near[copies], -scored.same[copies]))]]


def _merged(query: Query, scored: Scored, best: Places, snapshot: Snapshot) -> list[int]:
    """The k positions in `scored` to show: one list a modality, merged by the balanced heuristic."""
    if query.balance == 1:
        return [int(at) for at in best[: query.k]]
    kinds = snapshot.item_modalities[snapshot.item_by_segment[scored.segments[best]]]
    lists = [best[kinds == modality] for modality in query.modalities]
    distances = [np.clip(1 - scored.total[places], 0, None) for places in lists]
    which, place = balanced_merge(distances, min(query.k, len(best)), query.balance)
    return [int(lists[w][p]) for w, p in zip(which, place, strict=True)]
