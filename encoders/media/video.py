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

from encoders.base import Frames, MediaError
from encoders.media.containers import decode_frames, get_video_stream
from encoders.media.segments import fit_size
from encoders.media.stream_selection import UPRIGHT, Orientation, VideoTrack
from encoders.media.timestamp_resets import Seconds

# Containers round time stamps; a frame that begins this much after the asked moment is shown at it.
TIME_TOLERANCE_SECONDS = 0.01  # seconds
# Containers with an index of frames. In the others decord counts wrongly after a seek (seen with ASF).
_INDEXED_CONTAINERS = frozenset({"mov", "matroska", "avi"})
_MIN_SEEK_SECONDS = 0.5  # seconds; PyAV seeks to a key frame that is further ahead, and decodes through less

DECORD_ERRORS = (DECORDError, OSError, RuntimeError, ValueError, AssertionError)  # asserts in its own code
TimedFrames = tuple[Frames, tuple[float, ...]]  # frames and the seconds at which each begins


class FrameReader(Protocol):
    """Gives the frames shown at some moments, which never go back; a frame shown at two comes once."""

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """Frames (t, h, w, 3) and their times; ValueError where none can be decoded."""
        ...


class DecordReader:
    """decord, which decodes at the asked size and seeks by itself; of the film as it is, never turned.

    Raises ValueError, OSError, RuntimeError or DECORDError for what it can't read, or where its frames
    are not those that the file shows, by their number and times.
    """

    def __init__(self, path: Path, size: tuple[int, int], start_times: Seconds) -> None:
        decord.logging.set_level(decord.logging.QUIET)
        self._video = decord.VideoReader(str(path.absolute()), width=size[0], height=size[1], num_threads=1)
        own = self._video.get_frame_timestamp(range(len(self._video)))[:, 0].astype(np.float64)
        if not has_same_times(own, start_times):
            raise ValueError("other frames than the file shows")
        self._start_times = start_times

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """See Reader."""
        after = np.searchsorted(self._start_times, np.asarray(times) + TIME_TOLERANCE_SECONDS, side="right")
        chosen = np.unique((after - 1).clip(0))
        return self._video.get_batch(chosen).asnumpy(), tuple(self._start_times[chosen].tolist())


def has_same_times(decoder_times: Seconds, start_times: Seconds) -> bool:
    """Whether a decoder's times (n,) are `start_times` (n,) but for where its clock starts."""
    if len(decoder_times) != len(start_times) or not len(decoder_times):
        return False
    return bool(
        np.allclose(
            decoder_times - decoder_times[0],
            start_times - start_times[0],
            rtol=1e-6,
            atol=TIME_TOLERANCE_SECONDS / 4,
        )
    )


class PyAVReader:
    """PyAV on an open container, frame after frame, with a leap to a key frame where that saves time."""

    def __init__(self, container: InputContainer, size: tuple[int, int], track: VideoTrack) -> None:
        self._container, self._track_times = container, track.times
        self._stream = get_video_stream(container, track.times.stream_index)
        self._size, self._orientation = size, track.geometry.orientation
        self._keyframe_times = np.array([]) if track.times.clock_shifts else track.times.keyframe_times
        self._frame_iterator = self._decode_timed_frames()
        self._current = self._next = next(self._frame_iterator, None)

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """See Reader."""
        found: dict[float, Frames] = {}
        for moment in times:
            begin, frame = self._advance_to(moment)
            if begin not in found:
                found[begin] = to_rgb(frame, self._size, self._orientation)
        return np.stack(list(found.values())), tuple(found)

    def _advance_to(self, time: float) -> tuple[float, av.VideoFrame]:
        before = self._keyframe_times[
            : np.searchsorted(self._keyframe_times, time + TIME_TOLERANCE_SECONDS, side="right")
        ]
        if self._next is not None and len(before) and before[-1] - self._next[0] > _MIN_SEEK_SECONDS:
            self._seek_to_keyframe(float(before[-1]))
        while self._next is not None and self._next[0] <= time + TIME_TOLERANCE_SECONDS:
            self._current, self._next = self._next, next(self._frame_iterator, None)
        if self._current is None:
            raise ValueError("no frame can be decoded")
        return self._current

    def _seek_to_keyframe(self, keyframe_time: float) -> None:
        """Go on from the key frame that begins at `keyframe_time`, from the start where it can't be found."""
        for begin in (keyframe_time, self._track_times.start_time):
            try:
                ticks = round((begin + self._track_times.origin) / (self._stream.time_base or 1))
                self._container.seek(ticks, stream=self._stream)
            except FFmpegError:  # no index to seek by: go on frame after frame
                return
            self._frame_iterator = self._decode_timed_frames()
            self._next = next(self._frame_iterator, None)
            if self._next is not None and self._next[0] <= keyframe_time + TIME_TOLERANCE_SECONDS:
                return
            self._keyframe_times = np.array([])

    def _decode_timed_frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """(seconds, frame); frames without a time stamp are counted at the average rate."""
        period, origin = 1 / float(self._stream.average_rate or 25), self._track_times.origin
        for index, frame in enumerate(
            decode_frames(self._container, self._stream, self._track_times.clock_shifts)
        ):
            yield index * period if frame.time is None else frame.time - origin, frame


def to_rgb(frame: av.VideoFrame, size: tuple[int, int], orientation: Orientation) -> Frames:
    """(h, w, 3) of a frame scaled to `size` (width, height), on white, then turned."""
    clear = any(part.is_alpha for part in frame.format.components)
    mode = "rgba" if clear else "rgb24"
    pixels: Any = frame.reformat(*size, format=mode, interpolation=Interpolation.BILINEAR).to_ndarray()
    if clear:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return orientation.apply(pixels)


class VideoReader:
    """A film's frames by decord, and by PyAV from the moment on where decord fails.

    The container must be fresh: it is read on from where it stands. Raises MediaError.
    """

    def __init__(self, path: Path, container: InputContainer, track: VideoTrack, max_side: int) -> None:
        self._path, self._container, self._track = path, container, track
        self._size = fit_size(track.geometry.width, track.geometry.height, max_side)
        self._reader = self._open_decord() or self._open_pyav()

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """Frames shown at these moments, which must not go back. Raises MediaError if none can be decoded."""
        try:
            return self._reader.read_frames_at(times)
        except DECORD_ERRORS as error:
            if isinstance(self._reader, PyAVReader):
                lasting = not isinstance(error, OSError)
                raise MediaError(self._path, f"damaged: {error}", is_permanent=lasting) from None
        self._reader = self._open_pyav()
        return self.read_frames_at(times)

    def _open_decord(self) -> FrameReader | None:
        """decord, where it can only mean the same frames: it has rules of its own for streams and turns."""
        picture, times = self._track.geometry, self._track.times
        indexed = not _INDEXED_CONTAINERS.isdisjoint(self._container.format.name.split(","))
        plain = self._track.is_only_video and picture.orientation == UPRIGHT and not times.clock_shifts
        if picture.has_alpha or not indexed or not plain:  # it shows what is under transparent parts
            return None
        try:
            return DecordReader(self._path, self._size, times.start_times)
        except DECORD_ERRORS:
            return None

    def _open_pyav(self) -> FrameReader:
        return PyAVReader(self._container, self._size, self._track)
