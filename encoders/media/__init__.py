"""Decoding of media: `probe` gives a file's metadata, `read_segments` its frames and sound by segment.

The format is detected from the first bytes, never from the extension. Errors are MediaError with one short
line; MemoryError passes through. For files that may crash a decoder use encoders.media.decoder_pool.
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
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, DecodingEvent, FailedFile, FinishedFile
from encoders.media.decoder_worker import OpenedFile
from encoders.media.format_detection import (
    ANIMATED_FORMATS,
    EXTENSIONS,
    IMAGE_FORMATS,
    REFUSAL_REASONS,
    detect_format,
    get_extension_label,
    looks_like_media,
    read_header,
)
from encoders.media.image import is_animated, probe_image, read_image
from encoders.media.packet_timing import TrackTimes
from encoders.media.segmentation import DECODE_ERRORS, decode_segments
from encoders.media.segments import (
    DEFAULT_LIMITS,
    DEFAULT_SAMPLING,
    DEFAULT_SEGMENT_SECONDS,
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
    "DEFAULT_SEGMENT_SECONDS",
    "EXTENSIONS",
    "DecodedSegment",
    "DecoderPool",
    "DecodingEvent",
    "FailedFile",
    "FinishedFile",
    "Limits",
    "OpenedFile",
    "Probe",
    "Sampling",
    "Segment",
    "detect_format",
    "get_extension_label",
    "looks_like_media",
    "probe",
    "read_header",
    "read_media",
    "read_segments",
    "read_segments_at",
]


def probe(path: Path, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """Metadata of a file; an animated GIF is a video, a sound file with cover art is audio.

    Raises MediaError for a file that is no media, can't be decoded at all, or exceeds the limits.
    """
    header = read_header(path)
    if _is_image(path, header, limits):
        return probe_image(path, limits)
    return survey_streams(path, header, limits).probe


def read_segments(
    path: Path, probe: Probe, sampling: Sampling = DEFAULT_SAMPLING, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Segment]:
    """The segments of a file, decoded one at a time on demand.

    An image is one segment. Segments of a damaged sound file without any sound are left out, and if one track
    of a film is broken the segments have the other. Raises MediaError when nothing can be decoded, or the
    samples of a sound file are not finite.
    """
    if probe.modality == "image" or probe.duration is None:
        yield _read_image_segment(path, sampling, limits)
        return
    header = read_header(path)
    yield from _read_nonempty_segments(path, header, survey_streams(path, header, limits), sampling)


def read_media(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """Metadata of a file, then its segments. Raises MediaError."""
    header = read_header(path)
    if _is_image(path, header, limits):
        yield probe_image(path, limits)
        yield _read_image_segment(path, sampling, limits)
        return
    survey = survey_streams(path, header, limits)
    yield survey.probe
    yield from _read_nonempty_segments(path, header, survey, sampling)


def read_segments_at(
    path: Path,
    probe: Probe,
    starts: Sequence[float],
    sampling: Sampling = DEFAULT_SAMPLING,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Segment]:
    """Only the segments that begin at `starts`, ascending; an image's always.

    A film's are without sound, or without pictures where `sampling` skips those.
    Where the file can be seeked in, the time before is not decoded. Raises MediaError.
    """
    if probe.modality == "image" or probe.duration is None:
        yield _read_image_segment(path, sampling, limits)
        return
    header = read_header(path)
    survey = survey_streams(path, header, limits)
    with open_container(path, header) as container:
        video_reader = (
            VideoReader(path, container, survey.video, sampling.max_side)
            if survey.video and sampling.skip_track != "pictures"
            else None
        )
        for start, end in compute_segment_bounds(survey.probe.duration or 0.0, sampling.segment_seconds):
            if not np.isclose(start, starts, rtol=0, atol=1e-3).any():
                continue
            if video_reader:
                frames, times = video_reader.read_frames_at(
                    compute_frame_times(start, end, sampling.fps, sampling.max_frames)
                )
                yield Segment(start=start, end=end, frames=frames, frame_times=times, audio=None)
            elif survey.audio:
                audio = _read_audio_between(path, header, survey.audio, start, end, sampling.sample_rate)
                yield Segment(start=start, end=end, frames=None, frame_times=(), audio=audio)


def _is_image(path: Path, header: bytes, limits: Limits) -> bool:
    """Whether a file is a still picture. Raises MediaError for an unsupported format."""
    format_name = detect_format(header, path)
    if refusal := REFUSAL_REASONS.get(format_name or ""):
        raise MediaError(path, refusal)
    return format_name in IMAGE_FORMATS and not (
        format_name in ANIMATED_FORMATS and is_animated(path, limits)
    )


def _read_image_segment(path: Path, sampling: Sampling, limits: Limits) -> Segment:
    frames = read_image(path, sampling.max_side, limits)
    return Segment(start=None, end=None, frames=frames, frame_times=(0.0,), audio=None)


def _read_nonempty_segments(
    path: Path, header: bytes, survey: StreamSurvey, sampling: Sampling
) -> Iterator[Segment]:
    """The segments with frames or sound. Raises MediaError if there is none."""
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
            with suppress(FFmpegError):  # no index to seek by: decode from the start
                container.seek(int((start + track_times.origin) * av.time_base))
        try:
            return AudioReader(path, container, sample_rate, track_times).read_between(start, end)
        except MediaError:
            raise
        except DECODE_ERRORS as error:
            raise MediaError(path, f"damaged: its sound can't be decoded at {start:g} s") from error
