"""When the packets of a file are shown or heard, from what they say of time; nothing here reads a file."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.media.timestamp_resets import Ints, Seconds, count_clock_resets

ClockShift: TypeAlias = tuple[int, float]  # from this packet of a stream on, so many seconds later

_NO_TIMESTAMP = -(1 << 63)  # ffmpeg's own mark for a missing time stamp


@dataclass
class PacketLog:
    """What each packet of one stream says of time, in ticks, in the order of the file.

    A packet that claims to last more than `max_packet_seconds` seconds has to be like the others of its
    stream.
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
        """Note the next packet of the stream, the `file_position`-th of the file."""
        shown, decoded = packet.pts, packet.dts
        self.file_positions.append(file_position)
        self.pts.append(_NO_TIMESTAMP if shown is None else shown)
        self.dts.append(_NO_TIMESTAMP if decoded is None else decoded)
        self.durations.append(packet.duration or 0)
        self.is_keyframe.append(packet.is_keyframe)
        self.is_discarded.append(packet.is_discard)

    def __len__(self) -> int:
        return len(self.file_positions)

    def compute_times(self) -> PacketTimes:
        """The same in seconds."""
        shown, decoded = (
            _convert_to_seconds(self.pts, self.time_base),
            _convert_to_seconds(self.dts, self.time_base),
        )
        begins = np.where(np.isnan(shown), decoded, shown)
        ordered = np.isfinite(decoded).mean() > 0.5 if len(self) else False
        return PacketTimes(
            file_positions=np.array(self.file_positions, np.int64),
            start_times=begins,
            clock_times=decoded if ordered else begins,
            durations=np.array(self.durations, np.float64) * float(self.time_base),
            is_keyframe=np.array(self.is_keyframe, bool),
            is_discarded=np.array(self.is_discarded, bool),
            max_packet_seconds=self.max_packet_seconds,
        )


@dataclass(frozen=True, kw_only=True)
class PacketTimes:
    """Each packet of one stream, in the order of the file: all arrays are (n,).

    `start_times` is when it is shown, `clock_times` a time that goes up from packet to packet, both NaN
    where the file does not say, `durations` what it claims to last, all in seconds of the file's own clock;
    `is_discarded` marks what an edit list takes out, `file_positions` is the packet's place among those of
    all streams, and `max_packet_seconds` what a packet may claim to last.
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
    """A stream's place in the file and on its time line, in seconds from time zero.

    `origin` is where the file's own clock stands at time zero, `start_times` (n,) when each packet that is
    shown begins, ascending, `keyframe_times` those of them that decode on their own, `end_time` when the
    last one ends (NaN if it makes impossible claims, -inf without any), `untimed_count` how many more say
    nothing of time, and `clock_shifts` what to add to the file's time stamps where its clock begins anew.
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
        """When the first packet begins; 0 without any time."""
        return float(self.start_times[0]) if len(self.start_times) else 0.0

    def compute_video_end(self, fps: float) -> float:
        """When the last frame ends; where the file does not say, frames last as at `fps` a second."""
        if not len(self.start_times):
            return self.untimed_count / fps
        usual = float(np.median(np.diff(self.start_times))) if len(self.start_times) > 1 else 1 / fps
        return float(self.start_times[-1]) + usual if np.isnan(self.end_time) else self.end_time


def place_on_timeline(
    streams: Sequence[PacketTimes], stream_indices: Sequence[int], origin: float, is_broadcast: bool
) -> list[TrackTimes]:
    """The streams of a file on one time line that never begins anew; `is_broadcast` clocks may also leap."""
    runs = count_clock_resets([(track.file_positions, track.clock_times) for track in streams], is_broadcast)
    offsets = _compute_run_offsets(streams, runs)
    if len(offsets) > 1:  # what ffmpeg takes for the start may be that of a later run
        origin = _find_run_start(streams, runs, 0)
    return [
        _make_track_times(track, run, offsets, index, origin)
        for track, run, index in zip(streams, runs, stream_indices, strict=True)
    ]


def estimate_last_duration(start_times: Seconds, durations: Seconds, max_packet_seconds: float) -> float:
    """Seconds that the last packet lasts: what it claims, or NaN if that can't be.

    Believed are claims up to `max_packet_seconds` seconds or four times what any other packet lasts.
    """
    known = max(max_packet_seconds, 4 * float(np.diff(start_times).max(initial=0)))
    return float(durations[-1]) if 0 <= durations[-1] <= known else float("nan")


def _convert_to_seconds(ticks: array[int], time_base: Fraction) -> Seconds:
    counted = np.array(ticks, np.int64)
    return np.where(counted == _NO_TIMESTAMP, np.nan, counted * float(time_base))


def _make_track_times(
    packet_times: PacketTimes, runs: Ints, run_offsets: Seconds, stream_index: int, origin: float
) -> TrackTimes:
    shown = np.isfinite(packet_times.start_times) & ~packet_times.is_discarded
    begins = packet_times.start_times[shown] + run_offsets[runs[shown]] - origin
    order = np.argsort(begins, kind="stable")
    begins = begins[order]
    changes = np.flatnonzero(np.diff(runs, prepend=0))
    return TrackTimes(
        stream_index=stream_index,
        origin=origin,
        start_times=begins,
        keyframe_times=begins[packet_times.is_keyframe[shown][order]],
        end_time=_compute_end(begins, packet_times.durations[shown][order], packet_times.max_packet_seconds),
        untimed_count=int((np.isnan(packet_times.start_times) & ~packet_times.is_discarded).sum()),
        clock_shifts=tuple((int(at), float(run_offsets[runs[at]])) for at in changes),
    )


def _compute_end(start_times: Seconds, durations: Seconds, max_packet_seconds: float) -> float:
    """When the last packet ends; NaN if what it claims can't be, -inf without packets."""
    return (
        float(start_times[-1]) + estimate_last_duration(start_times, durations, max_packet_seconds)
        if len(start_times)
        else -np.inf
    )


def _compute_run_offsets(streams: Sequence[PacketTimes], runs: Sequence[Ints]) -> Seconds:
    """Seconds to add in each run, so that it begins where the one before ends."""
    count = 1 + max((int(run.max(initial=0)) for run in runs), default=0)
    offsets = np.zeros(count)
    for run in range(1, count):
        ended = max((_find_end(track, own == run - 1) for track, own in zip(streams, runs, strict=True)))
        offsets[run] = offsets[run - 1] + ended - _find_run_start(streams, runs, run)
    return offsets


def _find_run_start(streams: Sequence[PacketTimes], runs: Sequence[Ints], run: int) -> float:
    """When a run begins, in the file's own time."""
    parts = [track.start_times[own == run] for track, own in zip(streams, runs, strict=True)]
    return float(np.nanmin(np.concatenate(parts)))


def _find_end(packet_times: PacketTimes, mask: NDArray[np.bool_]) -> float:
    """When some packets of a stream end, in the file's own time; -inf for none."""
    chosen = np.flatnonzero(mask & np.isfinite(packet_times.start_times))
    chosen = chosen[np.argsort(packet_times.start_times[chosen], kind="stable")]
    end = _compute_end(
        packet_times.start_times[chosen], packet_times.durations[chosen], packet_times.max_packet_seconds
    )
    return float(packet_times.start_times[chosen[-1]]) if np.isnan(end) else end
