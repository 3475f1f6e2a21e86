"""Video frames at given times: by decord where possible, else by PyAV, with equal results."""

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

# Containers round time stamps: a frame that begins up to this much after a time counts as shown at it.
TIME_TOLERANCE_SECONDS = 0.01
# Containers with an index of frames. In the others decord miscounts after a seek (observed with ASF).
_INDEXED_CONTAINERS = frozenset({"mov", "matroska", "avi"})
_MIN_SEEK_SECONDS = 0.5  # PyAV seeks to a key frame that is further ahead, and decodes up to a nearer one

# AssertionError: decord has assert statements
DECORD_ERRORS = (DECORDError, OSError, RuntimeError, ValueError, AssertionError)
TimedFrames = tuple[Frames, tuple[float, ...]]  # frames and the seconds at which each begins


class FrameReader(Protocol):
    """Decodes the frames shown at ascending times; a frame shown at two of them is returned once."""

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """Frames (t, h, w, 3) and their times; ValueError where none can be decoded."""
        ...


class DecordReader:
    """decord, which decodes at the given size and seeks by itself, without rotation.

    Raises ValueError, OSError, RuntimeError or DECORDError for files that it can't decode, or if number and
    times of its frames are not those of the track.
    """

    def __init__(self, path: Path, size: tuple[int, int], start_times: Seconds) -> None:
        decord.logging.set_level(decord.logging.QUIET)
        self._video = decord.VideoReader(str(path.absolute()), width=size[0], height=size[1], num_threads=1)
        decoder_times = self._video.get_frame_timestamp(range(len(self._video)))[:, 0].astype(np.float64)
        if not has_same_times(decoder_times, start_times):
            raise ValueError("other frames than the file shows")
        self._start_times = start_times

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """See FrameReader."""
        next_frames = np.searchsorted(
            self._start_times, np.asarray(times) + TIME_TOLERANCE_SECONDS, side="right"
        )
        frame_indices = np.unique((next_frames - 1).clip(0))
        return self._video.get_batch(frame_indices).asnumpy(), tuple(
            self._start_times[frame_indices].tolist()
        )


def has_same_times(decoder_times: Seconds, start_times: Seconds) -> bool:
    """Whether a decoder's times (n,) equal `start_times` (n,) up to a constant."""
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
    """PyAV on an open container, frame after frame, seeking to a key frame where that saves time."""

    def __init__(self, container: InputContainer, size: tuple[int, int], track: VideoTrack) -> None:
        self._container, self._track_times = container, track.times
        self._stream = get_video_stream(container, track.times.stream_index)
        self._size, self._orientation = size, track.geometry.orientation
        self._keyframe_times = np.array([]) if track.times.clock_shifts else track.times.keyframe_times
        self._frame_iterator = self._decode_timed_frames()
        self._current = self._next = next(self._frame_iterator, None)

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """See FrameReader."""
        frames_by_start: dict[float, Frames] = {}
        for time in times:
            start, frame = self._advance_to(time)
            if start not in frames_by_start:
                frames_by_start[start] = to_rgb(frame, self._size, self._orientation)
        return np.stack(list(frames_by_start.values())), tuple(frames_by_start)

    def _advance_to(self, time: float) -> tuple[float, av.VideoFrame]:
        keyframes = self._keyframe_times[
            : np.searchsorted(self._keyframe_times, time + TIME_TOLERANCE_SECONDS, side="right")
        ]
        if self._next is not None and len(keyframes) and keyframes[-1] - self._next[0] > _MIN_SEEK_SECONDS:
            self._seek_to_keyframe(float(keyframes[-1]))
        while self._next is not None and self._next[0] <= time + TIME_TOLERANCE_SECONDS:
            self._current, self._next = self._next, next(self._frame_iterator, None)
        if self._current is None:
            raise ValueError("no frame can be decoded")
        return self._current

    def _seek_to_keyframe(self, keyframe_time: float) -> None:
        """Continue from the key frame at `keyframe_time`, or from the start if it can't be reached."""
        for start in (keyframe_time, self._track_times.start_time):
            try:
                ticks = round((start + self._track_times.origin) / (self._stream.time_base or 1))
                self._container.seek(ticks, stream=self._stream)
            except FFmpegError:  # no index to seek by: continue frame after frame
                return
            self._frame_iterator = self._decode_timed_frames()
            self._next = next(self._frame_iterator, None)
            if self._next is not None and self._next[0] <= keyframe_time + TIME_TOLERANCE_SECONDS:
                return
            self._keyframe_times = np.array([])

    def _decode_timed_frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """(seconds, frame); without time stamps, by the average frame rate."""
        period, origin = 1 / float(self._stream.average_rate or 25), self._track_times.origin
        for index, frame in enumerate(
            decode_frames(self._container, self._stream, self._track_times.clock_shifts)
        ):
            yield index * period if frame.time is None else frame.time - origin, frame


def to_rgb(frame: av.VideoFrame, size: tuple[int, int], orientation: Orientation) -> Frames:
    """The frame (h, w, 3) scaled to `size` (width, height), on white, then rotated."""
    has_alpha = any(part.is_alpha for part in frame.format.components)
    mode = "rgba" if has_alpha else "rgb24"
    pixels: Any = frame.reformat(*size, format=mode, interpolation=Interpolation.BILINEAR).to_ndarray()
    if has_alpha:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return orientation.apply(pixels)


class VideoReader:
    """A film's frames by decord, and by PyAV once decord fails.

    The container must be newly opened: decoding begins at its position. Raises MediaError.
    """

    def __init__(self, path: Path, container: InputContainer, track: VideoTrack, max_side: int) -> None:
        self._path, self._container, self._track = path, container, track
        self._size = fit_size(track.geometry.width, track.geometry.height, max_side)
        self._reader = self._open_decord() or self._open_pyav()

    def read_frames_at(self, times: Sequence[float]) -> TimedFrames:
        """Frames shown at ascending times. Raises MediaError if none can be decoded."""
        try:
            return self._reader.read_frames_at(times)
        except DECORD_ERRORS as error:
            if isinstance(self._reader, PyAVReader):
                is_permanent = not isinstance(error, OSError)
                raise MediaError(self._path, f"damaged: {error}", is_permanent=is_permanent) from None
        self._reader = self._open_pyav()
        return self.read_frames_at(times)

    def _open_decord(self) -> FrameReader | None:
        """decord, if it must give the same frames: it chooses streams and rotates by other rules."""
        geometry, times = self._track.geometry, self._track.times
        has_index = not _INDEXED_CONTAINERS.isdisjoint(self._container.format.name.split(","))
        is_plain = self._track.is_only_video and geometry.orientation == UPRIGHT and not times.clock_shifts
        if geometry.has_alpha or not has_index or not is_plain:  # decord ignores transparency
            return None
        try:
            return DecordReader(self._path, self._size, times.start_times)
        except DECORD_ERRORS:
            return None

    def _open_pyav(self) -> FrameReader:
        return PyAVReader(self._container, self._size, self._track)
