"""What the experts make of a file, segment by segment and moment by moment: what affect is told from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.acoustic.features import windows
from encoders.base import BadMedia, Rows, Sound, encode_all
from encoders.faces import Face, summary
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecoderPool, Failed, Finished, Opened, Part
from retrieval.features.pipeline import Experts, absent, where_present
from retrieval.indexing.indexer import FRAMES, SECONDS

Floats = npt.NDArray[np.float64]

STEP = 0.5  # seconds between readings of sound, as the circumplex report has it


@dataclass(frozen=True, kw_only=True, eq=False)
class Looked:
    """One segment.

    span:     (start, end) in seconds, None for a picture
    features: raw rows (1, d) by role
    frames:   raw rows (f, d) of each frame of the role "objects", at `times` (f,) seconds
    faces:    those of its frames, where they can be told apart
    moments:  raw rows (w, d) by role of the sound about each of `starts` (w,) seconds
    """

    span: tuple[float | None, float | None]
    features: Mapping[str, Rows]
    frames: Rows
    times: Floats
    faces: Sequence[Face]
    moments: Mapping[str, Rows]
    starts: Floats


@dataclass(kw_only=True)
class Evidence:
    """All segments of a file in order, and what kind of file it is."""

    path: Path
    modality: str
    looked: list[Looked] = field(default_factory=list)


def evidence(
    experts: Experts, paths: Sequence[Path], jobs: int, segment: float = 15.0
) -> Iterator[Evidence | BadMedia]:
    """What there is to know of each file, in the order given; BadMedia for one that can't be read.

    Files are decoded side by side and encoded together; one given twice is read once.
    """
    reader = _Reader(experts)
    sampling = Sampling(segment=segment, rate=experts.sound_rate)
    unique, wanted = list(dict.fromkeys(paths)), Counter(paths)
    if not unique:
        return
    with DecoderPool(min(jobs, len(unique)), sampling) as pool:
        events = pool.read(unique)
        for path in paths:
            while path not in reader.done:
                event = next(events, None)
                if event is None:
                    reader.flush()
                    break
                reader.take(event)
            found = reader.done[path]
            wanted[path] -= 1
            if not wanted[path]:
                del reader.done[path]
            yield found


class _Reader:
    """Gathers segments of several files until there are enough to encode together."""

    def __init__(self, experts: Experts) -> None:
        self.done: dict[Path, Evidence | BadMedia] = {}
        self._experts = experts
        self._open: dict[Path, Evidence] = {}
        self._waiting: list[tuple[Evidence, Segment]] = []
        self._ended: list[Path] = []

    def take(self, event: Opened | Part | Finished | Failed) -> None:
        match event:
            case Opened(path=path, probe=probe):
                self._open[path] = Evidence(path=path, modality=probe.modality)
            case Part(path=path, segment=segment):
                self._waiting.append((self._open[path], segment))
            case Finished(path=path):
                self._ended.append(path)
            case Failed(path=path, error=error):
                self._waiting = [one for one in self._waiting if one[0].path != path]
                self._open.pop(path, None)
                self.done[path] = error
        if _enough([segment for _, segment in self._waiting]):
            self.flush()

    def flush(self) -> None:
        """Encode what waits; files that have ended are done."""
        if self._waiting:
            looked = look(self._experts, [segment for _, segment in self._waiting])
            for (file, _), one in zip(self._waiting, looked, strict=True):
                file.looked.append(one)
        self._waiting = []
        for path in self._ended:
            self.done[path] = self._open.pop(path)
        self._ended = []


def look(experts: Experts, segments: Sequence[Segment]) -> list[Looked]:
    """Every expert of affect on every segment, its frames and its half seconds."""
    recipe, clips, sounds = experts.recipe, [one.frames for one in segments], [one.sound for one in segments]
    inputs: dict[str, Sequence[Any | None]] = {"frames": clips, "sound": sounds}
    heard = [role for role in ("tone", "sound") if getattr(recipe, role)]
    features = {role: where_present(experts.role(role), inputs) for role in heard}
    faces: list[list[Face]] = [[] for _ in segments]
    if recipe.faces:
        features["faces"], faces = _faces(experts.role("faces"), clips)
    shown = _each_frame(experts, clips)
    if recipe.objects:
        features["objects"] = np.stack([_mean(rows) for rows in shown])
    moments, starts = _each_moment(experts, heard, sounds)
    return [
        Looked(
            span=(one.start, one.end),
            features={role: rows[at : at + 1] for role, rows in features.items()},
            frames=shown[at],
            times=np.array(one.times, np.float64),
            faces=faces[at],
            moments=moments[at],
            starts=starts[at] + (one.start or 0.0),
        )
        for at, one in enumerate(segments)
    ]


def _faces(encoder: Any, clips: Sequence[Any | None]) -> tuple[Rows, list[list[Face]]]:
    """Rows (n, d) of clips, and the faces themselves where the encoder can tell them apart."""
    found: list[list[Face]] = [[] for _ in clips]
    if not hasattr(encoder, "read"):
        return where_present(encoder, {"frames": clips}), found
    rows = absent(len(clips), encoder.card.dim)
    here = [(at, clip) for at, clip in enumerate(clips) if clip is not None]
    for (at, clip), some in zip(here, encoder.read([clip for _, clip in here]), strict=True):
        rows[at], found[at] = summary(some, len(clip)), some
    return rows, found


def _each_frame(experts: Experts, clips: Sequence[Any | None]) -> list[Rows]:
    """Of each clip, rows (frames, d) of the role "objects", a frame at a time."""
    ends = np.cumsum([0 if clip is None else len(clip) for clip in clips])
    if not experts.recipe.objects:
        return np.split(absent(int(ends[-1]), 0), ends[:-1])
    singles = [frame[None] for clip in clips if clip is not None for frame in clip]
    return np.split(encode_all(experts.role("objects"), singles), ends[:-1])


def _each_moment(
    experts: Experts, roles: Sequence[str], sounds: Sequence[Sound | None]
) -> tuple[list[dict[str, Rows]], list[Floats]]:
    """Of each sound, raw rows (w, d) by role about each half second, and the seconds (w,) those begin."""
    cut = [windows(sound, STEP) if sound is not None else ([], np.empty(0)) for sound in sounds]
    ends = np.cumsum([len(starts) for _, starts in cut])[:-1]
    parts = [part for some, _ in cut for part in some]
    rows = {role: np.split(encode_all(experts.role(role), parts), ends) for role in roles}
    told = [{role: found[at] for role, found in rows.items()} for at in range(len(sounds))]
    return told, [np.asarray(starts, np.float64) for _, starts in cut]


def _mean(rows: Rows) -> Rows:
    """(d,) of rows (f, d); NaN of none."""
    return rows.mean(axis=0) if len(rows) else np.full(rows.shape[1], np.nan, np.float32)


def _enough(segments: Sequence[Segment]) -> bool:
    frames = sum(len(one.frames) for one in segments if one.frames is not None)
    return frames >= FRAMES or sum(one.sound.seconds for one in segments if one.sound) >= SECONDS
