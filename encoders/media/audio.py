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

from encoders.base import Audio, MediaError, Rows
from encoders.media.containers import decode_frames
from encoders.media.downmix import downmix
from encoders.media.packet_timing import TrackTimes

_MAX_GAP_SECONDS = 0.1  # seconds; larger holes in the time stamps are silence, smaller ones rounding
_MAX_CHANNELS = 64  # channels; ffmpeg's resampler takes no more
_MIN_AUDIBLE_HZ = 20.0  # Hz; nobody hears what is below
_OFFSET_RATE_HZ = 400  # Hz, at which that is looked for
_MAX_OFFSET_RATIO = (
    0.1  # of the RMS above; smaller ones moved no log-mel row of 481 recordings by more than a cosine of .99
)


@dataclass(frozen=True)
class AudioChunk:
    """Sound that was decoded: where it begins, in samples from time zero, and the channels (c, n)."""

    start_sample: int
    channels: Rows

    @property
    def end_sample(self) -> int:
        """Where the next may begin."""
        return self.start_sample + self.channels.shape[1]

    def crop(self, start_sample: int, end_sample: int) -> AudioChunk:
        """What of it lies between two positions."""
        left, right = max(self.start_sample, start_sample), min(self.end_sample, end_sample)
        return AudioChunk(
            left, self.channels[:, left - self.start_sample : max(right, left) - self.start_sample]
        )


class AudioReader:
    """Sound of an open container from one moment to the next; holds no more than was just asked for."""

    def __init__(
        self, path: Path, container: InputContainer, sample_rate: int, track_times: TrackTimes
    ) -> None:
        self._path, self._sample_rate = path, sample_rate
        self._chunks = _decode_chunks(container, sample_rate, track_times)
        self._buffer: deque[AudioChunk] = deque()
        self._is_exhausted = False

    def read_between(self, start: float, end: float) -> Audio | None:
        """Sound that begins at `start` seconds, silent in holes and ending at `end` or with the file's.

        Channels become one by `downmix`, offsets go, and what is above full scale is scaled to it. None where
        the file has no sound here. Moments must not go back. Raises MediaError for samples that are not
        finite, and for sound that can't be brought to the rate.
        """
        first, last = round(start * self._sample_rate), round(end * self._sample_rate)
        self._fill_buffer(last)
        out, length = np.zeros(last - first, np.float32), 0
        for run in _join_contiguous([piece.crop(first, last) for piece in self._buffer]):
            if not np.isfinite(run.channels).all():
                raise MediaError(self._path, "its sound has samples that are not finite (NaN or infinite)")
            out[run.start_sample - first : run.end_sample - first] = remove_offset(
                downmix(run.channels, self._sample_rate), self._sample_rate
            )
            length = max(length, run.end_sample - first)
        self._discard_before(last)
        return (
            Audio(samples=limit_to_full_scale(out[:length]), sample_rate=self._sample_rate)
            if length
            else None
        )

    def _fill_buffer(self, end_sample: int) -> None:
        while not self._is_exhausted and (not self._buffer or self._buffer[-1].end_sample < end_sample):
            try:
                piece = next(self._chunks, None)
            except FFmpegError as error:
                raise MediaError(self._path, f"its sound can't be resampled ({error.strerror})") from None
            self._is_exhausted = piece is None
            if piece is not None:
                self._buffer.append(piece)

    def _discard_before(self, end_sample: int) -> None:
        while self._buffer and self._buffer[0].end_sample <= end_sample:
            self._buffer.popleft()


def remove_offset(samples: Rows, sample_rate: int) -> Rows:
    """Samples (n,) without what lies below 20 Hz, offset or drift, where that is a tenth of the rest.

    It is inaudible, but a window's leakage spreads it over the lowest bands. Smaller offsets are left, which
    no feature notices.
    """
    block = max(sample_rate // _OFFSET_RATE_HZ, 1)
    slow = samples[: len(samples) // block * block].reshape(-1, block).mean(axis=1)
    if not len(slow):
        return samples
    slow = lowpass(slow, _MIN_AUDIBLE_HZ * block / sample_rate)
    below, power = np.square(slow).mean(), float(samples @ samples) / len(samples)
    if below <= _MAX_OFFSET_RATIO**2 * (power - below):
        return samples
    middles = (np.arange(len(slow)) + 0.5) * block - 0.5
    return np.asarray(samples - np.interp(np.arange(len(samples)), middles, slow), np.float32)


def lowpass(samples: Rows, cutoff: float) -> Rows:
    """Samples (n,) without what lies above `cutoff` (of the sampling rate), not delayed.

    The gain is that of a Butterworth filter of second order run forwards and backwards. By a Fourier
    transform, since importing scipy's filters takes longer than reading a short file.
    """
    pad = min(len(samples) - 1, _OFFSET_RATE_HZ // 4)
    padded = np.pad(samples, pad, mode="reflect")
    gains = 1 / (1 + (np.fft.rfftfreq(len(padded)) / cutoff) ** 4)
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * gains, len(padded))[pad : pad + len(samples)])


def limit_to_full_scale(samples: Rows) -> Rows:
    """Samples (n,) scaled so that none is above 1; recordings in floating point may be, and are intact."""
    peak = np.abs(samples).max(initial=0)
    return samples / peak if peak > 1 else samples


def select_audible_channels(channel_names: tuple[str, ...]) -> list[int]:
    """Which channels make up what is heard, by their names.

    Not the effects (LFE), which are no direction; and of ambisonics the first alone, which is the sound from
    all around, the others being differences of directions.
    """
    if channel_names[0].startswith("AMBI"):
        return [0]
    return [at for at, name in enumerate(channel_names) if not name.startswith("LFE")] or list(
        range(len(channel_names))
    )


def _join_contiguous(chunks: list[AudioChunk]) -> Iterator[AudioChunk]:
    """Pieces that follow each other and have as many channels, joined; the empty ones left out."""
    run: list[AudioChunk] = []
    for piece in chunks:
        if piece.start_sample == piece.end_sample:
            continue
        if run and (piece.start_sample != run[-1].end_sample or len(piece.channels) != len(run[-1].channels)):
            yield _concatenate(run)
            run = []
        run.append(piece)
    if run:
        yield _concatenate(run)


def _concatenate(chunks: list[AudioChunk]) -> AudioChunk:
    return AudioChunk(chunks[0].start_sample, np.concatenate([piece.channels for piece in chunks], axis=1))


def _decode_chunks(
    container: InputContainer, sample_rate: int, track_times: TrackTimes
) -> Iterator[AudioChunk]:
    """Consecutive pieces of sound; frames that follow each other are resampled without a seam."""
    origin, position, shape = track_times.origin, 0, None
    resampler = _make_resampler(sample_rate)
    for frame in decode_frames(
        container, container.streams[track_times.stream_index], track_times.clock_shifts
    ):
        begin = position if frame.time is None else round((frame.time - origin) * sample_rate)
        changed = shape not in (None, _get_frame_format(frame))
        if changed or begin - position > _MAX_GAP_SECONDS * sample_rate:
            yield from _make_chunks(resampler.resample(None), position)
            resampler = _make_resampler(sample_rate)
            position = max(position, begin)
        shape = _get_frame_format(frame)
        for piece in _make_chunks(resampler.resample(_limit_channels(frame)), position):
            position = piece.end_sample
            yield piece
    yield from _make_chunks(resampler.resample(None), position)


def _make_resampler(sample_rate: int) -> av.AudioResampler:
    """To interleaved samples: PyAV 18.1 reads beyond the end of the planes of 8 and more channels."""
    return av.AudioResampler(format="flt", rate=sample_rate)


def _limit_channels(frame: av.AudioFrame) -> av.AudioFrame:
    """The frame without the channels that are too many to resample; only interleaved samples have so many."""
    channels = frame.layout.nb_channels
    if channels <= _MAX_CHANNELS or frame.format.is_planar:
        return frame
    size = frame.samples * channels * frame.format.bytes
    samples = np.frombuffer(bytes(frame.planes[0])[:size], np.uint8).reshape(frame.samples, channels, -1)
    fewer = av.AudioFrame(frame.format.name, f"{_MAX_CHANNELS} channels", frame.samples)
    fewer.planes[0].update(samples[:, :_MAX_CHANNELS].tobytes())
    fewer.sample_rate, fewer.pts, fewer.time_base = frame.sample_rate, frame.pts, frame.time_base
    return fewer


def _get_frame_format(frame: av.AudioFrame) -> tuple[str, int, str]:
    return frame.layout.name, frame.sample_rate, frame.format.name


def _make_chunks(frames: list[av.AudioFrame], start_sample: int) -> Iterator[AudioChunk]:
    for frame in frames:
        names = tuple(channel.name for channel in frame.layout.channels)
        interleaved = frame.to_ndarray().reshape(-1, len(names))
        piece = AudioChunk(start_sample, np.ascontiguousarray(interleaved.T[select_audible_channels(names)]))
        start_sample = piece.end_sample
        yield piece
