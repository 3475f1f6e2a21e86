"""When segments that wait to be encoded make a batch; one rule for whoever decodes and encodes."""

from __future__ import annotations

from collections.abc import Iterable

from encoders.media import Segment

BATCH_FRAMES = 32  # encode when so many frames wait ...
BATCH_AUDIO_SECONDS = 120.0  # ... or so much sound


def is_batch_full(segments: Iterable[Segment]) -> bool:
    """Whether so many segments hold enough frames or enough sound to be encoded together."""
    frames, seconds = 0, 0.0
    for segment in segments:
        frames += len(segment.frames) if segment.frames is not None else 0
        seconds += segment.audio.duration if segment.audio is not None else 0.0
    return frames >= BATCH_FRAMES or seconds >= BATCH_AUDIO_SECONDS
