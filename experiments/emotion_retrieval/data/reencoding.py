"""Re-encoding of videos as CLIP-ViP and the emotion report did, 6 frames a second and 224 pixels, with sound.

The report's command dropped the sound, which this project reads.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np

from encoders import Frames, MediaError, Rows, remove_at_end
from encoders.media import (
    DEFAULT_LIMITS,
    Probe,
    Sampling,
    Segment,
    compute_frame_times,
    probe,
    read_media,
)
from retrieval.samples.media_writer import write_video

ENCODING_VERSION = 1  # raise it when the same settings would give other files
SEGMENT_SECONDS = 30.0  # decoded at once
TIME_TOLERANCE_SECONDS = 0.01  # containers round time stamps
CODEC_OPTIONS = {"preset": "veryfast", "crf": "20", "threads": "1", "g": "24"}
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz
STAMP_KEY = "comment"  # of the container's metadata


@dataclass(frozen=True, kw_only=True)
class EncodingSettings:
    """Frames a second, and pixels of the shorter side, which is even."""

    fps: int = 6
    side: int = 224


@dataclass(frozen=True, kw_only=True)
class EncodedVideo:
    """What was written: frames, seconds and whether with sound, and what of the source can't be decoded."""

    frames: int
    seconds: float
    has_sound: bool
    incomplete_reason: str | None


def fit_shorter_side(width: int, height: int, side: int) -> tuple[int, int]:
    """(width, height) with the shorter side `side` and the longer even, as near as can be to the aspect."""
    longer = max(side, 2 * round(side * max(width, height) / min(width, height) / 2))
    return (longer, side) if width >= height else (side, longer)


def make_stamp(source: Path, settings: EncodingSettings) -> str:
    """What tells whether a file was made of `source` as it is now, with these settings. Raises OSError."""
    status = source.stat()
    stamp = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "version": ENCODING_VERSION}
    return "affect reencode " + json.dumps({**stamp, **asdict(settings)}, sort_keys=True)


def is_encoded(target: Path, stamp: str) -> bool:
    """Whether a file has this stamp: it is there, whole, since it was renamed when done."""
    try:
        with av.open(str(target), metadata_errors="ignore") as container:
            return container.metadata.get(STAMP_KEY) == stamp
    except (OSError, ValueError):  # av's errors are among them
        return False


def encode_file(source: Path, target: Path, draft: Path, settings: EncodingSettings) -> EncodedVideo:
    """Write `source` to `target`, an MP4 file, whole or not at all: to `draft`, which is then renamed.

    Frames are upright, in square pixels and at a constant rate, whatever the source's are. The sound is mono,
    as this project's encoders hear it, at the source's rate up to 48 kHz, and none where the source has none.
    Raises MediaError if nothing of the pictures can be decoded, OSError where it can't be written.
    """
    reading = _Reading(source, settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    for_frames, for_sound = itertools.tee(reading.read_segments())
    with remove_at_end(draft):
        write_video(
            draft,
            reading.make_frames(for_frames),
            settings.fps,
            reading.make_audio_blocks(for_sound) if reading.sample_rate else None,
            reading.sample_rate,
            CODEC_OPTIONS,
            {STAMP_KEY: make_stamp(source, settings)},
        )
        draft.replace(target)
    return EncodedVideo(
        frames=reading.frame_count,
        seconds=reading.frame_count / settings.fps,
        has_sound=bool(reading.sample_rate),
        incomplete_reason="; ".join(reading.reasons) or None,
    )


class _Reading:
    """A video read segment by segment, its frames put on a constant rate."""

    def __init__(self, source: Path, settings: EncodingSettings) -> None:
        found = probe(source)
        if found.modality != "video" or not found.width or not found.height:
            raise MediaError(source, "no video")
        self._source, self._fps = source, settings.fps
        self._size = fit_shorter_side(found.width, found.height, settings.side)
        self.sample_rate = _choose_sample_rate(found)
        self.frame_count = 0
        self.reasons: list[str] = [found.incomplete_reason] if found.incomplete_reason else []

    def read_segments(self) -> Iterator[Segment]:
        """Segments with frames at about the rate of the settings. Raises MediaError."""
        sampling = Sampling(
            segment_seconds=SEGMENT_SECONDS, fps=self._fps, max_frames=None, max_side=max(self._size),
            sample_rate=self.sample_rate or Sampling.sample_rate,
            skip_track=None if self.sample_rate else "sound",
        )  # fmt: skip
        for part in read_media(self._source, sampling, DEFAULT_LIMITS):
            if isinstance(part, Segment):
                if part.incomplete_reason:
                    self.reasons.append(part.incomplete_reason)
                yield part

    def make_frames(self, segments: Iterator[Segment]) -> Iterator[Frames]:
        """Frames (h, w, 3), the one shown at each time; of undecodable parts the last one before."""
        last: Frames | None = None
        for segment in segments:
            times = compute_frame_times(*_get_bounds(segment), self._fps, None)
            if segment.frames is not None:
                shown = np.searchsorted(
                    segment.frame_times, np.add(times, TIME_TOLERANCE_SECONDS), side="right"
                )
                pictures = [cv2.resize(frame, self._size) for frame in segment.frames]
                frames = [cast(Frames, pictures[number]) for number in (shown - 1).clip(0)]
            else:
                frames = [] if last is None else [last] * len(times)
            for frame in frames:
                self.frame_count += 1
                yield frame
            last = frames[-1] if frames else last
        if not self.frame_count:
            raise MediaError(self._source, "damaged: no picture can be decoded")

    def make_audio_blocks(self, segments: Iterator[Segment]) -> Iterator[Rows]:
        """Samples (n,) as long as each segment, silent where the source has none."""
        for segment in segments:
            start, end = (round(time * self.sample_rate) for time in _get_bounds(segment))
            samples = np.zeros(end - start, np.float32)
            if segment.audio is not None:
                found = segment.audio.samples[: len(samples)]
                samples[: len(found)] = found
            yield samples


def _get_bounds(segment: Segment) -> tuple[float, float]:
    return segment.start or 0.0, segment.end or 0.0


def _choose_sample_rate(found: Probe) -> int:
    """The lowest rate of AAC that loses nothing; 0 without sound."""
    if not found.sample_rate:
        return 0
    return next((rate for rate in AAC_RATES if rate >= found.sample_rate), AAC_RATES[-1])
