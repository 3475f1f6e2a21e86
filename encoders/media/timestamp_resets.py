"""Detection of clock resets in a file: concatenated recordings, interrupted broadcasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
StreamPackets: TypeAlias = tuple[Ints, Seconds]

_MAX_BACKWARD_SECONDS = 0.2  # decoding times that go back by more are a reset
_MAX_FORWARD_SECONDS = 10.0  # in broadcast formats a jump ahead by more is a reset, as in ffmpeg
_MAX_SKEW_SECONDS = 2.0  # streams are interleaved more closely than this


def count_clock_resets(streams: Sequence[StreamPackets], is_broadcast: bool) -> list[Ints]:
    """Number of clock resets before each packet of each stream, in the file's order.

    A stream is (positions, times), both (n,): the packets' indices among those of all streams, and seconds
    that increase from packet to packet until a reset (NaN where unknown). Clocks of `is_broadcast` formats
    may also jump ahead. If damaged stamps are found, after which a stream continues as before or which other
    streams do not share, no reset is counted.
    """
    runs = [np.zeros(len(positions), np.int64) for positions, _ in streams]
    if any(_has_clock_jump(times, is_broadcast) for _, times in streams):
        counter = _ClockResetCounter(len(streams), is_broadcast)
        for stream, packet in _iterate_in_file_order([positions for positions, _ in streams]):
            runs[stream][packet] = counter.assign_run(stream, float(streams[stream][1][packet]))
        if counter.is_inconsistent:
            return [np.zeros_like(run) for run in runs]
    return runs


def _has_clock_jump(times: Seconds, is_broadcast: bool) -> bool:
    steps = np.diff(times[np.isfinite(times)])
    return bool(
        (steps < -_MAX_BACKWARD_SECONDS).any() or (is_broadcast and (steps > _MAX_FORWARD_SECONDS).any())
    )


def _iterate_in_file_order(packet_positions: Sequence[Ints]) -> Iterator[tuple[int, int]]:
    """(stream, packet) of all packets in the file's order."""
    streams = np.concatenate(
        [np.full(len(positions), stream) for stream, positions in enumerate(packet_positions)]
    )
    packets = np.concatenate([np.arange(len(positions)) for positions in packet_positions])
    order = np.argsort(np.concatenate(packet_positions), kind="stable")
    yield from zip(streams[order].tolist(), packets[order].tolist(), strict=True)


class _ClockResetCounter:
    """Counts the clock resets of a file; a run is the time between two, entered by each stream in turn."""

    def __init__(self, stream_count: int, is_broadcast: bool) -> None:
        self.is_inconsistent = False  # the streams do not agree
        self._is_broadcast, self._latest_run = is_broadcast, 0
        self._run_by_stream: list[int | None] = [None] * stream_count
        self._last_times = [np.nan] * stream_count
        # Times before a jump ahead and before the last reset: a stream returns to them after a damaged stamp.
        self._times_before_jump = [np.inf] * stream_count
        self._times_before_reset = [np.nan] * stream_count
        self._times_after_reset = [np.nan] * stream_count
        self._behind_since = [np.nan] * stream_count  # since when other streams are in a later run
        self._latest_time_by_run = {0: -np.inf}  # over all streams

    def assign_run(self, stream: int, time: float) -> int:
        """The run of a stream's next packet."""
        if self._run_by_stream[stream] is None:
            self._run_by_stream[stream] = self._latest_run
        elif time - self._last_times[stream] < -_MAX_BACKWARD_SECONDS:
            self._handle_backward_jump(stream, time)
        elif time - self._last_times[stream] > _MAX_BACKWARD_SECONDS:
            self._handle_forward_jump(stream, time)
        run = self._run_by_stream[stream] or 0
        if np.isfinite(time):
            self._last_times[stream] = time
            self._latest_time_by_run[run] = max(self._latest_time_by_run.get(run, -np.inf), time)
            self._check_agreement(stream, run, time)
        return run

    def _handle_backward_jump(self, stream: int, time: float) -> None:
        if time < self._times_before_jump[stream]:
            self._start_run(stream, time)
        self._times_before_jump[stream] = np.inf

    def _handle_forward_jump(self, stream: int, time: float) -> None:
        run = self._run_by_stream[stream] or 0
        before, after = self._times_before_reset[stream], self._times_after_reset[stream]
        is_return = (
            0 <= time - before < _MAX_BACKWARD_SECONDS
            and time - self._last_times[stream] > (before - after) / 2
        )
        self.is_inconsistent = self.is_inconsistent or is_return
        if time - self._last_times[stream] <= _MAX_FORWARD_SECONDS:
            return
        if self._is_broadcast and time - self._latest_time_by_run[run] > _MAX_FORWARD_SECONDS:
            self._start_run(stream, time)
        else:
            self._times_before_jump[stream] = self._last_times[stream]

    def _start_run(self, stream: int, time: float) -> None:
        if self._run_by_stream[stream] == self._latest_run:
            self._latest_run += 1
        self._run_by_stream[stream], self._times_before_jump[stream] = self._latest_run, np.inf
        self._times_before_reset[stream], self._times_after_reset[stream] = self._last_times[stream], time

    def _check_agreement(self, stream: int, run: int, time: float) -> None:
        """A stream that stays long in an earlier run than others contradicts them."""
        if run == self._latest_run:
            self._behind_since[stream] = np.nan
        elif np.isnan(self._behind_since[stream]):
            self._behind_since[stream] = time
        self.is_inconsistent = self.is_inconsistent or time - self._behind_since[stream] > _MAX_SKEW_SECONDS
