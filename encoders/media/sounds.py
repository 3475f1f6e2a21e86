"""The sound of a file, mono at one rate, read on in step with its segments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from encoders.base import BadMedia, Rows, Sound
from encoders.media.containers import decoded
from encoders.media.timing import TrackTimes

_GAP = 0.1  # seconds; larger holes in the time stamps are silence, smaller ones rounding

Piece = tuple[int, Rows]  # position in samples from time zero, mono samples (n,)


class SoundTrack:
    """Sound of an open container from one moment to the next; holds no more than was just asked for."""

    def __init__(self, path: Path, container: InputContainer, rate: int, track: TrackTimes) -> None:
        self._path, self._rate = path, rate
        self._pieces = _pieces(container, rate, track)
        self._held: deque[Piece] = deque()
        self._ended = False

    def between(self, start: float, end: float) -> Sound | None:
        """Sound that begins at `start` seconds, silent in holes and ending at `end` or with the file's.

        None where the file has no sound here. Moments must not go back. Raises BadMedia for samples
        that are not finite.
        """
        first, last = round(start * self._rate), round(end * self._rate)
        self._fill(last)
        out, length = np.zeros(last - first, np.float32), 0
        for position, samples in self._held:
            left, right = max(position, first), min(position + len(samples), last)
            if left < right:
                out[left - first : right - first] = samples[left - position : right - position]
                length = max(length, right - first)
        self._forget(last)
        if not np.isfinite(out).all():
            raise BadMedia(self._path, "its sound has samples that are not finite (NaN or infinite)")
        return Sound(samples=out[:length].clip(-1, 1), rate=self._rate) if length else None

    def _fill(self, last: int) -> None:
        while not self._ended and (not self._held or _end(self._held[-1]) < last):
            piece = next(self._pieces, None)
            self._ended = piece is None
            if piece is not None:
                self._held.append(piece)

    def _forget(self, last: int) -> None:
        while self._held and _end(self._held[0]) <= last:
            self._held.popleft()


def to_mono(samples: Rows, names: tuple[str, ...]) -> Rows:
    """(channels, n) to (n,): the mean of the channels but the effects one (LFE), which is no direction.

    A mean can't clip; ffmpeg's own float downmix adds channels up to 1.7 times full scale.
    """
    loud = np.array([not name.startswith("LFE") for name in names])
    return samples[loud if loud.any() and len(loud) == len(samples) else slice(None)].mean(axis=0)


def _end(piece: Piece) -> int:
    return piece[0] + len(piece[1])


def _pieces(container: InputContainer, rate: int, track: TrackTimes) -> Iterator[Piece]:
    """Consecutive pieces of mono sound; frames that follow each other are resampled without a seam."""
    origin, position, shape = track.origin, 0, None
    resampler = av.AudioResampler(format="fltp", rate=rate)
    for frame in decoded(container, container.streams[track.index], track.shifts):
        begin = position if frame.time is None else round((frame.time - origin) * rate)
        changed = shape not in (None, _shape(frame))
        if changed or begin - position > _GAP * rate:
            yield from _placed(resampler.resample(None), position)
            resampler = av.AudioResampler(format="fltp", rate=rate)
            position = max(position, begin)
        shape = _shape(frame)
        for piece in _placed(resampler.resample(frame), position):
            position = _end(piece)
            yield piece
    yield from _placed(resampler.resample(None), position)


def _shape(frame: av.AudioFrame) -> tuple[str, int, str]:
    return frame.layout.name, frame.sample_rate, frame.format.name


def _names(frame: av.AudioFrame) -> tuple[str, ...]:
    return tuple(channel.name for channel in frame.layout.channels)


def _placed(frames: list[av.AudioFrame], position: int) -> Iterator[Piece]:
    for frame in frames:
        samples = to_mono(frame.to_ndarray().astype(np.float32, copy=False), _names(frame))
        yield position, samples
        position += len(samples)
