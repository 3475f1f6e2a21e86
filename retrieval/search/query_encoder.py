"""From a query to unit rows: its media are decoded and encoded just as the library's were."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from encoders import AffectError, MediaError, Rows, is_missing_row, to_printable, unit_rows
from encoders.media import (
    DecodedSegment,
    DecoderPool,
    DecodingEvent,
    FailedFile,
    FinishedFile,
    OpenedFile,
    Sampling,
)
from retrieval.features import (
    FeaturePipeline,
    compute_duration_weights,
    concatenate_features,
    encode_files,
    encode_segments,
    get_query_modality,
)
from retrieval.search.query import Query
from retrieval.search.query_media import QueryMedia
from retrieval.storage import AnyLibrary, AnySnapshot
from spaces.affect_regression import average_estimates

log = logging.getLogger(__name__)
MAX_QUERY_SEGMENTS = 64  # segments of a query's video or sound that are taken in: 16 minutes
MISSING_AFFECT = np.full(4, np.nan, np.float32)


@dataclass(frozen=True, kw_only=True)
class EncodedQueryPart:
    """One part of a query.

    embeddings: unit rows (q, d) by view, one a segment, NaN where that abstains
    is_text:    whether it is text, else media or an item
    item_index: position of the library's own item that is the query, which is no answer to itself
    copy_index: position of the item whose content is that of the query's file
    affect:     (4,) valence, arousal and their SDs, NaN where they are unknown or not needed
    """

    embeddings: Mapping[str, Rows]
    is_text: bool = False
    item_index: int | None = None
    copy_index: int | None = None
    affect: Rows = field(default_factory=lambda: MISSING_AFFECT)

    def get_modality(self, view: str) -> str:
        """What its rows in a view come from: "text", "frames" or "sound"."""
        return "text" if self.is_text else get_query_modality(view)

    @property
    def segment_count(self) -> int:
        """How many segments it has."""
        return max(map(len, self.embeddings.values()), default=1)

    @cached_property
    def active_views(self) -> tuple[str, ...]:
        """The views in which it does not abstain."""
        return tuple(view for view, rows in self.embeddings.items() if not is_missing_row(rows).all())

    @property
    def is_present(self) -> bool:
        """Whether it says anything in any view."""
        return bool(self.active_views)

    def select_segment(self, index: int) -> EncodedQueryPart:
        """One of its segments alone, in the views in which that says something."""
        rows = {view: rows[index : index + 1] for view, rows in self.embeddings.items()}
        return replace(
            self, embeddings={view: row for view, row in rows.items() if not is_missing_row(row)[0]}
        )


class QueryEncoder:
    """Reads queries for one library; keeps one decoder process from the first media query on."""

    def __init__(self, library: AnyLibrary) -> None:
        self.library = library
        self._decoder_pool: DecoderPool | None = None

    @property
    def pipeline(self) -> FeaturePipeline:
        """The library's, which may get other heads meanwhile."""
        return self.library.pipeline

    def close(self) -> None:
        """End the decoder process."""
        if self._decoder_pool:
            self._decoder_pool.__exit__(None, None, None)
            self._decoder_pool = None

    def encode(self, query: Query, snapshot: AnySnapshot) -> list[EncodedQueryPart]:
        """Every part of the query. Raises MediaError for a file that can't be read or is of another kind."""
        feel = query.affect_weight > 0 and query.mood is None
        read: Mapping[str, Callable[..., EncodedQueryPart]] = {
            "text": lambda text: self._encode_text(text, query, feel),
            "item": lambda item: _encode_item(snapshot, item),
        }
        return [
            read[kind](value) if kind in read else self._encode_media(value, kind, feel, snapshot)
            for kind, value in query.parts.items()
        ]

    def encode_negatives(self, query: Query) -> dict[str, EncodedQueryPart]:
        """What a query with a reading does not want, by the user's words.

        Warns of words that no space knows; they are left out, and change nothing.
        """
        parts = {
            text: EncodedQueryPart(
                embeddings=self.pipeline.project(self.pipeline.encode_text([form])), is_text=True
            )
            for text, form in (query.reading.negatives if query.reading else {}).items()
        }
        for text, part in parts.items():
            if not part.is_present:
                log.warning("not %s: no space knows these words; nothing is left out for them", text)
        return {text: part for text, part in parts.items() if part.is_present}

    def _encode_text(self, text: str, query: Query, include_affect: bool) -> EncodedQueryPart:
        """The text as it is read, without its negatives; its affect is that of the text as it was given."""
        positive = text if query.reading is None else query.reading.positive
        rows = self.pipeline.project(self.pipeline.encode_text([positive])) if positive else {}
        affect = self.pipeline.estimate_query_affect([text])[0] if include_affect else MISSING_AFFECT
        return EncodedQueryPart(embeddings=rows, is_text=True, affect=affect)

    def _encode_media(
        self, source: Path | QueryMedia, modality: str, include_affect: bool, snapshot: AnySnapshot
    ) -> EncodedQueryPart:
        if isinstance(source, QueryMedia):
            media = source
            if media.probe.modality != modality:
                raise _make_modality_error(Path(media.name), media.probe.modality)
        else:
            media = self.read_media(Path(source), modality, include_affect=include_affect)
        affect = MISSING_AFFECT
        if include_affect:
            affect = average_estimates(
                self.pipeline.estimate_affect(media.features).fused,
                compute_duration_weights(np.array(media.spans, np.float64)),
            )
        rows_by_view = self.pipeline.project(media.features)
        return EncodedQueryPart(
            embeddings={view: unit_rows(rows) for view, rows in rows_by_view.items()},
            copy_index=snapshot.find_item(media.item_id),
            affect=affect,
        )

    def read_media(
        self, path: Path, modality: str | None = None, *, include_affect: bool = True, name: str = ""
    ) -> QueryMedia:
        """Decode and encode a file, its first segments if it is long.

        name: by which a query with it is echoed, by default the path

        Raises MediaError for a file that can't be read, or is of another modality than the one that is given.
        """

        def encode_batch(parts: Sequence[DecodedSegment]) -> list[dict[str, Rows]]:
            segments = [part.segment for part in parts]
            return encode_segments(self.pipeline, segments, include_affect=include_affect)

        for step in encode_files(_limit_segments(path, self._open_media(path, modality)), encode_batch):
            if step.failed_file:
                raise step.failed_file.error
            if step.completed_files:
                file = step.completed_files[0]
                return QueryMedia(
                    name=name or str(path),
                    item_id=file.opened.item_id,
                    probe=file.opened.probe,
                    features=concatenate_features(file.results),
                    spans=file.spans,
                )
        raise AssertionError("unreachable")

    def _open_media(self, path: Path, modality: str | None) -> Iterator[DecodingEvent]:
        """The decoder's events of a file of this modality, if one is given. Raises MediaError."""
        events = self._get_decoder_pool().read([path])
        match first := next(events):
            case OpenedFile(probe=probe) if modality not in (None, probe.modality):
                self.close()  # its decoder is busy with a file that is not wanted
                raise _make_modality_error(path, probe.modality)
            case FailedFile(error=error):
                raise error
        return chain([first], events)

    def _get_decoder_pool(self) -> DecoderPool:
        if self._decoder_pool is None:
            sampling = Sampling(
                segment_seconds=self.library.segment_seconds, sample_rate=self.pipeline.sample_rate
            )
            self._decoder_pool = DecoderPool(1, sampling).__enter__()
        return self._decoder_pool


def _limit_segments(path: Path, events: Iterable[DecodingEvent]) -> Iterator[DecodingEvent]:
    """The events of a file up to its first MAX_QUERY_SEGMENTS segments; a warning where there are more."""
    segment_count = 0
    for event in events:
        segment_count += isinstance(event, DecodedSegment)
        if segment_count > MAX_QUERY_SEGMENTS:
            log.warning(
                "%s: long; only its first %d segments are asked with", to_printable(path), MAX_QUERY_SEGMENTS
            )
            yield FinishedFile(path)
            return
        yield event


_MODALITY_PHRASES = {"image": "a picture", "audio": "sound", "video": "a video"}


def _make_modality_error(path: Path, modality: str) -> MediaError:
    return MediaError(path, f"is {_MODALITY_PHRASES[modality]}; ask with --{modality}")


def _encode_item(snapshot: AnySnapshot, id_prefix: str) -> EncodedQueryPart:
    position = snapshot.resolve_item(id_prefix)
    segments = snapshot.list_segments(position)
    if not snapshot.views:
        raise AffectError(f"item {id_prefix}: nothing is known of it that could be compared")
    sampled = segments[
        np.linspace(0, len(segments) - 1, min(MAX_QUERY_SEGMENTS, len(segments))).round().astype(int)
    ]
    return EncodedQueryPart(
        embeddings={view: unit_rows(table.select_rows(sampled)) for view, table in snapshot.views.items()},
        item_index=position,
        affect=average_estimates(
            snapshot.select_affect(segments), compute_duration_weights(snapshot.select_spans(segments))
        ),
    )
