"""Roles that came after a library was made: what they read is read again for them, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from encoders import MediaError, Rows, stop_at_safe_points, stop_if_requested
from encoders.media import DecodedSegment, DecoderPool, Limits, OpenedFile, Sampling
from retrieval.features import (
    ROLES,
    FeaturePipeline,
    LoopStep,
    PipelineConfig,
    ProcessedFile,
    concatenate_features,
    encode_files,
    encode_present,
    make_missing_rows,
)
from retrieval.indexing.summary import IndexProgress, RoleCompletion
from retrieval.storage import (
    ItemColumns,
    ItemRows,
    Library,
    append_role_rows,
    begin_roles,
    find_items_to_complete,
    is_missing,
    list_added_roles,
    must_project_roles,
)
from spaces import Features

TIME_TOLERANCE_SECONDS = 1e-3  # between the bounds of a segment as stored and as decoded
OTHER_SEGMENTS = "it is decoded into other segments than the library has"


class RoleCompleter:
    """Adds the rows of new roles to the items of a library. `on_progress` is called after every step.

    wanted: encoders of which new roles must be some; by default all are added

    Until `install` the library is searched as before. What was committed is not read again by a later run,
    which also reads files that were missing.
    """

    def __init__(
        self, library: Library, progress: IndexProgress, on_progress: Callable[[IndexProgress], None],
        wanted: PipelineConfig | None = None,
    ) -> None:  # fmt: skip
        self.library = library
        self._progress, self._on_progress = progress, on_progress
        new_roles, earlier_roles = dict[str, str](), list[str]()
        if not library.pipeline.missing_roles:  # else nothing could be projected
            new_roles = library.config.list_new_roles()
            earlier_roles = [*filter(library.pipeline.has_role, list_added_roles(library.catalog))]
        if wanted is not None:
            new_roles = {role: name for role, name in new_roles.items() if wanted[role] == name}
        self._config = library.config.replace(**new_roles)
        self._roles = [*new_roles, *earlier_roles]
        self._completion = RoleCompletion(roles=self._roles)
        self._missing_roles: dict[str, list[str]] = {}  # by item that is still to be read
        self._item_by_path: dict[Path, str] = {}
        self._encoded_items: dict[str, ItemRows] = {}  # ready to commit

    @cached_property
    def _columns(self) -> ItemColumns:
        """The columns of the library, to which nothing is added meanwhile."""
        return self.library.vectors.open_columns()

    @cached_property
    def _pipeline(self) -> FeaturePipeline:
        return FeaturePipeline(self._config)

    def read_media(self, jobs: int) -> None:
        """Read the items that lack rows; the caller holds the lock.

        Raises AffectError for a full disk; committed rows stay. On KeyboardInterrupt (see
        encoders.interrupts) encoded items are committed first.
        """
        if not self._roles:
            return
        catalog = self.library.catalog
        begin_roles(catalog, {role: self._pipeline.get_encoder(role).card.signature for role in self._roles})
        self._missing_roles = find_items_to_complete(self.library)
        paths = self._find_paths()
        self._completion.to_read = len(paths)
        self._completion.missing = len(self._missing_roles) - len(paths)
        self._progress.completion = self._completion
        self._on_progress(self._progress)
        try:
            if paths:
                with stop_at_safe_points():
                    self._decode(paths, jobs)
        except KeyboardInterrupt:
            self._commit()
            raise

    @property
    def must_install(self) -> bool:
        """Whether the configuration lacks a role, or rows are not projected."""
        return bool(self._roles) and (
            self._config != self.library.config or must_project_roles(self.library.catalog)
        )

    def install(self) -> None:
        """Let the library's spaces read the roles from now on. Raises as `Library.rebuild` does."""
        self.library.install_config(self._config)

    def _find_paths(self) -> list[Path]:
        """A path of each item to be read that has a file."""
        path_by_item = {
            record.item_id: path
            for path, record in self.library.catalog.load_files().items()
            if record.item_id in self._missing_roles and not is_missing(path)
        }
        self._item_by_path = {path: item_id for item_id, path in path_by_item.items() if item_id}
        return sorted(self._item_by_path)

    def _decode(self, paths: Sequence[Path], jobs: int) -> None:
        sampling = Sampling(
            segment_seconds=self.library.segment_seconds,
            sample_rate=self._pipeline.sample_rate,
            skip_track=self._choose_track_to_skip(),
        )
        with DecoderPool(min(jobs, len(paths)), sampling, Limits()) as pool:
            for step in encode_files(pool.read(paths, should_decode=self._is_to_be_read), self._encode_batch):
                self._handle_step(step)
                self._on_progress(self._progress)
                stop_if_requested()
        self._commit()

    def _choose_track_to_skip(self) -> Literal["pictures", "sound"] | None:
        """The track that no missing role reads."""
        read = {ROLES[role].modality for roles in self._missing_roles.values() for role in roles}
        if "frames" not in read:
            return "pictures"
        return None if "sound" in read else "sound"

    def _is_to_be_read(self, opened: OpenedFile) -> bool:
        return opened.item_id in self._missing_roles

    def _encode_batch(self, parts: Sequence[DecodedSegment]) -> list[dict[str, Rows]]:
        inputs: Mapping[str, Sequence[Any | None]] = {
            "frames": [part.segment.frames for part in parts],
            "sound": [part.segment.audio for part in parts],
        }
        rows = {role: encode_present(self._pipeline.get_encoder(role), inputs) for role in self._roles}
        return [{role: rows[role][i : i + 1] for role in self._roles} for i in range(len(parts))]

    def _handle_step(self, step: LoopStep[dict[str, Rows]]) -> None:
        if step.failed_file:
            self._leave_out(step.failed_file.error)
        for file in step.completed_files:
            if file.results and file.opened.item_id in self._missing_roles:
                self._queue_file(file)
            else:
                self._completion.missing += 1
                self._completion.to_read -= 1
        if step.encoded_segments:
            self._commit()

    def _queue_file(self, file: ProcessedFile[dict[str, Rows]]) -> None:
        """Keep a file's rows for the next commit; none where its segments are not those of the item."""
        item_id = file.opened.item_id
        segments = match_segments(self._list_item_spans(item_id), file.spans)
        if segments is None:
            self._leave_out(MediaError(file.path, OTHER_SEGMENTS))
            return
        features = concatenate_features(file.results)
        self._completion.read += 1
        self._queue_rows(item_id, segments, features)

    def _list_item_spans(self, item_id: str) -> dict[int, npt.NDArray[np.float64]]:
        """(start, end) in seconds of each of an item's segments, NaN without time, by position."""
        position = self.library.catalog.find_position(item_id)
        if position is None:
            return {}
        segments = range(position.first_segment, position.first_segment + position.segment_count)
        return {segment: self._columns.spans[segment] for segment in segments}

    def _leave_out(self, error: MediaError) -> None:
        """Count an item that can't be read; it is not tried again, unless the reason may pass."""
        self._completion.left_out[str(error.path)] = error.reason
        if error.is_permanent:
            no_rows = {
                role: make_missing_rows(0, self._pipeline.get_encoder(role).card.dim) for role in self._roles
            }
            self._queue_rows(self._item_by_path[error.path], (), no_rows)

    def _queue_rows(self, item_id: str, segments: Sequence[int], features: Features) -> None:
        rows = {role: features[role] for role in self._missing_roles[item_id]}
        self._encoded_items[item_id] = ItemRows(item_id=item_id, segments=segments, rows_by_role=rows)

    def _commit(self) -> None:
        items, self._encoded_items = self._encoded_items, {}
        if items:
            append_role_rows(self.library, list(items.values()))
        for item_id in items:
            del self._missing_roles[item_id]


def match_segments(
    span_by_segment: Mapping[int, npt.NDArray[np.float64]],
    spans: Sequence[tuple[float | None, float | None]],
) -> list[int] | None:
    """The segments with these spans (start, end) in seconds; None if one span is no segment's."""
    segments = list(span_by_segment)
    bounds = np.array(list(span_by_segment.values()), np.float64).reshape(-1, 2)
    matching = []
    for span in spans:
        differences = np.abs(bounds - np.array(span, np.float64)).max(axis=1)
        matches = np.flatnonzero(differences <= TIME_TOLERANCE_SECONDS)
        if not len(matches):
            return None
        matching.append(segments[int(matches[0])])
    return matching
