"""What runs in the actors of Ray: decoders, and experts that encode what was decoded.

Rows of the data set are events of the decoders. They pass from the decoders through the pool of each expert,
which adds its rows to the segments; the last stage leaves out what was decoded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.media import DecodedSegment, DecoderPool, DecodingEvent, Limits, Sampling
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.indexing import SegmentCounts, encode_with_faces
from retrieval.previews import PREVIEWING_READER, FaceBox

Batch = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class FileEvent:
    """An event of a decoder.

    number:   of the segment in its file; of an end, the number of segments before
    counts:   of what was decoded
    features: raw rows (1, d) by role, those of the experts it has passed
    faces:    in its frames, once it has passed the expert of faces
    """

    event: DecodingEvent
    number: int
    counts: SegmentCounts
    features: Mapping[str, Rows]
    faces: Sequence[FaceBox] = ()


def make_batch(events: Sequence[FileEvent]) -> Batch:
    """Events as a batch of Ray Data, which takes them from actor to actor as it does its own objects."""
    return {"event": np.array(events, object)}


def read_batch(batch: Batch) -> list[FileEvent]:
    """The events of a batch."""
    return list(batch["event"])


class DecoderActor:
    """Decodes files, each in a process with limits of time and memory."""

    def __init__(self, sampling: Sampling) -> None:
        self._pool = DecoderPool(1, sampling, Limits(), reader=PREVIEWING_READER).__enter__()

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        """A batch for each event of the files of a batch, so that a long film takes little memory."""
        paths = [Path(os.fsdecode(path)) for path in batch["path"]]
        numbers: dict[Path, int] = {}
        for event in self._pool.read(paths):
            number = numbers.get(event.path, 0)
            segments = [event.segment] if isinstance(event, DecodedSegment) else []
            numbers[event.path] = number + len(segments)
            counts = SegmentCounts.from_segments(segments)
            yield make_batch([FileEvent(event=event, number=number, counts=counts, features={})])


class ExpertActor:
    """Encodes segments by the encoders of some roles."""

    def __init__(self, config: Mapping[str, str]) -> None:
        self._pipeline = FeaturePipeline(PipelineConfig(**config))
        self._pipeline.require_encoders()

    def __call__(self, batch: Batch) -> Batch:
        """The same events, the segments with the rows of these roles."""
        events = read_batch(batch)
        indices = [i for i, event in enumerate(events) if isinstance(event.event, DecodedSegment)]
        segments = [events[i].event.segment for i in indices]  # type: ignore[union-attr]
        encoded = encode_with_faces(self._pipeline, segments) if segments else []
        for i, part in zip(indices, encoded, strict=True):
            features = {**events[i].features, **part.features}
            events[i] = replace(events[i], features=features, faces=[*events[i].faces, *part.faces])
        return make_batch(events)


def drop_media(batch: Batch) -> Batch:
    """The same events without frames and sound; previews stay."""
    return make_batch([_drop_media(event) for event in read_batch(batch)])


def _drop_media(event: FileEvent) -> FileEvent:
    decoded = event.event
    if not isinstance(decoded, DecodedSegment):
        return event
    empty = replace(decoded.segment, frames=None, frame_times=(), audio=None)
    return replace(event, event=DecodedSegment(decoded.path, empty))
