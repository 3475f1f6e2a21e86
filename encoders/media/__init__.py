"""Reading media: what a file holds, and its segments one at a time as frames and sound.

A file is taken for what its first bytes say and never for its ending. Errors are BadMedia with one
short line; MemoryError passes through. To read files that may crash a decoder, see encoders.media.decoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from encoders.base import BadMedia
from encoders.media.containers import opened, survey
from encoders.media.images import moves, probe_image, read_image
from encoders.media.sniffing import EXTENSIONS, IMAGES, head_of, kind_of, looks_like_media
from encoders.media.sounds import SoundTrack
from encoders.media.timeline import LIMITS, SAMPLING, Limits, Probe, Sampling, Segment, cuts, moments, windows
from encoders.media.video import Film

__all__ = [
    "EXTENSIONS",
    "LIMITS",
    "SAMPLING",
    "Limits",
    "Probe",
    "Sampling",
    "Segment",
    "looks_like_media",
    "probe",
    "read",
    "segments",
    "windows",
]


def probe(path: Path, limits: Limits = LIMITS) -> Probe:
    """What a file holds; an animated GIF is a video, a sound file with cover art is audio.

    Raises BadMedia for what is no media, has nothing that can be decoded, or is larger than allowed.
    """
    head = head_of(path)
    kind = kind_of(head)
    if kind == "heic":
        raise BadMedia(path, "HEIC pictures can't be read; save it as JPEG")
    if kind in IMAGES and not (kind == "gif" and moves(path, limits)):
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
