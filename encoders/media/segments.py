"""What reading a file gives (Probe, Segment), how it is asked for (Sampling, Limits), and where it is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from encoders.base import Audio, Frames
from encoders.media.format_detection import MediaModality

TrackName: TypeAlias = Literal["pictures", "sound"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a file holds: seconds, pixels as shown (after rotation), frames a second, Hz of its sound.

    `duration` is None for an image, `sample_rate` and `channels` are None without sound. The duration is
    measured on the packets that are really there, so that of a truncated file is what is left of it.
    `incomplete_reason` is a short clause for the user about what of the file can't be read, None for all of
    it.
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
    """A stretch of a file, in seconds from its start; an image is one segment without a time.

    `frames` is None where there is only sound, `frame_times` says when each frame begins, and `audio` is
    mono, begins at `start`, and is None where the file has none here. `incomplete_reason` says once what of
    the file turned out here not to be readable.
    """

    start: float | None
    end: float | None
    frames: Frames | None
    frame_times: tuple[float, ...]
    audio: Audio | None
    incomplete_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How densely to look: seconds a segment, frames a second and at most so many a segment.

    `max_side` is the longest side in pixels (smaller pictures stay as they are), `sample_rate` the sound's
    Hz, and `skip_track` the track of a film that is left out because it crashes its decoder.
    """

    segment_seconds: float = 15.0
    fps: float = 1.0
    max_frames: int | None = 8
    max_side: int = 512
    sample_rate: int = 16000
    skip_track: TrackName | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one file may cost: seconds for each probe or segment, pixels a picture, bytes of memory.

    Pixels are checked here on the header; seconds and memory (address space above what a worker needs
    at rest) are kept by encoders.media.decoder_pool.
    """

    timeout_seconds: float = 60.0
    max_pixels: int = 200_000_000
    max_memory_bytes: int = 4 << 30


DEFAULT_SAMPLING = Sampling()
DEFAULT_LIMITS = Limits()


def compute_segment_bounds(duration: float, segment_seconds: float) -> list[tuple[float, float]]:
    """(start, end) of each segment; a remainder under a third of `segment_seconds` joins the one before."""
    whole = int(duration / segment_seconds + 1e-6)
    if whole and duration - whole * segment_seconds < segment_seconds / 3:
        whole -= 1
    starts = [index * segment_seconds for index in range(whole + 1)]
    return list(zip(starts, [*starts[1:], duration], strict=True))


def compute_frame_times(start: float, end: float, fps: float, max_frames: int | None) -> list[float]:
    """The middles of equal slices, about `fps` a second, at least one and at most `max_frames`."""
    count = max(1, round((end - start) * fps))
    count = count if max_frames is None else min(count, max_frames)
    return [start + (index + 0.5) * (end - start) / count for index in range(count)]


def fit_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """(width, height) with the longest side at most `max_side`, never larger than it was."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def get_size_refusal(width: int, height: int, limits: Limits) -> str | None:
    """Why a picture of this size is refused, None if it is not."""
    if width * height <= limits.max_pixels:
        return None
    return (
        f"{width} x {height} pixels are {width * height / 1e6:,.0f} megapixels, "
        f"more than the limit of {limits.max_pixels / 1e6:,.0f}"
    )
