"""Files with a time line, opened by PyAV: which streams count, where time zero is, how long it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from encoders.base import BadMedia
from encoders.media.sniffing import kind_of, looks_like_text, refused, unknown
from encoders.media.timeline import Limits, Probe, too_large

LONGEST = 7 * 86400.0  # seconds; a longer time line is a damaged time stamp
_ALIEN = frozenset({"hls", "dash", "concat", "sdp", "rtsp", "image2", "tty", "lavfi"})  # name other files
_LOCKED = {"protocol_whitelist": "none", "enable_drefs": "0"}  # a file must not make ffmpeg open others


@dataclass(frozen=True)
class Picture:
    """How a video's frames are shown: pixels before turning, quarter turns counter-clockwise, see-through."""

    width: int
    height: int
    turns: int
    clear: bool


@contextmanager
def opened(path: Path, head: bytes) -> Iterator[InputContainer]:
    """A container for reading, from an open file and not a name: any name will do, none is a URL.

    Raises BadMedia where the file is no container that can be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise refused(path, error) from None
    with file, _container(path, file, head) as container:
        yield container


def _container(path: Path, file: BinaryIO, head: bytes) -> InputContainer:
    kind = kind_of(head)
    if kind is None and looks_like_text(head):  # also keeps play lists, which name other files, from ffmpeg
        raise BadMedia(path, unknown(head))
    try:
        container = av.open(file, "r", options=_LOCKED, metadata_errors="ignore")
    except FFmpegError:
        raise BadMedia(path, f"truncated or damaged {kind}" if kind else unknown(head)) from None
    except OSError as error:  # of the file itself, not of what is in it
        raise refused(path, error) from None
    names = container.format.name.split(",")
    if _ALIEN & set(names) or names[0].endswith("_pipe"):
        container.close()
        raise BadMedia(path, unknown(head))
    return container


def film_of(container: InputContainer) -> av.VideoStream | None:
    """The first video stream that can be decoded and is no cover art."""
    found = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return next((stream for stream in found if stream.codec_context is not None), None)


def sound_of(container: InputContainer) -> av.AudioStream | None:
    """The first audio stream that can be decoded."""
    found = (s for s in container.streams.audio if s.codec_context is not None)
    return next((stream for stream in found if stream.codec_context.sample_rate), None)


def origin_of(container: InputContainer) -> float:
    """Where the file's own clock stands at time zero, in seconds."""
    return (container.start_time or 0) / av.time_base


def decoded(container: InputContainer, stream: Any) -> Iterator[Any]:
    """All frames of a stream that can be decoded; damaged packets are left out."""
    for packet in packets(container, stream):
        try:
            yield from packet.decode()
        except FFmpegError:
            continue


def packets(container: InputContainer, *streams: Any) -> Iterator[av.Packet]:
    """The packets of some streams as far as they can be read."""
    source = container.demux(*streams)
    while True:
        try:
            packet = next(source)
        except (StopIteration, FFmpegError, IndexError):  # IndexError: a stream that only turns up now
            return
        yield packet


def picture_of(container: InputContainer, film: av.VideoStream) -> Picture | None:
    """How the film's frames are to be shown, from its first frame; None if none can be decoded."""
    frame = next(decoded(container, film), None)
    if frame is None or not frame.width * frame.height:
        return None
    width, height = _square(frame.width, frame.height, film.sample_aspect_ratio)
    clear = any(part.is_alpha for part in frame.format.components)
    return Picture(width, height, round(frame.rotation / 90) % 4, clear)


def survey(path: Path, head: bytes, limits: Limits) -> Probe:
    """What a file with a time line holds, by its first frame and all its packets' times. Raises BadMedia."""
    with opened(path, head) as container:
        film, sound = film_of(container), sound_of(container)
        _check_size(path, film, limits)
        picture = picture_of(container, film) if film else None
    if picture is None and sound is None:
        raise BadMedia(path, "damaged: nothing in it can be decoded")
    return _probe(path, head, picture)


def _probe(path: Path, head: bytes, picture: Picture | None) -> Probe:
    with opened(path, head) as container:
        film, sound = film_of(container) if picture else None, sound_of(container)
        names = [stream.codec_context.name for stream in (film, sound) if stream is not None]
        width, height = _upright(picture) if picture else (None, None)
        fps = film and (film.average_rate or film.guessed_rate)
        return Probe(
            modality="video" if film else "audio",
            duration=_duration(path, container, [stream for stream in (film, sound) if stream]),
            width=width,
            height=height,
            fps=float(fps) if fps else None,
            rate=sound.codec_context.sample_rate if sound else None,
            channels=sound.codec_context.channels if sound else None,
            format=" ".join([container.format.name, *names]),
        )


def _check_size(path: Path, film: av.VideoStream | None, limits: Limits) -> None:
    reason = film and too_large(film.codec_context.width, film.codec_context.height, limits)
    if reason:
        raise BadMedia(path, reason)


def _upright(picture: Picture) -> tuple[int, int]:
    size = picture.width, picture.height
    return size[::-1] if picture.turns % 2 else size


def _square(width: int, height: int, aspect: Any) -> tuple[int, int]:
    """Size in square pixels, the longer way of a pixel made shorter and never the shorter longer."""
    if not aspect or aspect == 1 or not 1 / 8 < aspect < 8:
        return width, height
    if aspect > 1:
        return width, max(1, round(height / aspect))
    return max(1, round(width * aspect)), height


def _duration(path: Path, container: InputContainer, streams: list[Any]) -> float:
    """Seconds from time zero to the end of the last packet. Raises BadMedia if there is none."""
    ends = _ends(container, streams)
    claims = (max(ends, default=0.0), (container.duration or 0) / av.time_base)
    seconds = next((claim for claim in claims if 0 < claim <= LONGEST), None)
    if not ends or seconds is None:
        raise BadMedia(path, "zero length: no frames and no sound" if not ends else "damaged time stamps")
    return seconds


def _ends(container: InputContainer, streams: list[Any]) -> list[float]:
    """When each stream's last packet ends; packets without a time are counted at the film's rate."""
    origin, ends, untimed = origin_of(container), dict.fromkeys((s.index for s in streams), 0.0), 0
    seen = False
    for packet in packets(container, *streams):
        if not packet.size:
            continue
        seen = True
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            untimed += 1
        else:
            end = float((stamp + (packet.duration or 0)) * packet.time_base) - origin
            ends[packet.stream_index] = max(ends[packet.stream_index], end)
    if not seen:
        return []
    return [*ends.values(), *(untimed / float(s.average_rate or 25) for s in streams if s.type == "video")]
