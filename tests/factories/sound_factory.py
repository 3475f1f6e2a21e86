"""Sound files of any number of channels, made on the spot."""

import struct
from fractions import Fraction

import av
import numpy as np

BLOCK = 4800  # samples a frame


def calls(seconds=4.0, rate=48000, seed=0):
    """Chirps with harmonics up to 7 kHz that come and go, and a little noise; (n,) with a peak of .5."""
    t = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(300 + 250 * np.sin(2 * np.pi * 0.7 * t)) / rate
    made = sum(np.sin(k * phase) / k for k in range(1, 13)) * (1.2 + np.sin(2 * np.pi * 1.3 * t))
    made += np.random.default_rng(seed).normal(0, 0.01, len(t))
    return made / np.abs(made).max() / 2


def late(samples, milliseconds, rate=48000):
    """The same that much later, by fractions of a sample too."""
    size = len(samples) + 4096
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate) * milliseconds / 1000)
    return np.fft.irfft(np.fft.rfft(samples, size) * turn, size)[: len(samples)]


def wav(path, channels, rate=48000, dtype="<f4"):
    """A WAV file of channels (c, n), c of any size, as floats or as integers of full scale."""
    channels = np.atleast_2d(channels)
    scale = 1 if dtype[1] == "f" else np.iinfo(dtype).max
    data = (channels.T * scale).astype(dtype).tobytes()
    count, size = len(channels), np.dtype(dtype).itemsize
    form = struct.pack(
        "<IHHIIHH", 16, 3 if dtype[1] == "f" else 1, count, rate, rate * count * size, count * size, 8 * size
    )
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + form + b"data"
    path.write_bytes(head + struct.pack("<I", len(data)) + data)
    return path


def encoded(path, channels, codec, layout, rate=48000, pictures=(), options=None):
    """Channels (c, n) by a codec of ffmpeg, with a film of `pictures` where there are some."""
    with av.open(str(path), "w", options=options or {}) as container:
        film = container.add_stream("libx264", rate=10) if len(pictures) else None
        if film:
            film.height, film.width, film.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        track = container.add_stream(codec, rate=rate, layout=layout, options=options or {})
        for picture in pictures:
            container.mux(film.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if film:
            container.mux(film.encode())
        for frame in frames(channels, layout, rate, track):
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def frames(channels, layout, rate, track):
    """Frames of interleaved samples, in the format that the encoder of `track` takes."""
    resampler = av.AudioResampler(track.codec_context.format, layout, rate, track.codec_context.frame_size)
    for start in range(0, channels.shape[1], BLOCK):
        block = np.ascontiguousarray(channels[:, start : start + BLOCK].T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
