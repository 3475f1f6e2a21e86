"""Presentation times of a file's packets, computed from their time stamps."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.media.timestamp_resets import Ints, Seconds, count_clock_resets

ClockShift: TypeAlias = tuple[int, float]  # packet of a stream, seconds to add from it on

_NO_TIMESTAMP = -(1 << 63)  # ffmpeg's value of a missing time stamp


@dataclass
class PacketLog:
    """Time stamps of one stream's packets, in ticks, in the order of the file.

    A duration over `max_packet_seconds` is accepted only if the stream's other packets are similar.
    """

    time_base: Fraction
    max_packet_seconds: float
    file_positions: array[int] = field(default_factory=lambda: array("q"))
    pts: array[int] = field(default_factory=lambda: array("q"))
    dts: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))
    is_keyframe: array[int] = field(default_factory=lambda: array("b"))
    is_discarded: array[int] = field(default_factory=lambda: array("b"))

    def add(self, packet: Any, file_position: int) -> None:
        """Record the next packet of the stream, the `file_position`-th of the file."""
        pts, dts = packet.pts, packet.dts
        self.file_positions.append(file_position)
        self.pts.append(_NO_TIMESTAMP if pts is None else pts)
        self.dts.append(_NO_TIMESTAMP if dts is None else dts)
        self.durations.append(packet.duration or 0)
        self.is_keyframe.append(packet.is_keyframe)
        self.is_discarded.append(packet.is_discard)

    def __len__(self) -> int:
        return len(self.file_positions)

    def compute_times(self) -> PacketTimes:
        """The time stamps in seconds."""
        pts_seconds, dts_seconds = (
            _convert_to_seconds(self.pts, self.time_base),
            _convert_to_seconds(self.dts, self.time_base),
        )
        start_times = np.where(np.isnan(pts_seconds), dts_seconds, pts_seconds)
        has_dts = np.isfinite(dts_seconds).mean() > 0.5 if len(self) else False
        return PacketTimes(
            file_positions=np.array(self.file_positions, np.int64),
            start_times=start_times,
            clock_times=dts_seconds if has_dts else start_times,
            durations=np.array(self.durations, np.float64) * float(self.time_base),
            is_keyframe=np.array(self.is_keyframe, bool),
            is_discarded=np.array(self.is_discarded, bool),
            max_packet_seconds=self.max_packet_seconds,
        )


@dataclass(frozen=True, kw_only=True)
class PacketTimes:
    """Times of one stream's packets in seconds of the file's own clock, in the order of the file; (n,) each.

    file_positions: index of the packet among those of all streams
    start_times:    presentation times, NaN where missing
    clock_times:    times that increase from packet to packet, NaN where missing
    durations:      as stated in the file
    is_keyframe:    True for packets that decode on their own
    is_discarded:   True for packets that an edit list removes
    max_packet_seconds: longest duration that is accepted
    """

    file_positions: Ints
    start_times: Seconds
    clock_times: Seconds
    durations: Seconds
    is_keyframe: NDArray[np.bool_]
    is_discarded: NDArray[np.bool_]
    max_packet_seconds: float


@dataclass(frozen=True, kw_only=True)
class TrackTimes:
    """Times of a stream's packets on the file's time line, in seconds from time zero.

    origin:         the file's own clock at time zero
    start_times:    (n,) of the packets that are presented, ascending
    keyframe_times: those of them that decode on their own
    end_time:       of the last packet; NaN if its duration is implausible, -inf without any packet
    untimed_count:  number of packets without a time stamp
    clock_shifts:   seconds to add to the file's time stamps where its clock restarts
    """

    stream_index: int
    origin: float
    start_times: Seconds
    keyframe_times: Seconds
    end_time: float
    untimed_count: int = 0
    clock_shifts: tuple[ClockShift, ...] = ()

    @property
    def start_time(self) -> float:
        """Start of the first packet; 0 without any."""
        return float(self.start_times[0]) if len(self.start_times) else 0.0

    def compute_video_end(self, fps: float) -> float:
        """End of the last frame; where the duration is unknown, a usual frame's or 1 / fps is assumed."""
        if not len(self.start_times):
            return self.untimed_count / fps
        frame_seconds = float(np.median(np.diff(self.start_times))) if len(self.start_times) > 1 else 1 / fps
        return float(self.start_times[-1]) + frame_seconds if np.isnan(self.end_time) else self.end_time


def place_on_timeline(
    streams: Sequence[PacketTimes], stream_indices: Sequence[int], origin: float, is_broadcast: bool
) -> list[TrackTimes]:
    """The streams of a file on one time line without resets; `is_broadcast` clocks may also jump ahead."""
    runs = count_clock_resets([(track.file_positions, track.clock_times) for track in streams], is_broadcast)
    offsets = _compute_run_offsets(streams, runs)
    if len(offsets) > 1:  # ffmpeg's start time may be that of a later run
        origin = _find_run_start(streams, runs, 0)
    return [
        _make_track_times(track, run, offsets, index, origin)
        for track, run, index in zip(streams, runs, stream_indices, strict=True)
    ]


def estimate_last_duration(start_times: Seconds, durations: Seconds, max_packet_seconds: float) -> float:
    """Duration of the last packet as stated, NaN if implausible.

    Plausible are up to `max_packet_seconds`, or four times the longest of the other packets.
    """
    longest = max(max_packet_seconds, 4 * float(np.diff(start_times).max(initial=0)))
    return float(durations[-1]) if 0 <= durations[-1] <= longest else float("nan")


def _convert_to_seconds(ticks: array[int], time_base: Fraction) -> Seconds:
    tick_array = np.array(ticks, np.int64)
    return np.where(tick_array == _NO_TIMESTAMP, np.nan, tick_array * float(time_base))


def _make_track_times(
    packet_times: PacketTimes, runs: Ints, run_offsets: Seconds, stream_index: int, origin: float
) -> TrackTimes:
    is_presented = np.isfinite(packet_times.start_times) & ~packet_times.is_discarded
    start_times = packet_times.start_times[is_presented] + run_offsets[runs[is_presented]] - origin
    order = np.argsort(start_times, kind="stable")
    start_times = start_times[order]
    reset_packets = np.flatnonzero(np.diff(runs, prepend=0))
    return TrackTimes(
        stream_index=stream_index,
        origin=origin,
        start_times=start_times,
        keyframe_times=start_times[packet_times.is_keyframe[is_presented][order]],
        end_time=_compute_end(
            start_times, packet_times.durations[is_presented][order], packet_times.max_packet_seconds
        ),
        untimed_count=int((np.isnan(packet_times.start_times) & ~packet_times.is_discarded).sum()),
        clock_shifts=tuple((int(i), float(run_offsets[runs[i]])) for i in reset_packets),
    )


def _compute_end(start_times: Seconds, durations: Seconds, max_packet_seconds: float) -> float:
    """End of the last packet; NaN if its duration is implausible, -inf without packets."""
    return (
        float(start_times[-1]) + estimate_last_duration(start_times, durations, max_packet_seconds)
        if len(start_times)
        else -np.inf
    )


def _compute_run_offsets(streams: Sequence[PacketTimes], runs: Sequence[Ints]) -> Seconds:
    """Seconds to add in each run between clock resets, so that it begins where the previous one ends."""
    count = 1 + max((int(run.max(initial=0)) for run in runs), default=0)
    offsets = np.zeros(count)
    for run in range(1, count):
        previous_end = max(
            (
                _find_end(track, stream_runs == run - 1)
                for track, stream_runs in zip(streams, runs, strict=True)
            )
        )
        offsets[run] = offsets[run - 1] + previous_end - _find_run_start(streams, runs, run)
    return offsets


def _find_run_start(streams: Sequence[PacketTimes], runs: Sequence[Ints], run: int) -> float:
    """Start of a run, in the file's own time."""
    start_times = [
        track.start_times[stream_runs == run] for track, stream_runs in zip(streams, runs, strict=True)
    ]
    return float(np.nanmin(np.concatenate(start_times)))


def _find_end(packet_times: PacketTimes, mask: NDArray[np.bool_]) -> float:
    """End of the packets selected by `mask`, in the file's own time; -inf for none."""
    selected = np.flatnonzero(mask & np.isfinite(packet_times.start_times))
    selected = selected[np.argsort(packet_times.start_times[selected], kind="stable")]
    end = _compute_end(
        packet_times.start_times[selected], packet_times.durations[selected], packet_times.max_packet_seconds
    )
    return float(packet_times.start_times[selected[-1]]) if np.isnan(end) else end
