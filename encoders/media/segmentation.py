"""The segments of a file in time; what breaks its pictures doesn't cost its sound, nor the reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar

from av.error import FFmpegError

from encoders.base import BadMedia, Sound
from encoders.media.audio import SoundTrack
from encoders.media.containers import opened
from encoders.media.segments import Sampling, Segment, cuts, moments
from encoders.media.stream_survey import Survey
from encoders.media.video import Film, Shown

_Value = TypeVar("_Value")
Read = Callable[[float, float], _Value | None]

# What decoders and their bindings raise for broken content. Not OSError: a disk that fails may recover.
BROKEN = (
    BadMedia,
    FFmpegError,
    ArithmeticError,
    AssertionError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def split(path: Path, head: bytes, found: Survey, sampling: Sampling) -> Iterator[Segment]:
    """Every segment of a time line, also those with neither frames nor sound.

    Where only one of a film's two tracks can be read, the segments say so (`incomplete`). Raises
    BadMedia where the only track is broken.
    """
    duration = found.probe.duration or 0.0
    with ExitStack() as stack:
        readers = _Readers(path, head, found, sampling, stack)
        whole = found.video is not None and found.sound is not None and sampling.without is None
        shown = _Track[Shown]("pictures", readers.video(), spared=whole)
        heard = _Track[Sound]("sound", readers.sound(), spared=whole)
        for start, end in cuts(duration, sampling.segment):
            frames, times = shown.between(start, end) or (None, ())
            sound = heard.between(start, end)
            notes = [track.note(last=end >= duration) for track in (shown, heard)]
            yield Segment(
                start=start,
                end=end,
                frames=frames,
                times=times,
                sound=sound,
                incomplete="; ".join(filter(None, notes)) or None,
            )


class _Readers:
    """Opens a file's two tracks, each with a container of its own that `stack` closes."""

    def __init__(self, path: Path, head: bytes, found: Survey, sampling: Sampling, stack: ExitStack) -> None:
        self._path, self._head, self._found = path, head, found
        self._sampling, self._stack = sampling, stack

    def video(self) -> Callable[[], Read[Shown]] | None:
        """What opens the film; None if it is not wanted or there is none."""
        track, asked = self._found.video, self._sampling
        if track is None or asked.without == "pictures":
            return None

        def open_film() -> Read[Shown]:
            container = self._stack.enter_context(opened(self._path, self._head))
            film = Film(self._path, container, track, asked.side)
            return lambda start, end: film.at(moments(start, end, asked.fps, asked.most))

        return open_film

    def sound(self) -> Callable[[], Read[Sound]] | None:
        """What opens the sound; None if it is not wanted or there is none."""
        track, asked = self._found.sound, self._sampling
        if track is None or asked.without == "sound":
            return None

        def open_sound() -> Read[Sound]:
            container = self._stack.enter_context(opened(self._path, self._head))
            return SoundTrack(self._path, container, asked.rate, track).between

        return open_sound


class _Track(Generic[_Value]):
    """One track of a file, read segment by segment; if `spared`, what breaks it is only noted."""

    def __init__(self, name: str, open_track: Callable[[], Read[_Value]] | None, *, spared: bool) -> None:
        self._name, self._open, self._spared = name, open_track, spared
        self._read: Read[_Value] | None = None
        self._found = self._broken = False
        self._note: str | None = None

    def between(self, start: float, end: float) -> _Value | None:
        """What the track has from `start` to `end` seconds, None for nothing."""
        if self._open is None:
            return None
        try:
            self._read = self._read or self._open()
            value = self._read(start, end)
        except BROKEN as error:
            if not self._spared or not getattr(error, "lasting", True):
                raise
            self._break(start, error)
            return None
        self._found = self._found or value is not None
        return value

    def note(self, *, last: bool) -> str | None:
        """What can't be read, once: as it breaks, or at the last segment if there was never anything."""
        if last and self._open is not None and not self._found and not self._broken:
            return f"none of its {self._name} can be decoded"
        note, self._note = self._note, None
        return note

    def _break(self, start: float, error: Exception) -> None:
        if not self._broken:
            said = error.reason if isinstance(error, BadMedia) else (str(error) or type(error).__name__)
            self._note = f"its {self._name} can't be decoded at {start:g} s: {said.splitlines()[0][:100]}"
        self._broken = True
