"""The frames of a film at asked moments: decord where it can, PyAV where it can't, the same by both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import av
import decord
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import Interpolation
from decord._ffi.base import DECORDError

from encoders.base import BadMedia, Frames
from encoders.media.containers import decoded, film_of
from encoders.media.segments import fitted
from encoders.media.stream_selection import UPRIGHT, Orientation, VideoTrack
from encoders.media.timestamp_resets import Seconds

# Containers round time stamps; a frame that begins this much after the asked moment is shown at it.
SLACK = 0.01  # seconds
# Containers with an index of frames. In the others decord counts wrongly after a seek (seen with ASF).
_INDEXED = frozenset({"mov", "matroska", "avi"})
_LEAP = 0.5  # seconds; PyAV seeks to a key frame that is further ahead, and decodes through less

DECORD_FAILS = (DECORDError, OSError, RuntimeError, ValueError, AssertionError)  # asserts in its own code
Shown = tuple[Frames, tuple[float, ...]]  # frames and the seconds at which each begins


class Reader(Protocol):
    """Gives the frames shown at some moments, which never go back; a frame shown at two comes once."""

    def at(self, moments: Sequence[float]) -> Shown:
        """Frames (t, h, w, 3) and their times; ValueError where none can be decoded."""
        ...


class ByDecord:
    """decord, which decodes at the asked size and seeks by itself; of the film as it is, never turned.

    Raises ValueError, OSError, RuntimeError or DECORDError for what it can't read, or where its frames
    are not those that the file shows, by their number and times.
    """

    def __init__(self, path: Path, size: tuple[int, int], begins: Seconds) -> None:
        decord.logging.set_level(decord.logging.QUIET)
        self._film = decord.VideoReader(str(path.absolute()), width=size[0], height=size[1], num_threads=1)
        own = self._film.get_frame_timestamp(range(len(self._film)))[:, 0].astype(np.float64)
        if not agree(own, begins):
            raise ValueError("other frames than the file shows")
        self._begins = begins

    def at(self, moments: Sequence[float]) -> Shown:
        """See Reader."""
        after = np.searchsorted(self._begins, np.asarray(moments) + SLACK, side="right")
        chosen = np.unique((after - 1).clip(0))
        return self._film.get_batch(chosen).asnumpy(), tuple(self._begins[chosen].tolist())


def agree(own: Seconds, begins: Seconds) -> bool:
    """Whether a decoder's times (n,) are `begins` (n,) but for where its clock starts."""
    if len(own) != len(begins) or not len(own):
        return False
    return bool(np.allclose(own - own[0], begins - begins[0], rtol=1e-6, atol=SLACK / 4))


class ByAv:
    """PyAV on an open container, frame after frame, with a leap to a key frame where that saves time."""

    def __init__(self, container: InputContainer, size: tuple[int, int], track: VideoTrack) -> None:
        self._container, self._times = container, track.times
        self._film = film_of(container, track.times.index)
        self._size, self._orientation = size, track.picture.orientation
        self._keys = np.array([]) if track.times.shifts else track.times.keys
        self._frames = self._timed()
        self._now = self._next = next(self._frames, None)

    def at(self, moments: Sequence[float]) -> Shown:
        """See Reader."""
        found: dict[float, Frames] = {}
        for moment in moments:
            begin, frame = self._shown_at(moment)
            if begin not in found:
                found[begin] = to_rgb(frame, self._size, self._orientation)
        return np.stack(list(found.values())), tuple(found)

    def _shown_at(self, moment: float) -> tuple[float, av.VideoFrame]:
        before = self._keys[: np.searchsorted(self._keys, moment + SLACK, side="right")]
        if self._next is not None and len(before) and before[-1] - self._next[0] > _LEAP:
            self._leap(float(before[-1]))
        while self._next is not None and self._next[0] <= moment + SLACK:
            self._now, self._next = self._next, next(self._frames, None)
        if self._now is None:
            raise ValueError("no frame can be decoded")
        return self._now

    def _leap(self, key: float) -> None:
        """Go on from the key frame that begins at `key`, from the start where it can't be found."""
        for begin in (key, self._times.begin):
            try:
                ticks = round((begin + self._times.origin) / (self._film.time_base or 1))
                self._container.seek(ticks, stream=self._film)
            except FFmpegError:  # no index to seek by: go on frame after frame
                return
            self._frames = self._timed()
            self._next = next(self._frames, None)
            if self._next is not None and self._next[0] <= key + SLACK:
                return
            self._keys = np.array([])

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """(seconds, frame); frames without a time stamp are counted at the average rate."""
        period, origin = 1 / float(self._film.average_rate or 25), self._times.origin
        for index, frame in enumerate(decoded(self._container, self._film, self._times.shifts)):
            yield index * period if frame.time is None else frame.time - origin, frame


def to_rgb(frame: av.VideoFrame, size: tuple[int, int], orientation: Orientation) -> Frames:
    """(h, w, 3) of a frame scaled to `size` (width, height), on white, then turned."""
    clear = any(part.is_alpha for part in frame.format.components)
    mode = "rgba" if clear else "rgb24"
    pixels: Any = frame.reformat(*size, format=mode, interpolation=Interpolation.BILINEAR).to_ndarray()
    if clear:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return orientation.turn(pixels)


class Film:
    """A film's frames by decord, and by PyAV from the moment on where decord fails.

    The container must be fresh: it is read on from where it stands. Raises BadMedia.
    """

    def __init__(self, path: Path, container: InputContainer, track: VideoTrack, side: int) -> None:
        self._path, self._container, self._track = path, container, track
        self._size = fitted(track.picture.width, track.picture.height, side)
        self._reader = self._by_decord() or self._by_av()

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

    def _by_decord(self) -> Reader | None:
        """decord, where it can only mean the same frames: it has rules of its own for streams and turns."""
        picture, times = self._track.picture, self._track.times
        indexed = not _INDEXED.isdisjoint(self._container.format.name.split(","))
        plain = self._track.alone and picture.orientation == UPRIGHT and not times.shifts
        if picture.clear or not indexed or not plain:  # it shows what is under transparent parts
            return None
        try:
            return ByDecord(self._path, self._size, times.begins)
        except DECORD_FAILS:
            return None

    def _by_av(self) -> Reader:
        return ByAv(self._container, self._size, self._track)
