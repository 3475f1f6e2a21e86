"""Files with a time line, opened by PyAV: their packets and frames as far as they can be read."""

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

_REFUSED_DEMUXERS = frozenset(
    {"hls", "dash", "concat", "sdp", "rtsp", "image2", "tty", "lavfi"}
)  # name other files
_DEMUXER_OPTIONS = {
    "protocol_whitelist": "none",
    "enable_drefs": "0",
}  # a file must not make ffmpeg open others


@contextmanager
def open_container(path: Path, header: bytes) -> Iterator[InputContainer]:
    """A container for reading, from an open file and not a name: any name will do, none is a URL.

    Raises MediaError where the file is no container that can be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise make_media_error(path, error) from None
    with file, _open_file(path, file, header) as container:
        yield container


def _open_file(path: Path, file: BinaryIO, header: bytes) -> InputContainer:
    kind = detect_format(header)
    if kind is None and looks_like_text(header):  # also keeps play lists, which name other files, from ffmpeg
        raise MediaError(path, format_unknown_reason(header))
    try:
        container = av.open(file, "r", options=_DEMUXER_OPTIONS, metadata_errors="ignore")
    except FFmpegError:
        raise MediaError(
            path, f"truncated or damaged {kind}" if kind else format_unknown_reason(header)
        ) from None
    except OSError as error:  # of the file itself, not of what is in it
        raise make_media_error(path, error) from None
    names = container.format.name.split(",")
    if _REFUSED_DEMUXERS & set(names) or names[0].endswith("_pipe"):
        container.close()
        raise MediaError(path, format_unknown_reason(header))
    return container


def get_video_stream(container: InputContainer, stream_index: int) -> av.VideoStream:
    """The video stream at this place among all streams."""
    return cast(av.VideoStream, container.streams[stream_index])


def get_clock_origin(container: InputContainer) -> float:
    """Where the file's own clock stands at time zero, in seconds."""
    return (container.start_time or 0) / av.time_base


def decode_frames(
    container: InputContainer, stream: Any, clock_shifts: Sequence[ClockShift] = ()
) -> Iterator[Any]:
    """All frames of a stream that can be decoded, from its first packet on; damaged ones are left out.

    `clock_shifts` say from which packet on how many seconds are added to the file's time stamps.
    """
    for packet in _shift_timestamps(read_packets(container, stream), clock_shifts):
        try:
            yield from packet.decode()
        except FFmpegError:
            continue


def _shift_timestamps(
    packets: Iterator[av.Packet], clock_shifts: Sequence[ClockShift]
) -> Iterator[av.Packet]:
    pending, ticks, number = list(clock_shifts), 0, 0
    for packet in packets:
        if pending and packet.size and number == pending[0][0]:
            ticks = round(pending.pop(0)[1] / packet.time_base)
        number += bool(packet.size)
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        yield packet


def read_packets(container: InputContainer, *streams: Any) -> Iterator[av.Packet]:
    """The packets of some streams as far as they can be read."""
    source = container.demux(*streams)
    while True:
        try:
            packet = next(source)
        except (StopIteration, FFmpegError, IndexError):  # IndexError: a stream that only turns up now
            return
        yield packet
