"""From a query to unit rows: its media are decoded and encoded just as the library's were."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from encoders.base import AffectError, BadMedia, Rows, missing, printable, unit_rows
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecoderPool, DecodingEvent, FailedFile, OpenedFile, DecodedSegment
from retrieval.features.affect import compute_duration_weights
from retrieval.features.pipeline import FeaturePipeline
from retrieval.search.query import Query
from retrieval.storage.library import Library
from retrieval.storage.snapshot import Snapshot
from spaces.affect_regression import average_estimates

log = logging.getLogger(__name__)
LONGEST = 64  # segments of a query's video or sound that are taken in: 16 minutes
BATCH = 8  # segments encoded at a time
ABSENT = np.full(4, np.nan, np.float32)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One part of a query: its source ("text", "frames" or "sound" by view) and unit rows (q, d) by view, one
    a segment, NaN where that says nothing.

    `item` is the position of the library's own item that was asked with, which is no answer to itself;
    `same` that of the item whose content is the file's that was asked with; `affect` (4,) is how it feels,
    NaN where nobody can tell or nobody asked.
    """

    source: Callable[[str], str]
    rows: Mapping[str, Rows]
    item: int | None = None
    same: int | None = None
    affect: Rows = field(default_factory=lambda: ABSENT)

    @property
    def count(self) -> int:
        """How many segments it has."""
        return max(map(len, self.rows.values()), default=1)

    @property
    def speaks(self) -> bool:
        """Whether it says anything in any view."""
        return any(not missing(rows).all() for rows in self.rows.values())

    def segment(self, at: int) -> Asked:
        """One of its segments alone, in the views in which that says something."""
        rows = {view: rows[at : at + 1] for view, rows in self.rows.items()}
        return replace(self, rows={view: row for view, row in rows.items() if not missing(row)[0]})


class Asker:
    """Reads queries for one library; keeps one decoder process from the first media query on."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._pool: DecoderPool | None = None

    @property
    def experts(self) -> FeaturePipeline:
        """The library's, which may get other heads meanwhile."""
        return self.library.pipeline

    def close(self) -> None:
        """End the decoder process."""
        if self._pool:
            self._pool.__exit__(None, None, None)
            self._pool = None

    def parts(self, query: Query, snapshot: Snapshot) -> list[Asked]:
        """Every part of the query. Raises BadMedia for a file that can't be read or is of another kind."""
        feel = query.dial > 0 and query.mood is None
        read: Mapping[str, Callable[..., Asked]] = {
            "text": lambda text: self._text(text, feel),
            "item": lambda item: _item(snapshot, item),
        }
        return [
            read[kind](value) if kind in read else self._media(Path(value), kind, feel, snapshot)
            for kind, value in query.parts.items()
        ]

    def _text(self, text: str, feel: bool) -> Asked:
        rows = self.experts.project(self.experts.encode_text([text]))
        affect = self.experts.estimate_text_affect([text])[0] if feel else ABSENT
        return Asked(source=lambda view: "text", rows=rows, affect=affect)

    def _media(self, path: Path, kind: str, feel: bool, snapshot: Snapshot) -> Asked:
        opened, segments = self._open(path, kind)
        views: dict[str, list[Rows]] = {}
        moods, spans = [ABSENT[None]], [(0.0, 0.0)]
        while chunk := list(islice(segments, BATCH)):  # read on while encoding: a long film is never held
            features = self.experts.encode_media([s.frames for s in chunk], [s.audio for s in chunk], include_affect=feel)
            if feel:
                moods.append(self.experts.estimate_affect(features).fused)
                spans += [(np.nan if s.start is None else s.start, s.end or np.nan) for s in chunk]
            for view, rows in self.experts.project(features).items():
                views.setdefault(view, []).append(rows)
        return Asked(
            source=sense,
            rows={view: unit_rows(np.concatenate(rows)) for view, rows in views.items()},
            same=snapshot.find_item(opened.item_id),
            affect=average_estimates(np.concatenate(moods), compute_duration_weights(np.array(spans))),
        )

    def _open(self, path: Path, kind: str) -> tuple[OpenedFile, Iterator[Segment]]:
        """A query's file, its content's hash known, and its segments. Raises BadMedia."""
        events = self._decoder().read([path])
        match next(events):
            case OpenedFile(probe=probe) as opened if probe.modality == kind:
                return opened, _segments(path, events)
            case OpenedFile(probe=probe):
                self.close()  # it is at work on a file nobody wants any more
                raise BadMedia(path, f"is {_A[probe.modality]}; ask with --{probe.modality}")
            case FailedFile(error=error):
                raise error
        raise AssertionError("unreachable")

    def _decoder(self) -> DecoderPool:
        if self._pool is None:
            sampling = Sampling(segment_seconds=self.library.segment_seconds, sample_rate=self.experts.sample_rate)
            self._pool = DecoderPool(1, sampling).__enter__()
        return self._pool


def _segments(path: Path, events: Iterator[DecodingEvent]) -> Iterator[Segment]:
    """The first segments of a query's file; what is left out is told. Raises BadMedia."""
    taken = 0
    for event in events:
        match event:
            case FailedFile(error=error):
                raise error
            case DecodedSegment() if taken == LONGEST:
                log.warning("%s: long; only its first %d segments are asked with", printable(path), LONGEST)
                return
            case DecodedSegment(segment=segment):
                taken += 1
                yield segment


_A = {"image": "a picture", "audio": "sound", "video": "a video"}


def sense(view: str) -> str:
    """What a media query's rows in a view come from."""
    return "sound" if view.startswith("audio.") else "frames"


def _item(snapshot: Snapshot, name: str) -> Asked:
    position = snapshot.resolve_item(name)
    segments = snapshot.list_segments(position)
    if not snapshot.views:
        raise AffectError(f"item {name}: nothing is known of it that could be compared")
    taken = segments[np.linspace(0, len(segments) - 1, min(LONGEST, len(segments))).round().astype(int)]
    return Asked(
        source=sense,
        rows={view: unit_rows(table.select_rows(taken)) for view, table in snapshot.views.items()},
        item=position,
        affect=average_estimates(snapshot.select_affect(segments), compute_duration_weights(snapshot.spans[segments])),
    )
