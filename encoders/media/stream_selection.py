"""Selection of a file's video and sound streams, and the geometry of its frames."""

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
    """Rotation of a decoded frame: rows and columns are swapped first, then mirrored."""

    is_transposed: bool = False
    is_flipped_horizontally: bool = False
    is_flipped_vertically: bool = False

    def apply(self, frame: Frames) -> Frames:
        """The frame (h, w, 3) upright."""
        upright = frame.transpose(1, 0, 2) if self.is_transposed else frame
        upright = upright[:, ::-1] if self.is_flipped_horizontally else upright
        return np.ascontiguousarray(upright[::-1] if self.is_flipped_vertically else upright)


UPRIGHT = Orientation()


class FrameGeometry(NamedTuple):
    """Size of a film's frames in square pixels before rotation, their rotation and transparency."""

    width: int
    height: int
    orientation: Orientation
    has_alpha: bool

    @property
    def display_size(self) -> tuple[int, int]:
        """(width, height) after rotation."""
        return (self.height, self.width) if self.orientation.is_transposed else (self.width, self.height)


@dataclass(frozen=True)
class VideoTrack:
    """A file's video stream; `is_only_video` if all others are cover art."""

    times: TrackTimes
    geometry: FrameGeometry
    is_only_video: bool


def list_video_streams(container: InputContainer) -> list[av.VideoStream]:
    """Video streams but cover art and previews."""
    return [stream for stream in container.streams.video if not stream.disposition & _COVER_ART_FLAGS]


def rank_video_streams(container: InputContainer, packet_counts: Mapping[int, int]) -> list[av.VideoStream]:
    """Decodable video streams, the one that players choose first; stills (one packet) come last."""
    best = container.streams.best("video")
    streams = [
        s for s in list_video_streams(container) if packet_counts.get(s.index) and s.codec_context is not None
    ]
    return sorted(
        streams,
        key=lambda stream: (packet_counts[stream.index] > 1, *_make_rank_key(stream, best)),
        reverse=True,
    )


def rank_audio_streams(
    container: InputContainer, packet_counts: Mapping[int, int], video_stream: av.VideoStream | None
) -> list[av.AudioStream]:
    """Decodable sound streams with packets, the one that players choose with this video first."""
    best = container.streams.best("audio", video_stream)
    streams = [s for s in list_decodable_audio_streams(container) if packet_counts.get(s.index)]
    return sorted(streams, key=lambda stream: _make_rank_key(stream, best), reverse=True)


def list_decodable_audio_streams(container: InputContainer) -> list[av.AudioStream]:
    """Sound streams that have a decoder."""
    streams = (stream for stream in container.streams.audio if stream.codec_context is not None)
    return [stream for stream in streams if stream.codec_context.sample_rate]


def _make_rank_key(stream: Any, best_stream: Any) -> tuple[bool, bool]:
    is_best = best_stream is not None and stream.index == best_stream.index
    return is_best, bool(stream.disposition & Disposition.default)


def read_frame_geometry(container: InputContainer, stream: av.VideoStream) -> FrameGeometry | None:
    """Geometry of the frames, from the first one; None if none can be decoded."""
    frame = _decode_first_frame(container, stream)
    if frame is None or not frame.width * frame.height:
        return None
    width, height = _compute_square_pixel_size(frame.width, frame.height, stream.sample_aspect_ratio)
    has_alpha = any(part.is_alpha for part in frame.format.components)
    return FrameGeometry(width, height, read_orientation(frame), has_alpha)


def _decode_first_frame(container: InputContainer, stream: av.VideoStream) -> av.VideoFrame | None:
    """The first frame that can be decoded, including those that an edit list hides."""
    for packet in read_packets(container, stream):
        decodable = av.Packet(bytes(packet)) if packet.is_discard else packet
        try:
            frames = stream.codec_context.decode(decodable if packet.size else None)
        except FFmpegError:
            continue
        if frames:
            return frames[0]
    return None


def read_orientation(frame: av.VideoFrame) -> Orientation:
    """Rotation of a frame by its display matrix, of the container or of the stream (SEI)."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def _compute_square_pixel_size(width: int, height: int, pixel_aspect: Any) -> tuple[int, int]:
    """Size in square pixels: the axis along which pixels are longer stays, the other shrinks."""
    if not pixel_aspect or pixel_aspect == 1 or not 1 / 8 < pixel_aspect < 8:
        return width, height
    if pixel_aspect > 1:
        return width, max(1, round(height / pixel_aspect))
    return max(1, round(width * pixel_aspect)), height
