"""The frames of a film at asked moments: decord where it can, PyAV where it can't, the same by both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import av
import decord
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import Interpolation
from decord._ffi.base import DECORDError

from encoders.base import BadMedia, Frames
from encoders.media.containers import LONGEST, Picture, decoded, film_of, opened, origin_of, picture_of
from encoders.media.timeline import fitted

# Containers round time stamps; a frame that begins this much after the asked moment is shown at it.
SLACK = 0.01  # seconds
# Containers with an index of frames. In the others decord counts wrongly after a seek (seen with ASF).
_INDEXED = frozenset({"mov", "matroska", "avi"})
_LEAP = 30.0  # seconds; PyAV seeks over gaps longer than this and decodes through shorter ones

DECORD_FAILS = (DECORDError, OSError, RuntimeError, ValueError, AssertionError)  # asserts in its own code
Shown = tuple[Frames, tuple[float, ...]]  # frames and the seconds at which each begins


class Reader(Protocol):
    """Gives the frames shown at some moments, which never go back; a frame shown at two comes once."""

    def at(self, moments: Sequence[float]) -> Shown:
        """Frames (t, h, w, 3) and their times; ValueError where none can be decoded."""
        ...


class ByDecord:
    """decord, which decodes at the asked size and seeks by itself.

    Raises ValueError, OSError, RuntimeError or DECORDError for what it can't read, or reads without
    usable time stamps.
    """

    def __init__(self, path: Path, size: tuple[int, int], first: float) -> None:
        decord.logging.set_level(decord.logging.QUIET)
        self._film = decord.VideoReader(str(path.absolute()), width=size[0], height=size[1], num_threads=1)
        begins = self._film.get_frame_timestamp(range(len(self._film)))[:, 0].astype(np.float64)
        if not _usable(begins):
            raise ValueError("no usable time stamps")
        self._begins = begins - begins[0] + first

    def at(self, moments: Sequence[float]) -> Shown:
        """See Reader."""
        after = np.searchsorted(self._begins, np.asarray(moments) + SLACK, side="right")
        chosen = np.unique((after - 1).clip(0))
        return self._film.get_batch(chosen).asnumpy(), tuple(self._begins[chosen].tolist())


def _usable(begins: np.ndarray) -> bool:
    """False for missing or disordered times."""
    sane = np.isfinite(begins).all() and np.abs(begins).max() <= LONGEST
    return bool(sane and (np.diff(begins) >= 0).all())


class ByAv:
    """PyAV on an open container, frame after frame, with a leap over long gaps."""

    def __init__(self, container: InputContainer, size: tuple[int, int], turns: int) -> None:
        film = film_of(container)
        if film is None:
            raise ValueError("no film")
        self._container, self._film, self._origin = container, film, origin_of(container)
        self._size, self._turns = size, turns
        self._frames = self._timed()
        self._now = self._next = next(self._frames, None)

    def at(self, moments: Sequence[float]) -> Shown:
        """See Reader."""
        found: dict[float, Frames] = {}
        for moment in moments:
            begin, frame = self._shown_at(moment)
            if begin not in found:
                found[begin] = to_rgb(frame, self._size, self._turns)
        return np.stack(list(found.values())), tuple(found)

    def _shown_at(self, moment: float) -> tuple[float, av.VideoFrame]:
        if self._next is not None and moment - self._next[0] > _LEAP:
            self._leap(moment)
        while self._next is not None and self._next[0] <= moment + SLACK:
            self._now, self._next = self._next, next(self._frames, None)
        if self._now is None:
            raise ValueError("no frame can be decoded")
        return self._now

    def _leap(self, moment: float) -> None:
        try:
            self._container.seek(int((moment + self._origin) * 1e6))
        except FFmpegError:  # no index to seek by: go on frame after frame
            return
        self._frames = self._timed()
        self._next = next(self._frames, None)

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """(seconds, frame); frames without a time stamp are counted at the average rate."""
        period = 1 / float(self._film.average_rate or 25)
        for index, frame in enumerate(decoded(self._container, self._film)):
            yield index * period if frame.time is None else frame.time - self._origin, frame


def to_rgb(frame: av.VideoFrame, size: tuple[int, int], turns: int) -> Frames:
    """(h, w, 3) of a frame scaled to `size` (width, height), on white, then turned by quarters."""
    clear = any(part.is_alpha for part in frame.format.components)
    mode = "rgba" if clear else "rgb24"
    pixels = frame.reformat(*size, format=mode, interpolation=Interpolation.BILINEAR).to_ndarray()
    if clear:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return np.ascontiguousarray(np.rot90(pixels, turns))


class Film:
    """A film's frames by decord, and by PyAV from the moment on where decord fails.

    The container must be fresh: it is read on from where it stands. Raises BadMedia.
    """

    def __init__(self, path: Path, head: bytes, container: InputContainer, side: int) -> None:
        self._path, self._container = path, container
        first, picture = _looked_at(path, head)
        self._turns, self._size = picture.turns, fitted(picture.width, picture.height, side)
        self._reader = self._by_decord(first, picture) or self._by_av()

    def at(self, moments: Sequence[float]) -> Shown:
        """Frames shown at these moments, which must not go back. Raises BadMedia if none can be decoded."""
        try:
            return self._reader.at(moments)
        except DECORD_FAILS as error:
            if isinstance(self._reader, ByAv):
                lasting = not isinstance(error, OSError)
                raise BadMedia(self._path, f"damaged: {error}", lasting=lasting) from None
        self._reader = self._by_av()
        return self.at(moments)

    def _by_decord(self, first: float, picture: Picture) -> Reader | None:
        indexed = not _INDEXED.isdisjoint(self._container.format.name.split(","))
        if picture.clear or not indexed:  # decord would show what is under the transparent parts
            return None
        size = self._size[::-1] if picture.turns % 2 else self._size  # decord turns before it scales
        try:
            return ByDecord(self._path, size, first)
        except DECORD_FAILS:
            return None

    def _by_av(self) -> Reader:
        return ByAv(self._container, self._size, self._turns)


def _looked_at(path: Path, head: bytes) -> tuple[float, Picture]:
    """When the film begins in the file's own time, and how it is shown. Raises BadMedia."""
    with opened(path, head) as container:
        film = film_of(container)
        picture = picture_of(container, film) if film else None
        if film is None or picture is None:
            raise BadMedia(path, "damaged: no frame can be decoded")
        begin = 0.0 if film.start_time is None else float(film.start_time * (film.time_base or 0))
        return begin - origin_of(container), picture
