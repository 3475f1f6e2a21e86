"""Types of decoding: metadata (Probe), segments, sampling and limits; and the bounds of segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from encoders.base import Audio, Frames
from encoders.media.format_detection import MediaModality

TrackName: TypeAlias = Literal["pictures", "sound"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Metadata of a file: seconds, pixels after rotation, frames a second, Hz of its sound.

    `duration` is None for an image, `sample_rate` and `channels` are None without sound. The duration is
    measured on the packets in the file, so that of a truncated file is the part that is left.
    `incomplete_reason` is a short message for the user about undecodable content, None without any.
    """

    modality: MediaModality
    duration: float | None
    width: int | None
    height: int | None
    fps: float | None
    sample_rate: int | None
    channels: int | None
    format: str
    incomplete_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A time interval of a file, in seconds from its start; an image is one segment without times.

    `frames` is None where there is only sound, `frame_times` are the starts of the frames, and `audio` is
    mono, begins at `start`, and is None where there is none. `incomplete_reason` reports undecodable content
    once, in the segment where it occurred.
    """

    start: float | None
    end: float | None
    frames: Frames | None
    frame_times: tuple[float, ...]
    audio: Audio | None
    incomplete_reason: str | None = None


DEFAULT_SEGMENT_SECONDS = 15.0  # as in the circumplex report


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Sampling of a file: seconds per segment, frames per second, maximum frames per segment.

    `max_side` is the longest side in pixels (smaller pictures are not enlarged), `sample_rate` the sound's
    Hz, and `skip_track` the track of a film that is left out: it crashes its decoder, or is not needed.
    """

    segment_seconds: float = DEFAULT_SEGMENT_SECONDS
    fps: float = 1.0
    max_frames: int | None = 8
    max_side: int = 512
    sample_rate: int = 16000
    skip_track: TrackName | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of decoding one file: seconds per probe or segment, pixels per picture, bytes of memory.

    Pixels are checked on the header; seconds and memory (address space above that of an idle worker) are
    enforced by encoders.media.decoder_pool.
    """

    timeout_seconds: float = 60.0
    max_pixels: int = 200_000_000
    max_memory_bytes: int = 4 << 30


DEFAULT_SAMPLING = Sampling()
DEFAULT_LIMITS = Limits()


def compute_segment_bounds(duration: float, segment_seconds: float) -> list[tuple[float, float]]:
    """(start, end) of each segment; a remainder under a third of `segment_seconds` joins the last one."""
    last_index = int(duration / segment_seconds + 1e-6)
    if last_index and duration - last_index * segment_seconds < segment_seconds / 3:
        last_index -= 1
    starts = [index * segment_seconds for index in range(last_index + 1)]
    return list(zip(starts, [*starts[1:], duration], strict=True))


def compute_frame_times(start: float, end: float, fps: float, max_frames: int | None) -> list[float]:
    """Midpoints of equal intervals, about `fps` a second, at least one and at most `max_frames`."""
    count = max(1, round((end - start) * fps))
    count = count if max_frames is None else min(count, max_frames)
    return [start + (index + 0.5) * (end - start) / count for index in range(count)]


def fit_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """(width, height) with the longest side at most `max_side`, never enlarged."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def get_size_refusal(width: int, height: int, limits: Limits) -> str | None:
    """Reason for refusing a picture of this size, None if it is within the limits."""
    if width * height <= limits.max_pixels:
        return None
    return (
        f"{width} x {height} pixels are {width * height / 1e6:,.0f} megapixels, "
        f"more than the limit of {limits.max_pixels / 1e6:,.0f}"
    )
