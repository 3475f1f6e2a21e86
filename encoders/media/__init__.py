"""Reading media: what a file holds, and its segments one at a time as frames and sound.

A file is taken for what its first bytes say and never for its ending. Errors are MediaError with one
short line; MemoryError passes through. To read files that may crash a decoder, see
encoders.media.decoder_pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from encoders.base import Audio, MediaError
from encoders.media.audio import AudioReader
from encoders.media.containers import open_container
from encoders.media.format_detection import (
    ANIMATED_FORMATS,
    EXTENSIONS,
    IMAGE_FORMATS,
    REFUSAL_REASONS,
    detect_format,
    looks_like_media,
    read_header,
)
from encoders.media.image import is_animated, probe_image, read_image
from encoders.media.packet_timing import TrackTimes
from encoders.media.segmentation import decode_segments
from encoders.media.segments import (
    DEFAULT_LIMITS,
    DEFAULT_SAMPLING,
    Limits,
    Probe,
    Sampling,
    Segment,
    compute_frame_times,
    compute_segment_bounds,
)
from encoders.media.stream_survey import StreamSurvey, survey_streams
from encoders.media.video import VideoReader

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_SAMPLING",
    "EXTENSIONS",
    "Limits",
    "Probe",
    "Sampling",
    "Segment",
    "looks_like_media",
    "probe",
    "read_media",
    "read_segments",
    "read_segments_at",
]


def probe(path: Path, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """What a file holds; an animated GIF is a video, a sound file with cover art is audio.

    Raises MediaError for what is no media, has nothing that can be decoded, or is larger than allowed.
    """
    head = read_header(path)
    if _is_image(path, head, limits):
        return probe_image(path, limits)
    return survey_streams(path, head, limits).probe


def read_segments(
    path: Path, probe: Probe, sampling: Sampling = DEFAULT_SAMPLING, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Segment]:
    """The segments of a file, decoded one at a time as they are asked for.

    An image is one segment. Stretches of a damaged sound file without any sound are left out, and where
    one track of a film is broken the segments have the other. Raises MediaError when nothing can be
    decoded, or the sound of a sound file is not finite.
    """
    if probe.modality == "image" or probe.duration is None:
        yield _read_image_segment(path, sampling, limits)
        return
    head = read_header(path)
    yield from _read_nonempty_segments(path, head, survey_streams(path, head, limits), sampling)


def read_media(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """What a file holds, then its segments. Raises MediaError."""
    head = read_header(path)
    if _is_image(path, head, limits):
        yield probe_image(path, limits)
        yield _read_image_segment(path, sampling, limits)
        return
    found = survey_streams(path, head, limits)
    yield found.probe
    yield from _read_nonempty_segments(path, head, found, sampling)


def read_segments_at(
    path: Path,
    probe: Probe,
    starts: Sequence[float],
    sampling: Sampling = DEFAULT_SAMPLING,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Segment]:
    """Only the segments that begin at `starts`, ascending: a film's without sound; an image all the same.

    What lies before is not decoded where the file can be sought in. Raises MediaError.
    """
    if probe.modality == "image" or probe.duration is None:
        yield _read_image_segment(path, sampling, limits)
        return
    head = read_header(path)
    found = survey_streams(path, head, limits)
    with open_container(path, head) as container:
        film = VideoReader(path, container, found.video, sampling.max_side) if found.video else None
        for start, end in compute_segment_bounds(found.probe.duration or 0.0, sampling.segment_seconds):
            if not np.isclose(start, starts, rtol=0, atol=1e-3).any():
                continue
            if film:
                frames, times = film.read_frames_at(
                    compute_frame_times(start, end, sampling.fps, sampling.max_frames)
                )
                yield Segment(start=start, end=end, frames=frames, frame_times=times, audio=None)
            elif found.audio:
                sound = _read_audio_between(path, head, found.audio, start, end, sampling.sample_rate)
                yield Segment(start=start, end=end, frames=None, frame_times=(), audio=sound)


def _is_image(path: Path, header: bytes, limits: Limits) -> bool:
    """Whether a file is a still picture. Raises MediaError for a kind that can't be read."""
    kind = detect_format(header, path)
    if refusal := REFUSAL_REASONS.get(kind or ""):
        raise MediaError(path, refusal)
    return kind in IMAGE_FORMATS and not (kind in ANIMATED_FORMATS and is_animated(path, limits))


def _read_image_segment(path: Path, sampling: Sampling, limits: Limits) -> Segment:
    frames = read_image(path, sampling.max_side, limits)
    return Segment(start=None, end=None, frames=frames, frame_times=(0.0,), audio=None)


def _read_nonempty_segments(
    path: Path, header: bytes, survey: StreamSurvey, sampling: Sampling
) -> Iterator[Segment]:
    """The segments that hold something. Raises MediaError if none does."""
    empty = True
    for segment in decode_segments(path, header, survey, sampling):
        if segment.frames is not None or segment.audio is not None:
            empty = False
            yield segment
    if empty:
        raise MediaError(path, "damaged: no sound can be decoded")


def _read_audio_between(
    path: Path, header: bytes, track_times: TrackTimes, start: float, end: float, sample_rate: int
) -> Audio | None:
    with open_container(path, header) as container:
        if not track_times.clock_shifts:
            with suppress(FFmpegError):  # no index to seek by: all that comes before is read
                container.seek(int((start + track_times.origin) * av.time_base))
        return AudioReader(path, container, sample_rate, track_times).read_between(start, end)
