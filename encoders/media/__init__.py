"""Reading media: what a file holds, and its segments one at a time as frames and sound.

A file is taken for what its first bytes say and never for its ending. Errors are BadMedia with one
short line; MemoryError passes through. To read files that may crash a decoder, see encoders.media.decoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from av.error import FFmpegError

from encoders.base import BadMedia, Sound
from encoders.media.containers import opened, origin_of, survey
from encoders.media.images import moves, probe_image, read_image
from encoders.media.sniffing import EXTENSIONS, IMAGES, MOVING, REFUSALS, head_of, kind_of, looks_like_media
from encoders.media.sounds import SoundTrack
from encoders.media.timeline import LIMITS, SAMPLING, Limits, Probe, Sampling, Segment, cuts, moments
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
    kind = kind_of(head, path)
    refusal = REFUSALS.get(kind or "")
    if refusal:
        raise BadMedia(path, refusal)
    if kind in IMAGES and not (kind in MOVING and moves(path, limits)):
        return probe_image(path, limits)
    return survey(path, head, limits)


def segments(
    path: Path, probe: Probe, sampling: Sampling = SAMPLING, limits: Limits = LIMITS
) -> Iterator[Segment]:
    """The segments of a file, decoded one at a time as they are asked for.

    An image is one segment. Stretches of a damaged sound file without any sound are left out.
    Raises BadMedia when nothing can be decoded, or the sound is not finite.
    """
    if probe.modality == "image" or probe.duration is None:
        frames = read_image(path, sampling.side, limits)
        yield Segment(start=None, end=None, frames=frames, times=(0.0,), sound=None)
        return
    found = False
    for segment in _timed(path, probe, probe.duration, sampling):
        if segment.frames is not None or segment.sound is not None:
            found = True
            yield segment
    if not found:
        raise BadMedia(path, "damaged: no sound can be decoded")


def read(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """What a file holds, then its segments. Raises BadMedia."""
    found = probe(path, limits)
    yield found
    yield from segments(path, found, sampling, limits)


def glimpses(
    path: Path, probe: Probe, starts: Sequence[float], sampling: Sampling = SAMPLING, limits: Limits = LIMITS
) -> Iterator[Segment]:
    """Only the segments that begin at `starts`, ascending: a film's without sound; an image all the same.

    What lies before is not decoded where the file can be sought in. Raises BadMedia.
    """
    if probe.modality == "image" or probe.duration is None:
        yield from segments(path, probe, sampling, limits)
        return
    head = head_of(path)
    with opened(path, head) as container:
        film = Film(path, head, container, sampling.side) if probe.modality == "video" else None
        for start, end in cuts(probe.duration, sampling.segment):
            if not np.isclose(start, starts, rtol=0, atol=1e-3).any():
                continue
            if film:
                frames, times = film.at(moments(start, end, sampling.fps, sampling.most))
                yield Segment(start=start, end=end, frames=frames, times=times, sound=None)
            else:
                sound = _heard(path, head, start, end, sampling.rate)
                yield Segment(start=start, end=end, frames=None, times=(), sound=sound)


def _heard(path: Path, head: bytes, start: float, end: float, rate: int) -> Sound | None:
    with opened(path, head) as container:
        with suppress(FFmpegError):  # no index to seek by: all that comes before is read
            container.seek(int((start + origin_of(container)) * 1e6))
        return SoundTrack(path, container, rate).between(start, end)


def _timed(path: Path, probe: Probe, duration: float, sampling: Sampling) -> Iterator[Segment]:
    """Every segment of a time line, also those with neither frames nor sound."""
    head = head_of(path)
    with ExitStack() as stack:
        film = track = None
        if probe.modality == "video":
            film = Film(path, head, stack.enter_context(opened(path, head)), sampling.side)
        if probe.rate is not None:
            track = SoundTrack(path, stack.enter_context(opened(path, head)), sampling.rate)
        for start, end in cuts(duration, sampling.segment):
            wanted = moments(start, end, sampling.fps, sampling.most)
            frames, times = film.at(wanted) if film else (None, ())
            sound = track.between(start, end) if track else None
            yield Segment(start=start, end=end, frames=frames, times=times, sound=sound)
