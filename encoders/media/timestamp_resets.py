"""Where the clock of a file begins anew: recordings joined end to end, broadcasts that were interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = NDArray[np.float64]
Runs: TypeAlias = NDArray[np.int64]
Track: TypeAlias = tuple[Runs, Seconds]

_BACK = 0.2  # seconds; decoding times that go back by more begin anew
_AHEAD = 10.0  # seconds; in broadcast formats a step ahead by more is a new clock, as ffmpeg has it
_SKEW = 2.0  # seconds; streams are interleaved more closely than this


def count_restarts(tracks: Sequence[Track], broadcast: bool) -> list[Runs]:
    """For each packet of each stream how often the file's clock has begun anew before it.

    A stream is (orders, steps), both (n,): the packets' places among those of all streams, and times in
    seconds that go up from packet to packet as long as the clock runs on (NaN where unknown). Clocks of
    `broadcast` formats may also leap ahead. Damaged stamps, after which a stream goes on as before or
    which other streams do not share, count for nothing, and then none does.
    """
    runs = [np.zeros(len(orders), np.int64) for orders, _ in tracks]
    if any(_leaps(steps, broadcast) for _, steps in tracks):
        counter = _RunCounter(len(tracks), broadcast)
        for track, at in _in_file_order([orders for orders, _ in tracks]):
            runs[track][at] = counter.run_of(track, float(tracks[track][1][at]))
        if counter.uneven:
            return [np.zeros_like(run) for run in runs]
    return runs


def _leaps(times: Seconds, broadcast: bool) -> bool:
    steps = np.diff(times[np.isfinite(times)])
    return bool((steps < -_BACK).any() or (broadcast and (steps > _AHEAD).any()))


def _in_file_order(tracks: Sequence[Runs]) -> Iterator[tuple[int, int]]:
    """(track, packet) of all packets."""
    owners = np.concatenate([np.full(len(orders), track) for track, orders in enumerate(tracks)])
    places = np.concatenate([np.arange(len(orders)) for orders in tracks])
    order = np.argsort(np.concatenate(tracks), kind="stable")
    yield from zip(owners[order].tolist(), places[order].tolist(), strict=True)


class _RunCounter:
    """Counts how often a file's clock begins anew; streams follow each other into a new run."""

    def __init__(self, count: int, broadcast: bool) -> None:
        self.uneven = False  # the streams do not agree
        self._broadcast, self._latest = broadcast, 0
        self._run: list[int | None] = [None] * count
        self._last = [np.nan] * count
        self._before = [np.inf] * count  # the time before a step ahead, to which a damaged stamp returns
        self._left = [np.nan] * count  # the time before the last restart, to which a damaged stamp returns
        self._entered = [np.nan] * count  # the time after it
        self._behind = [np.nan] * count  # the time since when other streams are in a later run
        self._furthest = {0: -np.inf}  # time by run, over all streams

    def run_of(self, track: int, time: float) -> int:
        """The run of a stream's next packet."""
        if self._run[track] is None:
            self._run[track] = self._latest
        elif time - self._last[track] < -_BACK:
            self._go_back(track, time)
        elif time - self._last[track] > _BACK:
            self._go_ahead(track, time)
        run = self._run[track] or 0
        if np.isfinite(time):
            self._last[track] = time
            self._furthest[run] = max(self._furthest.get(run, -np.inf), time)
            self._compare(track, run, time)
        return run

    def _go_back(self, track: int, time: float) -> None:
        if time < self._before[track]:
            self._enter(track, time)
        self._before[track] = np.inf

    def _go_ahead(self, track: int, time: float) -> None:
        run = self._run[track] or 0
        left, entered = self._left[track], self._entered[track]
        returns = 0 <= time - left < _BACK and time - self._last[track] > (left - entered) / 2
        self.uneven = self.uneven or returns
        if time - self._last[track] <= _AHEAD:
            return
        if self._broadcast and time - self._furthest[run] > _AHEAD:
            self._enter(track, time)
        else:
            self._before[track] = self._last[track]

    def _enter(self, track: int, time: float) -> None:
        if self._run[track] == self._latest:
            self._latest += 1
        self._run[track], self._before[track] = self._latest, np.inf
        self._left[track], self._entered[track] = self._last[track], time

    def _compare(self, track: int, run: int, time: float) -> None:
        """A stream that goes on for long in an earlier run than others contradicts them."""
        if run == self._latest:
            self._behind[track] = np.nan
        elif np.isnan(self._behind[track]):
            self._behind[track] = time
        self.uneven = self.uneven or time - self._behind[track] > _SKEW
