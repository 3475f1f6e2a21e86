"""Writing clips and sounds: samples of the demo, the synthetic set, and what benchmarks read."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from operator import itemgetter
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from encoders import Frames, make_draft_path

Waveform = npt.NDArray[np.floating]
EncodedPackets = tuple[
    float, list[av.Packet]
]  # seconds at which what was encoded begins, and what came of it
NO_OPTIONS: Mapping[str, str] = {}


def make_file_atomically(path: Path, write_file: Callable[[Path], object]) -> None:
    """Make a file beside its place under a hidden name of the same ending, then move it there.

    A kill leaves no part of it under its name.
    """
    with make_draft_path(path) as draft:
        write_file(draft)
        draft.replace(path)


def write_video(
    path: Path,
    frames: Iterable[Frames],
    fps: int,
    audio_blocks: Iterable[Waveform] | None = None,
    sample_rate: int = 0,
    codec_options: Mapping[str, str] = NO_OPTIONS,
) -> None:
    """An H.264 clip in the container its ending names, with AAC sound unless `audio_blocks` is None.

    `frames` are (h, w, 3) each, `audio_blocks` consecutive pieces (n,) of mono sound at `sample_rate`; both
    are taken as they are needed, so that hours of them fit. `codec_options` are those of libx264. Raises
    ValueError for no pictures.
    """
    ahead = iter(frames)
    first = next(ahead, None)
    if first is None:
        raise ValueError(f"{path}: a clip needs a picture")
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=fps, options=dict(codec_options))
        film.height, film.width, film.pix_fmt = first.shape[0], first.shape[1], "yuv420p"
        coded = [_encode_video(film, chain([first], ahead), fps)]
        if audio_blocks is not None:
            coded.append(
                _encode_audio(
                    container.add_stream("aac", rate=sample_rate, layout="mono"), audio_blocks, sample_rate
                )
            )
        for _, packets in heapq.merge(*coded, key=itemgetter(0)):
            container.mux(packets)


def write_audio(path: Path, audio: Waveform, sample_rate: int) -> None:
    """A mono FLAC file of samples (n,)."""
    with av.open(str(path), "w") as container:
        for _, packets in _encode_audio(
            container.add_stream("flac", rate=sample_rate, layout="mono"), [audio], sample_rate
        ):
            container.mux(packets)


def _encode_video(stream: av.VideoStream, frames: Iterable[Frames], fps: int) -> Iterator[EncodedPackets]:
    for number, picture in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame.pts, frame.time_base = number, Fraction(1, fps)
        yield number / fps, stream.encode(frame)
    yield math.inf, stream.encode()


def _encode_audio(
    stream: av.AudioStream, audio_blocks: Iterable[Waveform], sample_rate: int
) -> Iterator[EncodedPackets]:
    begin = 0
    for wave in audio_blocks:
        samples = np.ascontiguousarray(wave[None], np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, begin, Fraction(1, sample_rate)
        yield begin / sample_rate, stream.encode(frame)
        begin += len(wave)
    yield math.inf, stream.encode()
