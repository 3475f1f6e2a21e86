"""What a file with a time line holds, which of its streams count, and when their frames are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags

from encoders.base import BadMedia
from encoders.media.containers import decoded, film_of, opened, origin_of, packets
from encoders.media.packet_timing import PacketLog, TrackTimes, place
from encoders.media.segments import Limits, Probe, too_large
from encoders.media.stream_selection import (
    Picture,
    VideoTrack,
    decodable_sounds,
    films_of,
    picture_of,
    rank_sounds,
    rank_videos,
)

LONGEST = 7 * 86400.0  # seconds; a longer time line is a damaged time stamp
_STILL, _BLOCK = 60.0, 1.0  # seconds that a frame and a packet of sound may claim to last without others


@dataclass(frozen=True)
class Survey:
    """What a file holds, and the streams that its pictures and its sound are read from."""

    probe: Probe
    video: VideoTrack | None
    sound: TrackTimes | None


def survey(path: Path, head: bytes, limits: Limits) -> Survey:
    """Choose a file's streams by all its packets' times and its first frame. Raises BadMedia."""
    with opened(path, head) as container:
        logs = _read_packets(container)
        counts = {index: len(log) for index, log in logs.items()}
        film, picture = _first_picture(path, head, rank_videos(container, counts), limits)
        sound = next(iter(rank_sounds(container, counts, film)), None)
        if film is None and sound is None:
            raise BadMedia(path, _nothing(container, logs))
        times = _times(container, logs, [stream.index for stream in (film, sound) if stream])
        ends = []
        video = heard = None
        if film and picture:
            video = VideoTrack(times[film.index], picture, alone=len(films_of(container)) == 1)
            ends.append(video.times.video_end(float(film.average_rate or 25)))
        if sound:
            heard = times[sound.index]
            ends.append(_sound_end(path, head, heard))
        duration = _duration(path, container, ends)
        return Survey(_probe(container, film, sound, picture, duration), video, heard)


def _read_packets(container: InputContainer) -> dict[int, PacketLog]:
    """What the packets of each film and sound say of time, by the stream's index."""
    streams = [*films_of(container), *decodable_sounds(container)]
    longest = {stream.index: _STILL if stream.type == "video" else _BLOCK for stream in streams}
    logs = {s.index: PacketLog(s.time_base or Fraction(1, av.time_base), longest[s.index]) for s in streams}
    if streams:
        for order, packet in enumerate(packets(container, *streams)):
            if packet.size:
                logs[packet.stream_index].add(packet, order)
    return logs


def _first_picture(
    path: Path, head: bytes, films: Sequence[av.VideoStream], limits: Limits
) -> tuple[av.VideoStream | None, Picture | None]:
    """The first of these streams of which a frame can be decoded, and that frame. Raises BadMedia."""
    for film in films:
        reason = too_large(film.codec_context.width, film.codec_context.height, limits)
        if reason:
            raise BadMedia(path, reason)
        with opened(path, head) as container:
            picture = picture_of(container, film_of(container, film.index))
        if picture:
            return film, picture
    return None, None


def _nothing(container: InputContainer, logs: Mapping[int, PacketLog]) -> str:
    """Why a file without film or sound is refused."""
    if any(len(log) for log in logs.values()) or not (container.streams.video or container.streams.audio):
        return "damaged: nothing in it can be decoded"
    return "zero length: no frames and no sound"


def _times(
    container: InputContainer, logs: Mapping[int, PacketLog], indices: Sequence[int]
) -> dict[int, TrackTimes]:
    broadcast = Flags.ts_discont in Flags(container.format.flags)
    tracks = [logs[index].times() for index in indices]
    placed = place(tracks, indices, origin_of(container), broadcast)
    return dict(zip(indices, placed, strict=True))


def _sound_end(path: Path, head: bytes, times: TrackTimes) -> float:
    """Seconds to the end of the last packet of sound; counted in samples if that claims the impossible."""
    if np.isfinite(times.end):
        return times.end
    with opened(path, head) as container:
        frames = decoded(container, container.streams[times.index], times.shifts)
        return sum(frame.samples / frame.sample_rate for frame in frames) + max(0.0, times.begin)


def _duration(path: Path, container: InputContainer, ends: Sequence[float]) -> float:
    """Seconds from time zero to the end of the last frame or sound. Raises BadMedia if there is none."""
    claims = (max(ends), (container.duration or 0) / av.time_base)
    seconds = next((claim for claim in claims if 0 < claim <= LONGEST), None)
    if seconds is None:
        raise BadMedia(path, "damaged time stamps")
    return seconds


def _probe(
    container: InputContainer,
    film: av.VideoStream | None,
    sound: av.AudioStream | None,
    picture: Picture | None,
    duration: float,
) -> Probe:
    names = [stream.codec_context.name for stream in (film, sound) if stream is not None]
    width, height = picture.shown if picture else (None, None)
    fps = film and (film.average_rate or film.guessed_rate)
    return Probe(
        modality="video" if film else "audio",
        duration=duration,
        width=width,
        height=height,
        fps=float(fps) if fps else None,
        rate=sound.codec_context.sample_rate if sound else None,
        channels=sound.codec_context.channels if sound else None,
        format=" ".join([container.format.name, *names]),
        incomplete=_undecodable(container, film, sound),
    )


def _undecodable(
    container: InputContainer, film: av.VideoStream | None, sound: av.AudioStream | None
) -> str | None:
    """Which of a file's tracks can't be read at all."""
    if films_of(container) and film is None:
        return "its pictures can't be decoded"
    if any(stream.codec_context is None for stream in container.streams.audio) and sound is None:
        return "its sound can't be decoded"
    return None
