"""Real films and sounds with unusual clocks, tracks and turns, made from those of media_factory."""

import struct
from contextlib import ExitStack
from fractions import Fraction

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from media_factory import card, sine

DEFAULT = 1  # the flag of ffmpeg's AV_DISPOSITION_DEFAULT


def remuxed(path, *sources, later=0.0, keep=lambda packet: True, edit=None, default=None, sei=None):
    """The packets of some files as the tracks of one, `later` seconds later and without encoding.

    `keep` chooses packets, `edit` gives their bytes anew, `default` is the one track with that flag (None
    leaves it to the container), `sei` is a turn counter-clockwise written into the H.264 stream.
    """
    with ExitStack() as stack:
        out = stack.enter_context(av.open(str(path), "w"))
        inputs = [stack.enter_context(av.open(str(source))) for source in sources]
        found = [(number, stream) for number, one in enumerate(inputs) for stream in one.streams]
        places = {(number, s.index): out.add_stream_from_template(s) for number, s in found}
        for at, track in enumerate(places.values()):
            if default is not None:
                track.disposition = DEFAULT if at == default else 0
        mix = [
            (float(p.dts * p.time_base), n, p) for n, one in enumerate(inputs) for p in one.demux() if p.size
        ]
        for _, number, packet in sorted(mix, key=lambda entry: entry[0]):
            for piece in _turned_packets(packet, sei) if keep(packet) else ():
                shift = round(later / piece.time_base)
                ready = piece if edit is None else _with_bytes(piece, edit(piece))
                ready.pts, ready.dts = piece.pts + shift, piece.dts + shift
                ready.stream = places[number, packet.stream_index]
                out.mux(ready)
    return path


def _with_bytes(packet, data):
    made = av.Packet(data)
    made.time_base, made.duration, made.is_keyframe = packet.time_base, packet.duration, packet.is_keyframe
    return made


def _turned_packets(packet, sei):
    if sei is None or packet.stream.type != "video":
        return [packet]
    name = f"h264_metadata=display_orientation=insert:rotate={sei}"
    return BitStreamFilterContext(name, packet.stream).filter(packet)


def cut_losslessly(path, source, key, start):
    """What `ffmpeg -ss START -c copy` makes: from the key frame at `key` on, all before `start` hidden."""
    return remuxed(path, source, later=-start, keep=lambda p: p.pts * p.time_base >= key)


def matrix(path, source, entries):
    """A copy of an mp4 with (a, b, c, d) as the matrix of its track header."""
    data = bytearray(source.read_bytes())
    offset = data.index(b"tkhd") + 44
    a, b, c, d = (entry << 16 for entry in entries)
    data[offset : offset + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def joined(path, *parts):
    """Files one after another, as `cat` makes them."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def with_pcm(path, film, samples, rate=16000):
    """The pictures of a film with these float samples (n,) as sound, to a container that takes both."""
    with av.open(str(path), "w") as out, av.open(str(film)) as source:
        picture = out.add_stream_from_template(source.streams.video[0])
        track = out.add_stream("pcm_f32le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.asarray(samples, np.float32)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        out.mux(track.encode(frame))
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = picture
                out.mux(packet)
        out.mux(track.encode())
    return path


def ends_before_it_ends(path, source):
    """A copy of an Ogg sound whose last page claims to end before the one before it did."""
    data = bytearray(source.read_bytes())
    last = data.rindex(b"OggS")
    data[last + 6 : last + 14] = struct.pack("<q", 64)
    data[last + 22 : last + 26] = bytes(4)
    data[last + 22 : last + 26] = struct.pack("<I", _ogg_checksum(bytes(data[last:])))
    path.write_bytes(data)
    return path


def _ogg_checksum(page):
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value >> 31 else value << 1) & 0xFFFFFFFF
    return value


def two_sounds(path, seconds=4.0, hertz=(440, 1000), default=1):
    """Two sounds of different pitch in one file, one of them with the default flag."""
    alone = [path.with_name(f"{pitch}.mp4") for pitch in hertz]
    for one, pitch in zip(alone, hertz, strict=True):
        with av.open(str(one), "w") as out:
            track = out.add_stream("aac", rate=16000, layout="mono")
            frame = av.AudioFrame.from_ndarray(
                sine(seconds, 16000, hertz=pitch), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 16000, 0
            out.mux([*track.encode(frame), *track.encode()])
    return remuxed(path, *alone, default=default)


def vorbis(path, seconds=0.27, rate=44100):
    """A short Ogg Vorbis sound."""
    with av.open(str(path), "w") as out:
        track = out.add_stream("vorbis", rate=rate, layout="stereo", options={"strict": "experimental"})
        frame = av.AudioFrame.from_ndarray(sine(seconds, rate, 2), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        out.mux([*track.encode(frame), *track.encode()])
    return path


def broadcast(path, seconds, fps=3, first=0, hertz=440, origin=0.0):
    """MPEG-2 pictures numbered in the grey of their middle from `first` on, and a tone."""
    with av.open(str(path), "w") as out:
        film = out.add_stream("mpeg2video", rate=25)
        film.width, film.height, film.pix_fmt, film.gop_size, film.bit_rate = (
            160,
            120,
            "yuv420p",
            12,
            3_000_000,
        )
        track = out.add_stream("mp2", rate=44100, layout="mono")
        wave = (sine(seconds, 44100, hertz=hertz) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
        pictures = [
            av.VideoFrame.from_ndarray(
                card(160, 120, grey=(first + at * fps // 25) * 4 % 256), format="rgb24"
            )
            for at in range(round(seconds * 25))
        ]
        for at, picture in enumerate(pictures):
            picture.pts, picture.time_base = at, Fraction(1, 25)
        packets = [*track.encode(frame), *track.encode()]
        packets += [p for one in [*pictures, None] for p in film.encode(one)]
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            packet.pts += round(origin / packet.time_base)
            packet.dts += round(origin / packet.time_base)
            out.mux(packet)
    return path
