"""Where the clock of a file begins anew: recordings joined end to end, broadcasts that were interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
StreamPackets: TypeAlias = tuple[Ints, Seconds]

_MAX_BACKWARD_SECONDS = 0.2  # seconds; decoding times that go back by more begin anew
_MAX_FORWARD_SECONDS = (
    10.0  # seconds; in broadcast formats a step ahead by more is a new clock, as ffmpeg has it
)
_MAX_SKEW_SECONDS = 2.0  # seconds; streams are interleaved more closely than this


def count_clock_resets(streams: Sequence[StreamPackets], is_broadcast: bool) -> list[Ints]:
    """For each packet of each stream how often the file's clock has begun anew before it.

    A stream is (orders, steps), both (n,): the packets' places among those of all streams, and times in
    seconds that go up from packet to packet as long as the clock runs on (NaN where unknown). Clocks of
    `is_broadcast` formats may also leap ahead. Damaged stamps, after which a stream goes on as before or
    which other streams do not share, count for nothing, and then none does.
    """
    runs = [np.zeros(len(orders), np.int64) for orders, _ in streams]
    if any(_has_clock_jump(steps, is_broadcast) for _, steps in streams):
        counter = _ClockResetCounter(len(streams), is_broadcast)
        for track, at in _iterate_in_file_order([orders for orders, _ in streams]):
            runs[track][at] = counter.assign_run(track, float(streams[track][1][at]))
        if counter.is_inconsistent:
            return [np.zeros_like(run) for run in runs]
    return runs


def _has_clock_jump(times: Seconds, is_broadcast: bool) -> bool:
    steps = np.diff(times[np.isfinite(times)])
    return bool(
        (steps < -_MAX_BACKWARD_SECONDS).any() or (is_broadcast and (steps > _MAX_FORWARD_SECONDS).any())
    )


def _iterate_in_file_order(packet_positions: Sequence[Ints]) -> Iterator[tuple[int, int]]:
    """(track, packet) of all packets."""
    owners = np.concatenate([np.full(len(orders), track) for track, orders in enumerate(packet_positions)])
    places = np.concatenate([np.arange(len(orders)) for orders in packet_positions])
    order = np.argsort(np.concatenate(packet_positions), kind="stable")
    yield from zip(owners[order].tolist(), places[order].tolist(), strict=True)


class _ClockResetCounter:
    """Counts how often a file's clock begins anew; streams follow each other into a new run."""

    def __init__(self, stream_count: int, is_broadcast: bool) -> None:
        self.is_inconsistent = False  # the streams do not agree
        self._is_broadcast, self._latest_run = is_broadcast, 0
        self._run_by_stream: list[int | None] = [None] * stream_count
        self._last_times = [np.nan] * stream_count
        self._times_before_jump = [
            np.inf
        ] * stream_count  # the time before a step ahead, to which a damaged stamp returns
        self._times_before_reset = [
            np.nan
        ] * stream_count  # the time before the last restart, to which a damaged stamp returns
        self._times_after_reset = [np.nan] * stream_count  # the time after it
        self._behind_since = [np.nan] * stream_count  # the time since when other streams are in a later run
        self._latest_time_by_run = {0: -np.inf}  # time by run, over all streams

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
        left, entered = self._times_before_reset[stream], self._times_after_reset[stream]
        returns = (
            0 <= time - left < _MAX_BACKWARD_SECONDS
            and time - self._last_times[stream] > (left - entered) / 2
        )
        self.is_inconsistent = self.is_inconsistent or returns
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
        """A stream that goes on for long in an earlier run than others contradicts them."""
        if run == self._latest_run:
            self._behind_since[stream] = np.nan
        elif np.isnan(self._behind_since[stream]):
            self._behind_since[stream] = time
        self.is_inconsistent = self.is_inconsistent or time - self._behind_since[stream] > _MAX_SKEW_SECONDS
