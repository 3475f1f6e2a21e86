"""Files with a time line, opened by PyAV: their packets and frames as far as they can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer
from av.error import FFmpegError

from encoders.base import BadMedia
from encoders.media.format_detection import kind_of, looks_like_text, refused, unknown
from encoders.media.packet_timing import Shift

_ALIEN = frozenset({"hls", "dash", "concat", "sdp", "rtsp", "image2", "tty", "lavfi"})  # name other files
_LOCKED = {"protocol_whitelist": "none", "enable_drefs": "0"}  # a file must not make ffmpeg open others


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


def film_of(container: InputContainer, index: int) -> av.VideoStream:
    """The video stream at this place among all streams."""
    return cast(av.VideoStream, container.streams[index])


def origin_of(container: InputContainer) -> float:
    """Where the file's own clock stands at time zero, in seconds."""
    return (container.start_time or 0) / av.time_base


def decoded(container: InputContainer, stream: Any, shifts: Sequence[Shift] = ()) -> Iterator[Any]:
    """All frames of a stream that can be decoded, from its first packet on; damaged ones are left out.

    `shifts` say from which packet on how many seconds are added to the file's time stamps.
    """
    for packet in _shifted(packets(container, stream), shifts):
        try:
            yield from packet.decode()
        except FFmpegError:
            continue


def _shifted(source: Iterator[av.Packet], shifts: Sequence[Shift]) -> Iterator[av.Packet]:
    pending, ticks, number = list(shifts), 0, 0
    for packet in source:
        if pending and packet.size and number == pending[0][0]:
            ticks = round(pending.pop(0)[1] / packet.time_base)
        number += bool(packet.size)
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        yield packet


def packets(container: InputContainer, *streams: Any) -> Iterator[av.Packet]:
    """The packets of some streams as far as they can be read."""
    source = container.demux(*streams)
    while True:
        try:
            packet = next(source)
        except (StopIteration, FFmpegError, IndexError):  # IndexError: a stream that only turns up now
            return
        yield packet
