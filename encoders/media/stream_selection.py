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
from encoders.media.containers import read_packets
from encoders.media.packet_timing import TrackTimes

_COVER_ART_FLAGS = Disposition.attached_pic | Disposition.timed_thumbnails


class Orientation(NamedTuple):
    """How a decoded frame is turned: rows and columns swapped first, then mirrored."""

    is_transposed: bool = False
    is_flipped_horizontally: bool = False
    is_flipped_vertically: bool = False

    def apply(self, frame: Frames) -> Frames:
        """(h, w, 3) as shown."""
        shown = frame.transpose(1, 0, 2) if self.is_transposed else frame
        shown = shown[:, ::-1] if self.is_flipped_horizontally else shown
        return np.ascontiguousarray(shown[::-1] if self.is_flipped_vertically else shown)


UPRIGHT = Orientation()


class FrameGeometry(NamedTuple):
    """A film's frames before turning, in square pixels, and whether they are see-through."""

    width: int
    height: int
    orientation: Orientation
    has_alpha: bool

    @property
    def display_size(self) -> tuple[int, int]:
        """(width, height) after turning."""
        return (self.height, self.width) if self.orientation.is_transposed else (self.width, self.height)


@dataclass(frozen=True)
class VideoTrack:
    """The stream that is a file's film; `is_only_video` if it has no other but cover art."""

    times: TrackTimes
    geometry: FrameGeometry
    is_only_video: bool


def list_video_streams(container: InputContainer) -> list[av.VideoStream]:
    """The streams that may be the film: all but cover art and previews."""
    return [stream for stream in container.streams.video if not stream.disposition & _COVER_ART_FLAGS]


def rank_video_streams(container: InputContainer, packet_counts: Mapping[int, int]) -> list[av.VideoStream]:
    """The decodable films, the one players take first; stills, by `packet_counts` of packets, come last."""
    best = container.streams.best("video")
    found = [
        s for s in list_video_streams(container) if packet_counts.get(s.index) and s.codec_context is not None
    ]
    return sorted(
        found,
        key=lambda stream: (packet_counts[stream.index] > 1, *_make_rank_key(stream, best)),
        reverse=True,
    )


def rank_audio_streams(
    container: InputContainer, packet_counts: Mapping[int, int], video_stream: av.VideoStream | None
) -> list[av.AudioStream]:
    """The decodable sounds, the one players take to this film first; what has no packets is left out."""
    best = container.streams.best("audio", video_stream)
    found = [s for s in list_decodable_audio_streams(container) if packet_counts.get(s.index)]
    return sorted(found, key=lambda stream: _make_rank_key(stream, best), reverse=True)


def list_decodable_audio_streams(container: InputContainer) -> list[av.AudioStream]:
    """The sounds there is a decoder for."""
    found = (stream for stream in container.streams.audio if stream.codec_context is not None)
    return [stream for stream in found if stream.codec_context.sample_rate]


def _make_rank_key(stream: Any, best_stream: Any) -> tuple[bool, bool]:
    chosen = best_stream is not None and stream.index == best_stream.index
    return chosen, bool(stream.disposition & Disposition.default)


def read_frame_geometry(container: InputContainer, stream: av.VideoStream) -> FrameGeometry | None:
    """How the film's frames are to be shown, from its first frame; None if none can be decoded."""
    frame = _decode_first_frame(container, stream)
    if frame is None or not frame.width * frame.height:
        return None
    width, height = _compute_square_pixel_size(frame.width, frame.height, stream.sample_aspect_ratio)
    clear = any(part.is_alpha for part in frame.format.components)
    return FrameGeometry(width, height, read_orientation(frame), clear)


def _decode_first_frame(container: InputContainer, stream: av.VideoStream) -> av.VideoFrame | None:
    """The first frame that can be decoded, be it hidden by an edit list: there may be many of these."""
    for packet in read_packets(container, stream):
        seen = av.Packet(bytes(packet)) if packet.is_discard else packet
        try:
            frames = stream.codec_context.decode(seen if packet.size else None)
        except FFmpegError:
            continue
        if frames:
            return frames[0]
    return None


def read_orientation(frame: av.VideoFrame) -> Orientation:
    """How a frame is turned by its display matrix, be that the container's or the stream's own (SEI)."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def _compute_square_pixel_size(width: int, height: int, pixel_aspect: Any) -> tuple[int, int]:
    """Size in square pixels, the longer way of a pixel made shorter and never the shorter longer."""
    if not pixel_aspect or pixel_aspect == 1 or not 1 / 8 < pixel_aspect < 8:
        return width, height
    if pixel_aspect > 1:
        return width, max(1, round(height / pixel_aspect))
    return max(1, round(width * pixel_aspect)), height
