"""Containers of video and sound, opened by PyAV: packets and frames as far as they can be decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer
from av.error import FFmpegError

from encoders.base import MediaError
from encoders.media.format_detection import (
    detect_format,
    format_unknown_reason,
    looks_like_text,
    make_media_error,
)
from encoders.media.packet_timing import ClockShift

# Formats that refer to other files.
_REFUSED_DEMUXERS = frozenset({"hls", "dash", "concat", "sdp", "rtsp", "image2", "tty", "lavfi"})
# A file must not make ffmpeg open others.
_DEMUXER_OPTIONS = {"protocol_whitelist": "none", "enable_drefs": "0"}


@contextmanager
def open_container(path: Path, header: bytes) -> Iterator[InputContainer]:
    """Open a container for reading, by a file object: no file name is taken for a URL.

    Raises MediaError if the file is no supported container.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise make_media_error(path, error) from None
    with file, _open_file(path, file, header) as container:
        yield container


def _open_file(path: Path, file: BinaryIO, header: bytes) -> InputContainer:
    format_name = detect_format(header)
    if format_name is None and looks_like_text(header):  # also refuses play lists
        raise MediaError(path, format_unknown_reason(header))
    try:
        container = av.open(file, "r", options=_DEMUXER_OPTIONS, metadata_errors="ignore")
    except FFmpegError:
        raise MediaError(
            path, f"truncated or damaged {format_name}" if format_name else format_unknown_reason(header)
        ) from None
    except OSError as error:  # of the file system, not of the content
        raise make_media_error(path, error) from None
    names = container.format.name.split(",")
    if _REFUSED_DEMUXERS & set(names) or names[0].endswith("_pipe"):
        container.close()
        raise MediaError(path, format_unknown_reason(header))
    return container


def get_video_stream(container: InputContainer, stream_index: int) -> av.VideoStream:
    """The video stream with this index among all streams."""
    return cast(av.VideoStream, container.streams[stream_index])


def get_clock_origin(container: InputContainer) -> float:
    """Seconds of the file's own clock at time zero."""
    return (container.start_time or 0) / av.time_base


def decode_frames(
    container: InputContainer, stream: Any, clock_shifts: Sequence[ClockShift] = ()
) -> Iterator[Any]:
    """Frames of a stream that can be decoded, from its first packet on; damaged ones are left out.

    clock_shifts: (packet, seconds): from this packet of the stream on, add so much to the time stamps
    """
    for packet in _shift_timestamps(read_packets(container, stream), clock_shifts):
        try:
            yield from packet.decode()
        except FFmpegError:
            continue


def _shift_timestamps(
    packets: Iterator[av.Packet], clock_shifts: Sequence[ClockShift]
) -> Iterator[av.Packet]:
    pending, ticks, packet_index = list(clock_shifts), 0, 0
    for packet in packets:
        if pending and packet.size and packet_index == pending[0][0]:
            ticks = round(pending.pop(0)[1] / packet.time_base)
        packet_index += bool(packet.size)
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        yield packet


def read_packets(container: InputContainer, *streams: Any) -> Iterator[av.Packet]:
    """The packets of these streams as far as they can be read."""
    source = container.demux(*streams)
    while True:
        try:
            packet = next(source)
        except (StopIteration, FFmpegError, IndexError):  # IndexError: a stream that appears late
            return
        yield packet
