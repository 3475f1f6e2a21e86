"""Decoding of a file's sound to mono at one rate, segment by segment."""

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

_MAX_GAP_SECONDS = 0.1  # larger gaps in the time stamps are silence, smaller ones rounding
_MAX_CHANNELS = 64  # limit of ffmpeg's resampler
_MIN_AUDIBLE_HZ = 20.0  # Hz: below it sound is inaudible
_OFFSET_RATE_HZ = 400  # Hz: sampling rate at which offset and drift are estimated
# Of the RMS above that; smaller offsets changed no log-mel row of 481 recordings by more than a cosine of .99
_MAX_OFFSET_RATIO = 0.1


@dataclass(frozen=True)
class AudioChunk:
    """Decoded sound: its start in samples from time zero, and the channels (c, n)."""

    start_sample: int
    channels: Rows

    @property
    def end_sample(self) -> int:
        """First sample after the chunk."""
        return self.start_sample + self.channels.shape[1]

    def crop(self, start_sample: int, end_sample: int) -> AudioChunk:
        """The part between two positions."""
        left, right = max(self.start_sample, start_sample), min(self.end_sample, end_sample)
        return AudioChunk(
            left, self.channels[:, left - self.start_sample : max(right, left) - self.start_sample]
        )


class AudioReader:
    """Sound of an open container in consecutive intervals; buffers no more than the last one."""

    def __init__(
        self, path: Path, container: InputContainer, sample_rate: int, track_times: TrackTimes
    ) -> None:
        self._path, self._sample_rate = path, sample_rate
        self._chunks = _decode_chunks(container, sample_rate, track_times)
        self._buffer: deque[AudioChunk] = deque()
        self._is_exhausted = False

    def read_between(self, start: float, end: float) -> Audio | None:
        """Sound from `start` to `end` seconds, or the end; silent in gaps, None without any.

        Channels are mixed by `downmix`, offsets removed, and sound above full scale is scaled to it.
        Intervals must be in order. Raises MediaError for samples that are not finite, or a failed resampling.
        """
        first, last = round(start * self._sample_rate), round(end * self._sample_rate)
        self._fill_buffer(last)
        samples, length = np.zeros(last - first, np.float32), 0
        for run in _join_contiguous([chunk.crop(first, last) for chunk in self._buffer]):
            if not np.isfinite(run.channels).all():
                raise MediaError(self._path, "its sound has samples that are not finite (NaN or infinite)")
            samples[run.start_sample - first : run.end_sample - first] = remove_offset(
                downmix(run.channels, self._sample_rate), self._sample_rate
            )
            length = max(length, run.end_sample - first)
        self._discard_before(last)
        return (
            Audio(samples=limit_to_full_scale(samples[:length]), sample_rate=self._sample_rate)
            if length
            else None
        )

    def _fill_buffer(self, end_sample: int) -> None:
        while not self._is_exhausted and (not self._buffer or self._buffer[-1].end_sample < end_sample):
            try:
                chunk = next(self._chunks, None)
            except FFmpegError as error:
                raise MediaError(self._path, f"its sound can't be resampled ({error.strerror})") from None
            self._is_exhausted = chunk is None
            if chunk is not None:
                self._buffer.append(chunk)

    def _discard_before(self, end_sample: int) -> None:
        while self._buffer and self._buffer[0].end_sample <= end_sample:
            self._buffer.popleft()


def remove_offset(samples: Rows, sample_rate: int) -> Rows:
    """Samples (n,) without their part below 20 Hz (offset, drift), if its RMS is over a tenth of the rest's.

    It is inaudible, but a window's leakage spreads it over the lowest bands. Smaller offsets, which change no
    feature, are left.
    """
    block = max(sample_rate // _OFFSET_RATE_HZ, 1)
    lowpassed = samples[: len(samples) // block * block].reshape(-1, block).mean(axis=1)
    if not len(lowpassed):
        return samples
    lowpassed = lowpass(lowpassed, _MIN_AUDIBLE_HZ * block / sample_rate)
    offset_power, power = np.square(lowpassed).mean(), float(samples @ samples) / len(samples)
    if offset_power <= _MAX_OFFSET_RATIO**2 * (power - offset_power):
        return samples
    block_centres = (np.arange(len(lowpassed)) + 0.5) * block - 0.5
    return np.asarray(samples - np.interp(np.arange(len(samples)), block_centres, lowpassed), np.float32)


def lowpass(samples: Rows, cutoff: float) -> Rows:
    """Zero-phase low-pass of samples (n,); `cutoff` is relative to the sampling rate.

    The gain is that of a Butterworth filter of second order run forwards and backwards. By a Fourier
    transform, since importing scipy's filters takes longer than reading a short file.
    """
    pad = min(len(samples) - 1, _OFFSET_RATE_HZ // 4)
    padded = np.pad(samples, pad, mode="reflect")
    gains = 1 / (1 + (np.fft.rfftfreq(len(padded)) / cutoff) ** 4)
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * gains, len(padded))[pad : pad + len(samples)])


def limit_to_full_scale(samples: Rows) -> Rows:
    """Samples (n,) scaled so that none exceeds 1; recordings in floating point may, without clipping."""
    peak = np.abs(samples).max(initial=0)
    return samples / peak if peak > 1 else samples


def select_audible_channels(channel_names: tuple[str, ...]) -> list[int]:
    """Indices of the channels to mix, by their names.

    Without low-frequency effects (LFE); of ambisonics the first channel alone, which is omnidirectional, the
    others being differences of directions.
    """
    if channel_names[0].startswith("AMBI"):
        return [0]
    return [i for i, name in enumerate(channel_names) if not name.startswith("LFE")] or list(
        range(len(channel_names))
    )


def _join_contiguous(chunks: list[AudioChunk]) -> Iterator[AudioChunk]:
    """Join chunks that follow each other and have as many channels; drop empty ones."""
    run: list[AudioChunk] = []
    for chunk in chunks:
        if chunk.start_sample == chunk.end_sample:
            continue
        if run and (chunk.start_sample != run[-1].end_sample or len(chunk.channels) != len(run[-1].channels)):
            yield _concatenate(run)
            run = []
        run.append(chunk)
    if run:
        yield _concatenate(run)


def _concatenate(chunks: list[AudioChunk]) -> AudioChunk:
    return AudioChunk(chunks[0].start_sample, np.concatenate([chunk.channels for chunk in chunks], axis=1))


def _decode_chunks(
    container: InputContainer, sample_rate: int, track_times: TrackTimes
) -> Iterator[AudioChunk]:
    """Consecutive chunks; frames that follow each other are resampled without a discontinuity."""
    origin, position, frame_format = track_times.origin, 0, None
    resampler = _make_resampler(sample_rate)
    for frame in decode_frames(
        container, container.streams[track_times.stream_index], track_times.clock_shifts
    ):
        start = position if frame.time is None else round((frame.time - origin) * sample_rate)
        has_changed = frame_format not in (None, _get_frame_format(frame))
        if has_changed or start - position > _MAX_GAP_SECONDS * sample_rate:
            yield from _make_chunks(resampler.resample(None), position)
            resampler = _make_resampler(sample_rate)
            position = max(position, start)
        frame_format = _get_frame_format(frame)
        for chunk in _make_chunks(resampler.resample(_limit_channels(frame)), position):
            position = chunk.end_sample
            yield chunk
    yield from _make_chunks(resampler.resample(None), position)


def _make_resampler(sample_rate: int) -> av.AudioResampler:
    """To interleaved samples: PyAV 18.1 reads beyond the end of the planes of 8 and more channels."""
    return av.AudioResampler(format="flt", rate=sample_rate)


def _limit_channels(frame: av.AudioFrame) -> av.AudioFrame:
    """The frame with at most _MAX_CHANNELS channels; only interleaved samples have more."""
    channels = frame.layout.nb_channels
    if channels <= _MAX_CHANNELS or frame.format.is_planar:
        return frame
    size = frame.samples * channels * frame.format.bytes
    samples = np.frombuffer(bytes(frame.planes[0])[:size], np.uint8).reshape(frame.samples, channels, -1)
    limited = av.AudioFrame(frame.format.name, f"{_MAX_CHANNELS} channels", frame.samples)
    limited.planes[0].update(samples[:, :_MAX_CHANNELS].tobytes())
    limited.sample_rate, limited.pts, limited.time_base = frame.sample_rate, frame.pts, frame.time_base
    return limited


def _get_frame_format(frame: av.AudioFrame) -> tuple[str, int, str]:
    return frame.layout.name, frame.sample_rate, frame.format.name


def _make_chunks(frames: list[av.AudioFrame], start_sample: int) -> Iterator[AudioChunk]:
    for frame in frames:
        names = tuple(channel.name for channel in frame.layout.channels)
        interleaved = frame.to_ndarray().reshape(-1, len(names))
        chunk = AudioChunk(start_sample, np.ascontiguousarray(interleaved.T[select_audible_channels(names)]))
        start_sample = chunk.end_sample
        yield chunk
