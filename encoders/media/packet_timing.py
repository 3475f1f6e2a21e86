"""When the packets of a file are shown or heard, from what they say of time; nothing here reads a file."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.media.timestamp_resets import Runs, Seconds, count_restarts

Shift: TypeAlias = tuple[int, float]  # from this packet of a stream on, so many seconds later

_NONE = -(1 << 63)  # ffmpeg's own mark for a missing time stamp


@dataclass
class PacketLog:
    """What each packet of one stream says of time, in ticks, in the order of the file.

    A packet that claims to last more than `longest` seconds has to be like the others of its stream.
    """

    base: Fraction
    longest: float
    orders: array[int] = field(default_factory=lambda: array("q"))
    shown: array[int] = field(default_factory=lambda: array("q"))
    decoded: array[int] = field(default_factory=lambda: array("q"))
    lasting: array[int] = field(default_factory=lambda: array("q"))
    keys: array[int] = field(default_factory=lambda: array("b"))
    hidden: array[int] = field(default_factory=lambda: array("b"))

    def add(self, packet: Any, order: int) -> None:
        """Note the next packet of the stream, the `order`-th of the file."""
        shown, decoded = packet.pts, packet.dts
        self.orders.append(order)
        self.shown.append(_NONE if shown is None else shown)
        self.decoded.append(_NONE if decoded is None else decoded)
        self.lasting.append(packet.duration or 0)
        self.keys.append(packet.is_keyframe)
        self.hidden.append(packet.is_discard)

    def __len__(self) -> int:
        return len(self.orders)

    def times(self) -> PacketTimes:
        """The same in seconds."""
        shown, decoded = _seconds(self.shown, self.base), _seconds(self.decoded, self.base)
        begins = np.where(np.isnan(shown), decoded, shown)
        ordered = np.isfinite(decoded).mean() > 0.5 if len(self) else False
        return PacketTimes(
            orders=np.array(self.orders, np.int64),
            begins=begins,
            steps=decoded if ordered else begins,
            durations=np.array(self.lasting, np.float64) * float(self.base),
            keys=np.array(self.keys, bool),
            hidden=np.array(self.hidden, bool),
            longest=self.longest,
        )


@dataclass(frozen=True, kw_only=True)
class PacketTimes:
    """Each packet of one stream, in the order of the file: all arrays are (n,).

    `begins` is when it is shown, `steps` a time that goes up from packet to packet, both NaN where the
    file does not say, `durations` what it claims to last, all in seconds of the file's own clock;
    `hidden` marks what an edit list takes out, `orders` is the packet's place among those of all streams,
    and `longest` what a packet may claim to last.
    """

    orders: Runs
    begins: Seconds
    steps: Seconds
    durations: Seconds
    keys: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    longest: float


@dataclass(frozen=True, kw_only=True)
class TrackTimes:
    """A stream's place in the file and on its time line, in seconds from time zero.

    `origin` is where the file's own clock stands at time zero, `begins` (n,) when each packet that is
    shown begins, ascending, `keys` those of them that decode on their own, `end` when the last one ends
    (NaN if it makes impossible claims, -inf without any), `untimed` how many more say nothing of time,
    and `shifts` what to add to the file's time stamps where its clock begins anew.
    """

    index: int
    origin: float
    begins: Seconds
    keys: Seconds
    end: float
    untimed: int = 0
    shifts: tuple[Shift, ...] = ()

    @property
    def begin(self) -> float:
        """When the first packet begins; 0 without any time."""
        return float(self.begins[0]) if len(self.begins) else 0.0

    def video_end(self, rate: float) -> float:
        """When the last frame ends; where the file does not say, frames last as at `rate` a second."""
        if not len(self.begins):
            return self.untimed / rate
        usual = float(np.median(np.diff(self.begins))) if len(self.begins) > 1 else 1 / rate
        return float(self.begins[-1]) + usual if np.isnan(self.end) else self.end


def place(
    tracks: Sequence[PacketTimes], indices: Sequence[int], origin: float, broadcast: bool
) -> list[TrackTimes]:
    """The streams of a file on one time line that never begins anew; `broadcast` clocks may also leap."""
    runs = count_restarts([(track.orders, track.steps) for track in tracks], broadcast)
    offsets = _offsets(tracks, runs)
    if len(offsets) > 1:  # what ffmpeg takes for the start may be that of a later run
        origin = _first(tracks, runs, 0)
    return [
        _placed(track, run, offsets, index, origin)
        for track, run, index in zip(tracks, runs, indices, strict=True)
    ]


def last_duration(begins: Seconds, durations: Seconds, longest: float) -> float:
    """Seconds that the last packet lasts: what it claims, or NaN if that can't be.

    Believed are claims up to `longest` seconds or four times what any other packet lasts.
    """
    known = max(longest, 4 * float(np.diff(begins).max(initial=0)))
    return float(durations[-1]) if 0 <= durations[-1] <= known else float("nan")


def _seconds(ticks: array[int], base: Fraction) -> Seconds:
    counted = np.array(ticks, np.int64)
    return np.where(counted == _NONE, np.nan, counted * float(base))


def _placed(track: PacketTimes, run: Runs, offsets: Seconds, index: int, origin: float) -> TrackTimes:
    shown = np.isfinite(track.begins) & ~track.hidden
    begins = track.begins[shown] + offsets[run[shown]] - origin
    order = np.argsort(begins, kind="stable")
    begins = begins[order]
    changes = np.flatnonzero(np.diff(run, prepend=0))
    return TrackTimes(
        index=index,
        origin=origin,
        begins=begins,
        keys=begins[track.keys[shown][order]],
        end=_end(begins, track.durations[shown][order], track.longest),
        untimed=int((np.isnan(track.begins) & ~track.hidden).sum()),
        shifts=tuple((int(at), float(offsets[run[at]])) for at in changes),
    )


def _end(begins: Seconds, durations: Seconds, longest: float) -> float:
    """When the last packet ends; NaN if what it claims can't be, -inf without packets."""
    return float(begins[-1]) + last_duration(begins, durations, longest) if len(begins) else -np.inf


def _offsets(tracks: Sequence[PacketTimes], runs: Sequence[Runs]) -> Seconds:
    """Seconds to add in each run, so that it begins where the one before ends."""
    count = 1 + max((int(run.max(initial=0)) for run in runs), default=0)
    offsets = np.zeros(count)
    for run in range(1, count):
        ended = max((_last(track, own == run - 1) for track, own in zip(tracks, runs, strict=True)))
        offsets[run] = offsets[run - 1] + ended - _first(tracks, runs, run)
    return offsets


def _first(tracks: Sequence[PacketTimes], runs: Sequence[Runs], run: int) -> float:
    """When a run begins, in the file's own time."""
    parts = [track.begins[own == run] for track, own in zip(tracks, runs, strict=True)]
    return float(np.nanmin(np.concatenate(parts)))


def _last(track: PacketTimes, inside: NDArray[np.bool_]) -> float:
    """When some packets of a stream end, in the file's own time; -inf for none."""
    chosen = np.flatnonzero(inside & np.isfinite(track.begins))
    chosen = chosen[np.argsort(track.begins[chosen], kind="stable")]
    end = _end(track.begins[chosen], track.durations[chosen], track.longest)
    return float(track.begins[chosen[-1]]) if np.isnan(end) else end
