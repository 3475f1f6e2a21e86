"""The sound of a file, mono at one rate, read on in step with its segments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError

from encoders.base import BadMedia, Rows, Sound
from encoders.media.containers import decoded
from encoders.media.downmix import downmix
from encoders.media.packet_timing import TrackTimes

_GAP = 0.1  # seconds; larger holes in the time stamps are silence, smaller ones rounding
_MOST = 64  # channels; ffmpeg's resampler takes no more
_INAUDIBLE = 20.0  # Hz; nobody hears what is below
_SLOW_RATE = 400  # Hz, at which that is looked for
_OFFSET = (
    0.1  # of the RMS above; smaller ones moved no log-mel row of 481 recordings by more than a cosine of .99
)


@dataclass(frozen=True)
class Piece:
    """Sound that was decoded: where it begins, in samples from time zero, and the channels (c, n)."""

    begin: int
    channels: Rows

    @property
    def end(self) -> int:
        """Where the next may begin."""
        return self.begin + self.channels.shape[1]

    def part(self, first: int, last: int) -> Piece:
        """What of it lies between two positions."""
        left, right = max(self.begin, first), min(self.end, last)
        return Piece(left, self.channels[:, left - self.begin : max(right, left) - self.begin])


class SoundTrack:
    """Sound of an open container from one moment to the next; holds no more than was just asked for."""

    def __init__(self, path: Path, container: InputContainer, rate: int, track: TrackTimes) -> None:
        self._path, self._rate = path, rate
        self._pieces = _pieces(container, rate, track)
        self._held: deque[Piece] = deque()
        self._ended = False

    def between(self, start: float, end: float) -> Sound | None:
        """Sound that begins at `start` seconds, silent in holes and ending at `end` or with the file's.

        Channels become one by `downmix`, offsets go, and what is above full scale is scaled to it. None where
        the file has no sound here. Moments must not go back. Raises BadMedia for samples that are not finite,
        and for sound that can't be brought to the rate.
        """
        first, last = round(start * self._rate), round(end * self._rate)
        self._fill(last)
        out, length = np.zeros(last - first, np.float32), 0
        for run in _runs([piece.part(first, last) for piece in self._held]):
            if not np.isfinite(run.channels).all():
                raise BadMedia(self._path, "its sound has samples that are not finite (NaN or infinite)")
            out[run.begin - first : run.end - first] = centred(downmix(run.channels, self._rate), self._rate)
            length = max(length, run.end - first)
        self._forget(last)
        return Sound(samples=within_full_scale(out[:length]), rate=self._rate) if length else None

    def _fill(self, last: int) -> None:
        while not self._ended and (not self._held or self._held[-1].end < last):
            try:
                piece = next(self._pieces, None)
            except FFmpegError as error:
                raise BadMedia(self._path, f"its sound can't be resampled ({error.strerror})") from None
            self._ended = piece is None
            if piece is not None:
                self._held.append(piece)

    def _forget(self, last: int) -> None:
        while self._held and self._held[0].end <= last:
            self._held.popleft()


def centred(samples: Rows, rate: int) -> Rows:
    """Samples (n,) without what lies below 20 Hz, offset or drift, where that is a tenth of the rest.

    It is inaudible, but a window's leakage spreads it over the lowest bands. Smaller offsets are left, which
    no feature notices.
    """
    block = max(rate // _SLOW_RATE, 1)
    slow = samples[: len(samples) // block * block].reshape(-1, block).mean(axis=1)
    if not len(slow):
        return samples
    slow = lowpass(slow, _INAUDIBLE * block / rate)
    below, power = np.square(slow).mean(), float(samples @ samples) / len(samples)
    if below <= _OFFSET**2 * (power - below):
        return samples
    middles = (np.arange(len(slow)) + 0.5) * block - 0.5
    return np.asarray(samples - np.interp(np.arange(len(samples)), middles, slow), np.float32)


def lowpass(samples: Rows, cutoff: float) -> Rows:
    """Samples (n,) without what lies above `cutoff` (of the sampling rate), not delayed.

    The gain is that of a Butterworth filter of second order run forwards and backwards. By a Fourier
    transform, since importing scipy's filters takes longer than reading a short file.
    """
    pad = min(len(samples) - 1, _SLOW_RATE // 4)
    padded = np.pad(samples, pad, mode="reflect")
    gains = 1 / (1 + (np.fft.rfftfreq(len(padded)) / cutoff) ** 4)
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * gains, len(padded))[pad : pad + len(samples)])


def within_full_scale(samples: Rows) -> Rows:
    """Samples (n,) scaled so that none is above 1; recordings in floating point may be, and are intact."""
    peak = np.abs(samples).max(initial=0)
    return samples / peak if peak > 1 else samples


def heard_channels(names: tuple[str, ...]) -> list[int]:
    """Which channels make up what is heard, by their names.

    Not the effects (LFE), which are no direction; and of ambisonics the first alone, which is the sound from
    all around, the others being differences of directions.
    """
    if names[0].startswith("AMBI"):
        return [0]
    return [at for at, name in enumerate(names) if not name.startswith("LFE")] or list(range(len(names)))


def _runs(pieces: list[Piece]) -> Iterator[Piece]:
    """Pieces that follow each other and have as many channels, joined; the empty ones left out."""
    run: list[Piece] = []
    for piece in pieces:
        if piece.begin == piece.end:
            continue
        if run and (piece.begin != run[-1].end or len(piece.channels) != len(run[-1].channels)):
            yield _joined(run)
            run = []
        run.append(piece)
    if run:
        yield _joined(run)


def _joined(run: list[Piece]) -> Piece:
    return Piece(run[0].begin, np.concatenate([piece.channels for piece in run], axis=1))


def _pieces(container: InputContainer, rate: int, track: TrackTimes) -> Iterator[Piece]:
    """Consecutive pieces of sound; frames that follow each other are resampled without a seam."""
    origin, position, shape = track.origin, 0, None
    resampler = _resampler(rate)
    for frame in decoded(container, container.streams[track.index], track.shifts):
        begin = position if frame.time is None else round((frame.time - origin) * rate)
        changed = shape not in (None, _shape(frame))
        if changed or begin - position > _GAP * rate:
            yield from _placed(resampler.resample(None), position)
            resampler = _resampler(rate)
            position = max(position, begin)
        shape = _shape(frame)
        for piece in _placed(resampler.resample(_first_channels(frame)), position):
            position = piece.end
            yield piece
    yield from _placed(resampler.resample(None), position)


def _resampler(rate: int) -> av.AudioResampler:
    """To interleaved samples: PyAV 18.1 reads beyond the end of the planes of 8 and more channels."""
    return av.AudioResampler(format="flt", rate=rate)


def _first_channels(frame: av.AudioFrame) -> av.AudioFrame:
    """The frame without the channels that are too many to resample; only interleaved samples have so many."""
    channels = frame.layout.nb_channels
    if channels <= _MOST or frame.format.is_planar:
        return frame
    size = frame.samples * channels * frame.format.bytes
    samples = np.frombuffer(bytes(frame.planes[0])[:size], np.uint8).reshape(frame.samples, channels, -1)
    fewer = av.AudioFrame(frame.format.name, f"{_MOST} channels", frame.samples)
    fewer.planes[0].update(samples[:, :_MOST].tobytes())
    fewer.sample_rate, fewer.pts, fewer.time_base = frame.sample_rate, frame.pts, frame.time_base
    return fewer


def _shape(frame: av.AudioFrame) -> tuple[str, int, str]:
    return frame.layout.name, frame.sample_rate, frame.format.name


def _placed(frames: list[av.AudioFrame], position: int) -> Iterator[Piece]:
    for frame in frames:
        names = tuple(channel.name for channel in frame.layout.channels)
        interleaved = frame.to_ndarray().reshape(-1, len(names))
        piece = Piece(position, np.ascontiguousarray(interleaved.T[heard_channels(names)]))
        position = piece.end
        yield piece
