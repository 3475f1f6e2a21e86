"""Survey of a container: its metadata, the streams to decode, and the times of their packets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags

from encoders.base import MediaError
from encoders.media.containers import (
    decode_frames,
    get_clock_origin,
    get_video_stream,
    open_container,
    read_packets,
)
from encoders.media.packet_timing import PacketLog, TrackTimes, place_on_timeline
from encoders.media.segments import Limits, Probe, get_size_refusal
from encoders.media.stream_selection import (
    FrameGeometry,
    VideoTrack,
    list_decodable_audio_streams,
    list_video_streams,
    rank_audio_streams,
    rank_video_streams,
    read_frame_geometry,
)

MAX_DURATION_SECONDS = 7 * 86400.0  # a longer time line has a damaged time stamp
# Longest plausible durations of a frame and of a packet of sound, see `PacketLog`.
_MAX_FRAME_SECONDS, _MAX_AUDIO_PACKET_SECONDS = 60.0, 1.0


@dataclass(frozen=True)
class StreamSurvey:
    """Metadata of a file, and the streams of its frames and its sound."""

    probe: Probe
    video: VideoTrack | None
    audio: TrackTimes | None


def survey_streams(path: Path, header: bytes, limits: Limits) -> StreamSurvey:
    """Survey a file by the times of all its packets and its first frame. Raises MediaError."""
    with open_container(path, header) as container:
        logs = _read_packet_logs(container)
        counts = {index: len(log) for index, log in logs.items()}
        video_stream, geometry = _find_decodable_video(
            path, header, rank_video_streams(container, counts), limits
        )
        audio_stream = next(iter(rank_audio_streams(container, counts, video_stream)), None)
        if video_stream is None and audio_stream is None:
            raise MediaError(path, _format_empty_reason(container, logs))
        times = _compute_track_times(
            container, logs, [stream.index for stream in (video_stream, audio_stream) if stream]
        )
        end_times = []
        video = audio = None
        if video_stream and geometry:
            video = VideoTrack(
                times[video_stream.index], geometry, is_only_video=len(list_video_streams(container)) == 1
            )
            end_times.append(video.times.compute_video_end(float(video_stream.average_rate or 25)))
        if audio_stream:
            audio = times[audio_stream.index]
            end_times.append(_compute_audio_end(path, header, audio))
        duration = _compute_duration(path, container, end_times)
        return StreamSurvey(
            _make_probe(container, video_stream, audio_stream, geometry, duration), video, audio
        )


def _read_packet_logs(container: InputContainer) -> dict[int, PacketLog]:
    """Time stamps of the packets of each video and sound stream, by the stream's index."""
    streams = [*list_video_streams(container), *list_decodable_audio_streams(container)]
    max_seconds = {
        stream.index: _MAX_FRAME_SECONDS if stream.type == "video" else _MAX_AUDIO_PACKET_SECONDS
        for stream in streams
    }
    logs = {
        s.index: PacketLog(s.time_base or Fraction(1, av.time_base), max_seconds[s.index]) for s in streams
    }
    if streams:
        for order, packet in enumerate(read_packets(container, *streams)):
            if packet.size:
                logs[packet.stream_index].add(packet, order)
    return logs


def _find_decodable_video(
    path: Path, header: bytes, video_streams: Sequence[av.VideoStream], limits: Limits
) -> tuple[av.VideoStream | None, FrameGeometry | None]:
    """The first stream of which a frame can be decoded, and its geometry. Raises MediaError."""
    for stream in video_streams:
        reason = get_size_refusal(stream.codec_context.width, stream.codec_context.height, limits)
        if reason:
            raise MediaError(path, reason)
        with open_container(path, header) as container:
            geometry = read_frame_geometry(container, get_video_stream(container, stream.index))
        if geometry:
            return stream, geometry
    return None, None


def _format_empty_reason(container: InputContainer, logs: Mapping[int, PacketLog]) -> str:
    """Reason for refusing a file without video or sound."""
    if any(len(log) for log in logs.values()) or not (container.streams.video or container.streams.audio):
        return "damaged: nothing in it can be decoded"
    return "zero length: no frames and no sound"


def _compute_track_times(
    container: InputContainer, logs: Mapping[int, PacketLog], stream_indices: Sequence[int]
) -> dict[int, TrackTimes]:
    is_broadcast = Flags.ts_discont in Flags(container.format.flags)
    tracks = [logs[index].compute_times() for index in stream_indices]
    track_times = place_on_timeline(tracks, stream_indices, get_clock_origin(container), is_broadcast)
    return dict(zip(stream_indices, track_times, strict=True))


def _compute_audio_end(path: Path, header: bytes, track_times: TrackTimes) -> float:
    """Seconds to the end of the last packet of sound; by counting samples if its duration is implausible."""
    if np.isfinite(track_times.end_time):
        return track_times.end_time
    with open_container(path, header) as container:
        frames = decode_frames(
            container, container.streams[track_times.stream_index], track_times.clock_shifts
        )
        return sum(frame.samples / frame.sample_rate for frame in frames) + max(0.0, track_times.start_time)


def _compute_duration(path: Path, container: InputContainer, end_times: Sequence[float]) -> float:
    """Seconds from time zero to the end of the last frame or sound. Raises MediaError if implausible."""
    durations = (max(end_times), (container.duration or 0) / av.time_base)
    duration = next((seconds for seconds in durations if 0 < seconds <= MAX_DURATION_SECONDS), None)
    if duration is None:
        raise MediaError(path, "damaged time stamps")
    return duration


def _make_probe(
    container: InputContainer,
    video_stream: av.VideoStream | None,
    audio_stream: av.AudioStream | None,
    geometry: FrameGeometry | None,
    duration: float,
) -> Probe:
    names = [stream.codec_context.name for stream in (video_stream, audio_stream) if stream is not None]
    width, height = geometry.display_size if geometry else (None, None)
    fps = video_stream and (video_stream.average_rate or video_stream.guessed_rate)
    return Probe(
        modality="video" if video_stream else "audio",
        duration=duration,
        width=width,
        height=height,
        fps=float(fps) if fps else None,
        sample_rate=audio_stream.codec_context.sample_rate if audio_stream else None,
        channels=audio_stream.codec_context.channels if audio_stream else None,
        format=" ".join([container.format.name, *names]),
        incomplete_reason=_format_undecodable_reason(container, video_stream, audio_stream),
    )


def _format_undecodable_reason(
    container: InputContainer, video_stream: av.VideoStream | None, audio_stream: av.AudioStream | None
) -> str | None:
    """Message if one of a file's tracks can't be decoded at all."""
    if list_video_streams(container) and video_stream is None:
        return "its pictures can't be decoded"
    if any(stream.codec_context is None for stream in container.streams.audio) and audio_stream is None:
        return "its sound can't be decoded"
    return None
