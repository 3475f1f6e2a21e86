"""Encode items while their files are decoded, by the same loop as the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders import MediaError, Rows, batched
from encoders.media import DecodedSegment, DecoderPool, Sampling, Segment
from experiments.features.cache import ItemFeatures
from experiments.features.reading import ALL_SEGMENTS_READER, FIRST_SEGMENT_READER, read_images_as_clip
from retrieval.features import FeaturePipeline, concatenate_features, encode_files, encode_segments

CLIPS_PER_BATCH = 32  # clips of several pictures encoded together
DECODER_PROCESSES = 2

MediaPaths = tuple[Path, ...]
FeaturesByRole = dict[str, ItemFeatures]
Span = tuple[float | None, float | None]


class StreamingEncoder:
    """Encodes items by all media roles of a pipeline; why a file can't be read goes to `error_by_path`."""

    def __init__(
        self,
        pipeline: FeaturePipeline,
        sampling: Sampling,
        *,
        all_segments: bool,
        error_by_path: dict[Path, str],
        include_affect: bool = True,
    ) -> None:
        self._pipeline, self._sampling, self._error_by_path = pipeline, sampling, error_by_path
        self._include_affect = include_affect
        self._reader = ALL_SEGMENTS_READER if all_segments else FIRST_SEGMENT_READER

    def encode(self, paths_by_name: Mapping[str, MediaPaths]) -> Iterator[tuple[str, FeaturesByRole]]:
        """(name, features by role) of each item once it is complete: single files, then picture clips."""
        yield from self._encode_single_files(
            {paths[0]: name for name, paths in paths_by_name.items() if len(paths) == 1}
        )
        for chunk in batched([pair for pair in paths_by_name.items() if len(pair[1]) > 1], CLIPS_PER_BATCH):
            clips = {name: clip for name, paths in chunk if (clip := self._read_image_clip(paths))}
            for (name, clip), rows in zip(clips.items(), self._encode(list(clips.values())), strict=True):
                yield name, _make_item_features([(clip.start, clip.end)], rows)

    def _encode_single_files(self, name_by_path: Mapping[Path, str]) -> Iterator[tuple[str, FeaturesByRole]]:
        if not name_by_path:
            return
        with DecoderPool(DECODER_PROCESSES, self._sampling, reader=self._reader) as pool:
            for step in encode_files(pool.read(name_by_path), self._encode_batch):
                if step.failed_file:
                    self._error_by_path[step.failed_file.path] = step.failed_file.error.reason
                for file in step.completed_files:
                    features = concatenate_features(file.results)
                    yield name_by_path[file.path], _make_item_features(file.spans, features)

    def _encode_batch(self, parts: Sequence[DecodedSegment]) -> list[dict[str, Rows]]:
        return self._encode([part.segment for part in parts])

    def _encode(self, segments: Sequence[Segment]) -> list[dict[str, Rows]]:
        if not segments:
            return []
        return encode_segments(self._pipeline, segments, include_affect=self._include_affect)

    def _read_image_clip(self, paths: MediaPaths) -> Segment | None:
        try:
            return read_images_as_clip(paths, self._sampling)
        except MediaError as bad:
            self._error_by_path[bad.path] = bad.reason
            return None


def _make_item_features(spans: Sequence[Span], features: Mapping[str, Rows]) -> FeaturesByRole:
    times = np.array(spans, np.float64)  # None becomes NaN
    return {role: ItemFeatures(rows, times) for role, rows in features.items()}
