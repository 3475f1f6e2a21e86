"""Reading media: what a file holds, and its segments one at a time as frames and sound.

A file is taken for what its first bytes say and never for its ending. Errors are BadMedia with one
short line; MemoryError passes through. To read files that may crash a decoder, see encoders.media.decoder_pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from encoders.base import BadMedia, Sound
from encoders.media.audio import SoundTrack
from encoders.media.containers import opened
from encoders.media.format_detection import (
    EXTENSIONS,
    IMAGES,
    MOVING,
    REFUSALS,
    head_of,
    kind_of,
    looks_like_media,
)
from encoders.media.image import moves, probe_image, read_image
from encoders.media.packet_timing import TrackTimes
from encoders.media.segmentation import split
from encoders.media.segments import LIMITS, SAMPLING, Limits, Probe, Sampling, Segment, cuts, moments
from encoders.media.stream_survey import Survey, survey
from encoders.media.video import Film

__all__ = [
    "EXTENSIONS",
    "LIMITS",
    "SAMPLING",
    "Limits",
    "Probe",
    "Sampling",
    "Segment",
    "glimpses",
    "looks_like_media",
    "probe",
    "read",
    "segments",
]


def probe(path: Path, limits: Limits = LIMITS) -> Probe:
    """What a file holds; an animated GIF is a video, a sound file with cover art is audio.

    Raises BadMedia for what is no media, has nothing that can be decoded, or is larger than allowed.
    """
    head = head_of(path)
    if _is_image(path, head, limits):
        return probe_image(path, limits)
    return survey(path, head, limits).probe


def segments(
    path: Path, probe: Probe, sampling: Sampling = SAMPLING, limits: Limits = LIMITS
) -> Iterator[Segment]:
    """The segments of a file, decoded one at a time as they are asked for.

    An image is one segment. Stretches of a damaged sound file without any sound are left out, and where
    one track of a film is broken the segments have the other. Raises BadMedia when nothing can be
    decoded, or the sound of a sound file is not finite.
    """
    if probe.modality == "image" or probe.duration is None:
        yield _still(path, sampling, limits)
        return
    head = head_of(path)
    yield from _pieces(path, head, survey(path, head, limits), sampling)


def read(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """What a file holds, then its segments. Raises BadMedia."""
    head = head_of(path)
    if _is_image(path, head, limits):
        yield probe_image(path, limits)
        yield _still(path, sampling, limits)
        return
    found = survey(path, head, limits)
    yield found.probe
    yield from _pieces(path, head, found, sampling)


def glimpses(
    path: Path, probe: Probe, starts: Sequence[float], sampling: Sampling = SAMPLING, limits: Limits = LIMITS
) -> Iterator[Segment]:
    """Only the segments that begin at `starts`, ascending: a film's without sound; an image all the same.

    What lies before is not decoded where the file can be sought in. Raises BadMedia.
    """
    if probe.modality == "image" or probe.duration is None:
        yield _still(path, sampling, limits)
        return
    head = head_of(path)
    found = survey(path, head, limits)
    with opened(path, head) as container:
        film = Film(path, container, found.video, sampling.side) if found.video else None
        for start, end in cuts(found.probe.duration or 0.0, sampling.segment):
            if not np.isclose(start, starts, rtol=0, atol=1e-3).any():
                continue
            if film:
                frames, times = film.at(moments(start, end, sampling.fps, sampling.most))
                yield Segment(start=start, end=end, frames=frames, times=times, sound=None)
            elif found.sound:
                sound = _sound_between(path, head, found.sound, start, end, sampling.rate)
                yield Segment(start=start, end=end, frames=None, times=(), sound=sound)


def _is_image(path: Path, head: bytes, limits: Limits) -> bool:
    """Whether a file is a still picture. Raises BadMedia for a kind that can't be read."""
    kind = kind_of(head, path)
    if refusal := REFUSALS.get(kind or ""):
        raise BadMedia(path, refusal)
    return kind in IMAGES and not (kind in MOVING and moves(path, limits))


def _still(path: Path, sampling: Sampling, limits: Limits) -> Segment:
    frames = read_image(path, sampling.side, limits)
    return Segment(start=None, end=None, frames=frames, times=(0.0,), sound=None)


def _pieces(path: Path, head: bytes, found: Survey, sampling: Sampling) -> Iterator[Segment]:
    """The segments that hold something. Raises BadMedia if none does."""
    empty = True
    for segment in split(path, head, found, sampling):
        if segment.frames is not None or segment.sound is not None:
            empty = False
            yield segment
    if empty:
        raise BadMedia(path, "damaged: no sound can be decoded")


def _sound_between(
    path: Path, head: bytes, track: TrackTimes, start: float, end: float, rate: int
) -> Sound | None:
    with opened(path, head) as container:
        if not track.shifts:
            with suppress(FFmpegError):  # no index to seek by: all that comes before is read
                container.seek(int((start + track.origin) * av.time_base))
        return SoundTrack(path, container, rate, track).between(start, end)
