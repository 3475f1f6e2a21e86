"""Decoding of a file into segments; errors in its frames don't affect its sound, nor the reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar

from av.error import FFmpegError

from encoders.base import Audio, MediaError
from encoders.media.audio import AudioReader
from encoders.media.containers import open_container
from encoders.media.segments import Sampling, Segment, compute_frame_times, compute_segment_bounds
from encoders.media.stream_survey import StreamSurvey
from encoders.media.video import TimedFrames, VideoReader

_Value = TypeVar("_Value")
ReadInterval = Callable[[float, float], _Value | None]

# Errors of decoders and their bindings for damaged content. Not OSError: a disk failure may pass.
DECODE_ERRORS = (
    MediaError,
    FFmpegError,
    ArithmeticError,
    AssertionError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def decode_segments(path: Path, header: bytes, survey: StreamSurvey, sampling: Sampling) -> Iterator[Segment]:
    """Every segment of a time line, also those with neither frames nor sound.

    If only one of a film's two tracks can be decoded, `incomplete_reason` names the other. Raises MediaError
    if the only track is damaged.
    """
    duration = survey.probe.duration or 0.0
    with ExitStack() as stack:
        openers = _TrackOpeners(path, header, survey, sampling, stack)
        has_both = survey.video is not None and survey.audio is not None and sampling.skip_track is None
        video = _TrackReader[TimedFrames]("pictures", openers.make_video_opener(), is_optional=has_both)
        audio = _TrackReader[Audio]("sound", openers.make_audio_opener(), is_optional=has_both)
        for start, end in compute_segment_bounds(duration, sampling.segment_seconds):
            frames, times = video.read_between(start, end) or (None, ())
            sound = audio.read_between(start, end)
            notes = [track.take_note(is_last=end >= duration) for track in (video, audio)]
            yield Segment(
                start=start,
                end=end,
                frames=frames,
                frame_times=times,
                audio=sound,
                incomplete_reason="; ".join(filter(None, notes)) or None,
            )


class _TrackOpeners:
    """Opens a file's two tracks, each with a container of its own that `stack` closes."""

    def __init__(
        self, path: Path, header: bytes, survey: StreamSurvey, sampling: Sampling, stack: ExitStack
    ) -> None:
        self._path, self._header, self._survey = path, header, survey
        self._sampling, self._stack = sampling, stack

    def make_video_opener(self) -> Callable[[], ReadInterval[TimedFrames]] | None:
        """Function that opens the video track; None if it is skipped or missing."""
        track, sampling = self._survey.video, self._sampling
        if track is None or sampling.skip_track == "pictures":
            return None

        def open_video() -> ReadInterval[TimedFrames]:
            container = self._stack.enter_context(open_container(self._path, self._header))
            reader = VideoReader(self._path, container, track, sampling.max_side)
            return lambda start, end: reader.read_frames_at(
                compute_frame_times(start, end, sampling.fps, sampling.max_frames)
            )

        return open_video

    def make_audio_opener(self) -> Callable[[], ReadInterval[Audio]] | None:
        """Function that opens the sound track; None if it is skipped or missing."""
        track, sampling = self._survey.audio, self._sampling
        if track is None or sampling.skip_track == "sound":
            return None

        def open_audio() -> ReadInterval[Audio]:
            container = self._stack.enter_context(open_container(self._path, self._header))
            return AudioReader(self._path, container, sampling.sample_rate, track).read_between

        return open_audio


class _TrackReader(Generic[_Value]):
    """One track of a file, decoded segment by segment; errors of an optional track become notes."""

    def __init__(
        self, name: str, open_track: Callable[[], ReadInterval[_Value]] | None, *, is_optional: bool
    ) -> None:
        self._name, self._open_track, self._is_optional = name, open_track, is_optional
        self._read_interval: ReadInterval[_Value] | None = None
        self._has_data = self._is_broken = False
        self._pending_note: str | None = None

    def read_between(self, start: float, end: float) -> _Value | None:
        """Frames or sound from `start` to `end` seconds, None without any."""
        if self._open_track is None:
            return None
        try:
            self._read_interval = self._read_interval or self._open_track()
            value = self._read_interval(start, end)
        except DECODE_ERRORS as error:
            if not self._is_optional or not getattr(error, "is_permanent", True):
                raise
            self._mark_broken(start, error)
            return None
        self._has_data = self._has_data or value is not None
        return value

    def take_note(self, *, is_last: bool) -> str | None:
        """Message about undecodable content, once: at the error, or at the end if nothing was decoded."""
        if is_last and self._open_track is not None and not self._has_data and not self._is_broken:
            return f"none of its {self._name} can be decoded"
        note, self._pending_note = self._pending_note, None
        return note

    def _mark_broken(self, start: float, error: Exception) -> None:
        if not self._is_broken:
            reason = error.reason if isinstance(error, MediaError) else (str(error) or type(error).__name__)
            self._pending_note = (
                f"its {self._name} can't be decoded at {start:g} s: {reason.splitlines()[0][:100]}"
            )
        self._is_broken = True
