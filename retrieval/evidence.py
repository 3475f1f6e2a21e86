"""What the experts make of a file, segment by segment and moment by moment: what affect is told from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import BadMedia, Rows, Sound, encode_all
from encoders.media import Sampling, Segment
from encoders.media.decoding import DecoderPool, Failed, Finished, Opened, Part
from encoders.tone import windows
from retrieval.recipe import Experts

Floats = npt.NDArray[np.float64]

STEP = 0.5  # seconds between readings of sound, as the circumplex report has it
FRAMES = 32  # encode when so many frames wait ...
SECONDS = 120.0  # ... or so much sound


@dataclass(frozen=True, kw_only=True, eq=False)
class Looked:
    """One segment.

    span:     (start, end) in seconds, None for a picture
    features: raw rows (1, d) by role
    frames:   raw rows (f, d) of each frame of the role "objects", at `times` (f,) seconds
    moments:  raw rows (w, d) by role of the sound about each of `starts` (w,) seconds
    """

    span: tuple[float | None, float | None]
    features: Mapping[str, Rows]
    frames: Rows
    times: Floats
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
    unique = list(dict.fromkeys(paths))
    if not unique:
        return
    with DecoderPool(min(jobs, len(unique)), sampling) as pool:
        events = pool.read(unique)
        for at, path in enumerate(paths):
            while path not in reader.done:
                event = next(events, None)
                if event is None:
                    reader.flush()
                    break
                reader.take(event)
            found = reader.done[path]
            if path not in paths[at + 1 :]:
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
    recipe = experts.recipe
    frames = [one.frames for one in segments]
    features: dict[str, list[Rows]] = {}
    seen, seen_ends = _each_frame(experts, frames)
    if recipe.objects:
        features["objects"] = [
            rows.mean(axis=0, keepdims=True) if len(rows) else _absent(1, seen.shape[1])
            for rows in np.split(seen, seen_ends)
        ]
    if recipe.faces:
        features["faces"] = _where(experts.role("faces"), frames)
    sounds = [one.sound for one in segments]
    heard = [role for role in ("tone", "sound") if getattr(recipe, role)]
    for role in heard:
        features[role] = _where(experts.role(role), sounds)
    cut = [windows(sound, STEP) if sound is not None else ([], np.empty(0)) for sound in sounds]
    ends = np.cumsum([len(starts) for _, starts in cut])[:-1]
    parts = [part for some, _ in cut for part in some]
    moments = {role: np.split(encode_all(experts.role(role), parts), ends) for role in heard}
    shown = np.split(seen, seen_ends)
    return [
        Looked(
            span=(one.start, one.end),
            features={role: rows[at] for role, rows in features.items()},
            frames=shown[at],
            times=np.array(one.times, np.float64),
            moments={role: rows[at] for role, rows in moments.items()},
            starts=np.asarray(cut[at][1], np.float64) + (one.start or 0.0),
        )
        for at, one in enumerate(segments)
    ]


def _each_frame(experts: Experts, clips: Sequence[Any | None]) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Rows (all frames, d) of the role "objects", a frame at a time, and where each clip's end."""
    counts = [0 if clip is None else len(clip) for clip in clips]
    ends = np.cumsum(counts)[:-1]
    if not experts.recipe.objects:
        return _absent(sum(counts), 0), ends
    singles = [frame[None] for clip in clips if clip is not None for frame in clip]
    return encode_all(experts.role("objects"), singles), ends


def _where(encoder: Any, items: Iterable[Any | None]) -> list[Rows]:
    listed = list(items)
    rows = _absent(len(listed), encoder.card.dim)
    here = [at for at, item in enumerate(listed) if item is not None]
    if here:
        rows[here] = encode_all(encoder, [listed[at] for at in here])
    return list(rows[:, None])


def _absent(count: int, dim: int) -> Rows:
    return np.full((count, dim), np.nan, np.float32)


def _enough(segments: Sequence[Segment]) -> bool:
    frames = sum(len(one.frames) for one in segments if one.frames is not None)
    return frames >= FRAMES or sum(_seconds(one.sound) for one in segments) >= SECONDS


def _seconds(sound: Sound | None) -> float:
    return 0.0 if sound is None else sound.seconds
