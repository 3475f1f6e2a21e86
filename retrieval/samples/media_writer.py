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

from encoders.base import Frames
from encoders.interrupts import draft_beside

Wave = npt.NDArray[np.floating]
Coded = tuple[float, list[av.Packet]]  # seconds at which what was encoded begins, and what came of it
NO_OPTIONS: Mapping[str, str] = {}


def whole(file: Path, make: Callable[[Path], object]) -> None:
    """Make a file beside its place under a hidden name of the same ending, then move it there.

    A kill leaves no part of it under its name.
    """
    with draft_beside(file) as draft:
        make(draft)
        draft.replace(file)


def write_clip(
    file: Path, pictures: Iterable[Frames], fps: int, waves: Iterable[Wave] | None = None, rate: int = 0,
    options: Mapping[str, str] = NO_OPTIONS,
) -> None:  # fmt: skip
    """An H.264 clip in the container its ending names, with AAC sound unless `waves` is None.

    `pictures` are (h, w, 3) each, `waves` consecutive pieces (n,) of mono sound at `rate`; both are taken
    as they are needed, so that hours of them fit. `options` are those of libx264. Raises ValueError for
    no pictures.
    """
    ahead = iter(pictures)
    first = next(ahead, None)
    if first is None:
        raise ValueError(f"{file}: a clip needs a picture")
    with av.open(str(file), "w") as container:
        film = container.add_stream("libx264", rate=fps, options=dict(options))
        film.height, film.width, film.pix_fmt = first.shape[0], first.shape[1], "yuv420p"
        coded = [_film(film, chain([first], ahead), fps)]
        if waves is not None:
            coded.append(_track(container.add_stream("aac", rate=rate, layout="mono"), waves, rate))
        for _, packets in heapq.merge(*coded, key=itemgetter(0)):
            container.mux(packets)


def write_sound(file: Path, wave: Wave, rate: int) -> None:
    """A mono FLAC file of samples (n,)."""
    with av.open(str(file), "w") as container:
        for _, packets in _track(container.add_stream("flac", rate=rate, layout="mono"), [wave], rate):
            container.mux(packets)


def _film(stream: av.VideoStream, pictures: Iterable[Frames], fps: int) -> Iterator[Coded]:
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame.pts, frame.time_base = number, Fraction(1, fps)
        yield number / fps, stream.encode(frame)
    yield math.inf, stream.encode()


def _track(stream: av.AudioStream, waves: Iterable[Wave], rate: int) -> Iterator[Coded]:
    begin = 0
    for wave in waves:
        samples = np.ascontiguousarray(wave[None], np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        yield begin / rate, stream.encode(frame)
        begin += len(wave)
    yield math.inf, stream.encode()
