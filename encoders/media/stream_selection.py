"""Which of a file's streams are its film and its sound, and how the film's frames are to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from encoders.base import Frames
from encoders.media.containers import packets
from encoders.media.packet_timing import TrackTimes

_NO_FILM = Disposition.attached_pic | Disposition.timed_thumbnails


class Orientation(NamedTuple):
    """How a decoded frame is turned: rows and columns swapped first, then mirrored."""

    swapped: bool = False
    left_right: bool = False
    up_down: bool = False

    def turn(self, frame: Frames) -> Frames:
        """(h, w, 3) as shown."""
        shown = frame.transpose(1, 0, 2) if self.swapped else frame
        shown = shown[:, ::-1] if self.left_right else shown
        return np.ascontiguousarray(shown[::-1] if self.up_down else shown)


UPRIGHT = Orientation()


class Picture(NamedTuple):
    """A film's frames before turning, in square pixels, and whether they are see-through."""

    width: int
    height: int
    orientation: Orientation
    clear: bool

    @property
    def shown(self) -> tuple[int, int]:
        """(width, height) after turning."""
        return (self.height, self.width) if self.orientation.swapped else (self.width, self.height)


@dataclass(frozen=True)
class VideoTrack:
    """The stream that is a file's film; `alone` if it has no other but cover art."""

    times: TrackTimes
    picture: Picture
    alone: bool


def films_of(container: InputContainer) -> list[av.VideoStream]:
    """The streams that may be the film: all but cover art and previews."""
    return [stream for stream in container.streams.video if not stream.disposition & _NO_FILM]


def rank_videos(container: InputContainer, counts: Mapping[int, int]) -> list[av.VideoStream]:
    """The decodable films, the one players take first; stills, by `counts` of packets, come last."""
    best = container.streams.best("video")
    found = [s for s in films_of(container) if counts.get(s.index) and s.codec_context is not None]
    return sorted(found, key=lambda stream: (counts[stream.index] > 1, *_rank(stream, best)), reverse=True)


def rank_sounds(
    container: InputContainer, counts: Mapping[int, int], film: av.VideoStream | None
) -> list[av.AudioStream]:
    """The decodable sounds, the one players take to this film first; what has no packets is left out."""
    best = container.streams.best("audio", film)
    found = [s for s in decodable_sounds(container) if counts.get(s.index)]
    return sorted(found, key=lambda stream: _rank(stream, best), reverse=True)


def decodable_sounds(container: InputContainer) -> list[av.AudioStream]:
    """The sounds there is a decoder for."""
    found = (stream for stream in container.streams.audio if stream.codec_context is not None)
    return [stream for stream in found if stream.codec_context.sample_rate]


def _rank(stream: Any, best: Any) -> tuple[bool, bool]:
    chosen = best is not None and stream.index == best.index
    return chosen, bool(stream.disposition & Disposition.default)


def picture_of(container: InputContainer, film: av.VideoStream) -> Picture | None:
    """How the film's frames are to be shown, from its first frame; None if none can be decoded."""
    frame = _first_frame(container, film)
    if frame is None or not frame.width * frame.height:
        return None
    width, height = _square(frame.width, frame.height, film.sample_aspect_ratio)
    clear = any(part.is_alpha for part in frame.format.components)
    return Picture(width, height, orientation_of(frame), clear)


def _first_frame(container: InputContainer, film: av.VideoStream) -> av.VideoFrame | None:
    """The first frame that can be decoded, be it hidden by an edit list: there may be many of these."""
    for packet in packets(container, film):
        seen = av.Packet(bytes(packet)) if packet.is_discard else packet
        try:
            frames = film.codec_context.decode(seen if packet.size else None)
        except FFmpegError:
            continue
        if frames:
            return frames[0]
    return None


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """How a frame is turned by its display matrix, be that the container's or the stream's own (SEI)."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def _square(width: int, height: int, aspect: Any) -> tuple[int, int]:
    """Size in square pixels, the longer way of a pixel made shorter and never the shorter longer."""
    if not aspect or aspect == 1 or not 1 / 8 < aspect < 8:
        return width, height
    if aspect > 1:
        return width, max(1, round(height / aspect))
    return max(1, round(width * aspect)), height
