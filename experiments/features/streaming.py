"""Encoding files while they are decoded: segments are batched across files, files given out when whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders.base import MediaError, batched
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, FailedFile, FinishedFile
from experiments.features.cache import ItemFeatures
from experiments.features.reading import ALL_SEGMENTS_READER, FIRST_SEGMENT_READER, read_images_as_clip
from retrieval.features.pipeline import FeaturePipeline

BATCH_SIZE = 32  # segments
DECODER_PROCESSES = 2  # decoding processes

MediaPaths = tuple[Path, ...]
FeaturesByRole = dict[str, ItemFeatures]  # by role


class StreamingEncoder:
    """Encodes items by all media roles of some experts; what can't be read is told in `failed`."""

    def __init__(
        self,
        pipeline: FeaturePipeline,
        sampling: Sampling,
        *,
        all_segments: bool,
        error_by_path: dict[Path, str],
        include_affect: bool = True,
    ) -> None:
        self._pipeline, self._sampling, self._error_by_path, self._include_affect = (
            pipeline,
            sampling,
            error_by_path,
            include_affect,
        )
        self._reader = ALL_SEGMENTS_READER if all_segments else FIRST_SEGMENT_READER
        self._pending_segments: list[DecodedSegment] = []
        self._decoded_paths: list[Path] = []
        self._features_by_path: dict[Path, list[FeaturesByRole]] = {}

    def encode(self, paths_by_name: Mapping[str, MediaPaths]) -> Iterator[tuple[str, FeaturesByRole]]:
        """(name, entries by role) of named items as they are done: single files first, then picture clips."""
        yield from self._encode_single_files(
            {files[0]: name for name, files in paths_by_name.items() if len(files) == 1}
        )
        for chunk in batched([pair for pair in paths_by_name.items() if len(pair[1]) > 1], BATCH_SIZE):
            clips = {name: clip for name, files in chunk if (clip := self._read_image_clip(files))}
            yield from zip(clips, self._encode_segments(list(clips.values())), strict=True)

    def _encode_single_files(self, name_by_path: Mapping[Path, str]) -> Iterator[tuple[str, FeaturesByRole]]:
        if not name_by_path:
            return
        with DecoderPool(DECODER_PROCESSES, self._sampling, reader=self._reader) as pool:
            for event in pool.read(name_by_path):
                if isinstance(event, FailedFile):
                    self._discard_failed(event)
                elif isinstance(event, DecodedSegment):
                    self._pending_segments.append(event)
                elif isinstance(event, FinishedFile):
                    self._decoded_paths.append(event.path)
                if len(self._pending_segments) >= BATCH_SIZE:
                    yield from self._encode_pending(name_by_path)
            yield from self._encode_pending(name_by_path)

    def _discard_failed(self, event: FailedFile) -> None:
        """Note why a file failed; what was read of it so far goes."""
        self._error_by_path[event.path] = event.error.reason
        self._pending_segments = [part for part in self._pending_segments if part.path != event.path]
        self._features_by_path.pop(event.path, None)

    def _encode_pending(self, name_by_path: Mapping[Path, str]) -> Iterator[tuple[str, FeaturesByRole]]:
        """Encode all that waits; then every file that has ended is whole, and given out."""
        made = self._encode_segments([part.segment for part in self._pending_segments])
        for part, entry in zip(self._pending_segments, made, strict=True):
            self._features_by_path.setdefault(part.path, []).append(entry)
        ended, self._pending_segments, self._decoded_paths = self._decoded_paths, [], []
        for path in ended:
            if pieces := self._features_by_path.pop(path, None):
                yield (
                    name_by_path[path],
                    {role: _concatenate_features([piece[role] for piece in pieces]) for role in pieces[0]},
                )

    def _read_image_clip(self, paths: MediaPaths) -> Segment | None:
        try:
            return read_images_as_clip(paths, self._sampling)
        except MediaError as bad:
            self._error_by_path[bad.path] = bad.reason
            return None

    def _encode_segments(self, segments: Sequence[Segment]) -> list[FeaturesByRole]:
        """One entry of one row by role for each segment."""
        if not segments:
            return []
        frames, sounds = [s.frames for s in segments], [s.audio for s in segments]
        rows = self._pipeline.encode_media(frames, sounds, include_affect=self._include_affect)
        times = np.array([(s.start, s.end) for s in segments], np.float64)  # None becomes NaN
        return [
            {
                role: ItemFeatures(found[index : index + 1], times[index : index + 1])
                for role, found in rows.items()
            }
            for index in range(len(segments))
        ]


def _concatenate_features(pieces: Sequence[ItemFeatures]) -> ItemFeatures:
    return ItemFeatures(
        np.concatenate([piece.features for piece in pieces]),
        np.concatenate([piece.times for piece in pieces]),
    )
