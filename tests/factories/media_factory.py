"""Real media files made on the spot, good ones and broken ones."""

import struct
import tempfile
import zlib
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def card(width=160, height=120, grey=None):
    """Four quarters red, green / blue, white; `grey` paints the middle."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = BLUE, WHITE
    if grey is not None:
        picture[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = grey
    return picture


def photo(path, width=160, height=120, **options):
    Image.fromarray(card(width, height)).save(path, **options)
    return path


def sine(seconds, rate, channels=1, level=0.5, hertz=440):
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave.astype(np.float32), (channels, 1))


def clip(path, seconds=2.0, fps=10, size=(160, 120), codec="libx264", begins=None, sound=None, at=0.0):
    """A film whose middle gets lighter frame by frame; `begins` (ms) for a variable rate, `sound` in s."""
    begins = begins or [round(index * 1000 / fps) for index in range(round(seconds * fps))]
    path.write_bytes(_encode_clip(path.suffix, fps, size, codec, tuple(begins), sound, at))
    return path


@lru_cache(64)  # many tests take the same film
def _encode_clip(suffix, fps, size, codec, begins, sound, at):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"clip{suffix}"
        with av.open(str(file), "w") as container:
            film = container.add_stream(codec, rate=fps)
            film.width, film.height, film.pix_fmt, film.gop_size = *size, "yuv420p", 12
            film.options = {"threads": "1"}
            if codec == "libvpx":
                film.options |= {"deadline": "realtime", "cpu-used": "8"}
            film.codec_context.time_base = Fraction(1, 1000)
            codec_name = "libopus" if suffix == ".webm" else "aac"
            track = sound and container.add_stream(codec_name, rate=48000, layout="mono")
            if track:
                _encode_sound(container, track, sine(sound, 48000), 48000, "mono", round(at * 48000))
            for index, begin in enumerate(begins):
                frame = av.VideoFrame.from_ndarray(card(*size, grey=index * 4 % 256), format="rgb24")
                frame.pts, frame.time_base = begin, Fraction(1, 1000)
                container.mux(film.encode(frame))
            container.mux(film.encode())
            if track:
                container.mux(track.encode())
        return file.read_bytes()


def tone(path, seconds=1.0, rate=16000, layout="mono", codec=None, level=0.5):
    """A sine of 440 Hz, the same on every channel; the codec by the file's ending."""
    names = {".wav": "pcm_s16le", ".mp3": "libmp3lame", ".flac": "flac"}
    names |= {".opus": "libopus", ".m4a": "aac", ".aac": "aac", ".mp4": "aac"}
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec or names[path.suffix], rate=rate, layout=layout)
        samples = sine(seconds, rate, track.layout.nb_channels, level)
        _encode_sound(container, track, samples, rate, layout, 0)
        container.mux(track.encode())
    return path


def _encode_sound(container, track, samples, rate, layout, begin):
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
    resampler = av.AudioResampler(track.codec_context.format, track.layout, rate)
    for piece in resampler.resample(frame):
        container.mux(track.encode(piece))


def float_wav(path, samples, rate=16000):
    data = np.asarray(samples, "<f4").tobytes()
    form = struct.pack("<IHHIIHH", 16, 3, 1, rate, rate * 4, 4, 32)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + form + b"data"
    head += struct.pack("<I", len(data))
    path.write_bytes(head + data)
    return path


def gif(path, frames=10, period=100):
    pictures = [Image.fromarray(card(64, 48, grey=index * 20)) for index in range(frames)]
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=period)
    return path


def turned(path, source, degrees):
    """A copy of an mp4 with the matrix of its track header set to a clockwise turn."""
    one = 1 << 16
    turns = {0: (one, 0, 0, one), 90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}
    a, b, c, d = turns[degrees]
    data = bytearray(source.read_bytes())
    offset = data.index(b"tkhd") + 44  # version 0: the matrix begins 40 bytes into the box's content
    data[offset : offset + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def huge_png(path, side=40_000):
    """A real one-bit picture of side x side black pixels in a few hundred kilobytes."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", deflated_zeros(side * (1 + side // 8))), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))
    return path


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def deflated_zeros(length):
    """The zlib stream of so many zero bytes, of which only one block is compressed."""
    block, rest = 1 << 20, length % (1 << 20)
    parts = (_deflated_block(block) * (length // block), _deflated_block(rest), b"\x03\0")
    return b"\x78\xda" + b"".join(parts) + struct.pack(">HH", length % 65521, 1)  # Adler-32 of zeros


def _deflated_block(length):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(length)) + packer.flush(zlib.Z_FULL_FLUSH)


def cut_short(path, source, share):
    """The first part of another file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
