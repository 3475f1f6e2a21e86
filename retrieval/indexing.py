"""Filling a library: scan, decode in other processes, encode in batches, commit whole files."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from encoders.base import BadMedia, Rows, printable
from encoders.interrupts import safe_point, stop_at_safe_points
from encoders.media import Limits, Sampling, Segment
from encoders.media.decoding import DecoderPool, Failed, Finished, Opened, Part
from retrieval.catalog import Known, Stamp
from retrieval.library import Encoded, Library, Note
from retrieval.scan import media_files, reason

FRAMES = 32  # encode when so many frames wait ...
SECONDS = 120.0  # ... or so much sound
NOTES = 256  # moved or unreadable files are written down when there are so many


@dataclass(kw_only=True)
class Progress:
    """Counts so far; `failed` maps paths to reasons. Sound and video in seconds of media."""

    found: int = 0
    todo: int = 0
    indexed: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    frames: int = 0
    images: int = 0
    video_seconds: float = 0.0
    sound_seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Files dealt with, of `todo`."""
        return self.indexed + self.moved + len(self.failed)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json`."""
        return {
            "indexed": self.indexed, "unchanged": self.unchanged, "moved": self.moved,
            "removed": self.removed, "images": self.images, "frames": self.frames,
            "video_seconds": round(self.video_seconds, 3), "sound_seconds": round(self.sound_seconds, 3),
            "failed": [{"path": path, "reason": why} for path, why in sorted(self.failed.items())],
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


@dataclass(kw_only=True)
class _Work:
    """A file between decoding and commit."""

    path: Path
    stamp: Stamp
    opened: Opened
    spans: list[tuple[float | None, float | None]] = field(default_factory=list)
    features: list[dict[str, Rows]] = field(default_factory=list)
    finished: bool = False

    @property
    def ready(self) -> bool:
        """All decoded, all encoded."""
        return self.finished and len(self.features) == len(self.spans)

    def encoded(self) -> Encoded:
        """As the library takes it."""
        roles = self.features[0]
        return Encoded(
            path=self.path, stamp=self.stamp, item=self.opened.item, probe=self.opened.probe,
            spans=self.spans, features={r: np.concatenate([f[r] for f in self.features]) for r in roles},
        )  # fmt: skip


class Indexer:
    """One run over some folders. `report` is called after every step."""

    def __init__(self, library: Library, report: Callable[[Progress], None]) -> None:
        self.library = library
        self.progress = Progress()
        self._report = report
        self._stamps: dict[Path, Stamp] = {}
        self._gone: list[Path] = []
        self._locked: set[Path] = set()  # what could not even be looked at
        self._notes: list[Note] = []
        self._works: dict[Path, _Work] = {}
        self._waiting: deque[tuple[_Work, Segment]] = deque()

    def run(self, roots: Sequence[Path], jobs: int, *, retry: bool = False) -> Progress:
        """Index what is new or changed below the roots and forget what is gone; the caller may write.

        Raises AffectError for a root that does not exist or a full disk; what was committed stays. On
        KeyboardInterrupt (see encoders.interrupts) what is complete is committed first.
        """
        todo = self._changed(roots, retry)
        try:
            if todo:
                with stop_at_safe_points():
                    self._read(todo, jobs)
        except KeyboardInterrupt:
            self._commit()
            raise
        self._forget()
        return self.progress

    def _read(self, todo: Sequence[Path], jobs: int) -> None:
        sampling = Sampling(segment=self.library.segment, rate=self.library.experts.sound_rate)
        with DecoderPool(min(jobs, len(todo)), sampling, Limits()) as pool:
            for event in pool.read(todo, wanted=self._is_new):
                self._take(event)
                safe_point()
        self._encode()

    def _changed(self, roots: Sequence[Path], retry: bool) -> list[Path]:
        known = self.library.catalog.known()
        found = list(dict.fromkeys(media_files(roots, self._lock_out, self.library.folder, known)))
        self._gone = self._gone_from(known, found, roots)
        todo = [path for path in found if not self._unchanged(path, known.get(path), retry)]
        self.progress.found, self.progress.todo = len(found), len(todo) + len(self.progress.failed)
        self._report(self.progress)
        return todo

    def _unchanged(self, path: Path, known: Known | None, retry: bool) -> bool:
        try:
            self._stamps[path] = Stamp.of(path)
        except OSError as bad:
            self._lock_out(path, reason(bad))
            return True
        if known is None or known.stamp != self._stamps[path] or (known.error and retry):
            return False
        if known.error:
            self.progress.failed[printable(path)] = known.error
        else:
            self.progress.unchanged += 1
        return True

    def _gone_from(self, known: Iterable[Path], found: Iterable[Path], roots: Iterable[Path]) -> list[Path]:
        below = {Path(os.path.abspath(root)) for root in roots}  # noqa: PTH100 - as in media_files
        missed = {path: {path, *path.parents} for path in set(known) - set(found)}
        return [
            path
            for path, places in missed.items()
            if not below.isdisjoint(places) and self._locked.isdisjoint(places)
        ]

    def _forget(self) -> None:
        """Last of all, so that what only moved is found to be known before its old place is forgotten."""
        with self.library.catalog.transaction():
            self.library.catalog.forget(self._gone)
        self.progress.removed = len(self._gone)

    def _lock_out(self, path: Path, why: str) -> None:
        """What can't be looked at is not gone: a folder may be locked for a while."""
        self._locked.add(path)
        self.progress.failed[printable(path)] = why

    def _is_new(self, opened: Opened) -> bool:
        return not self.library.catalog.has(opened.item)

    def _take(self, event: Opened | Part | Finished | Failed) -> None:
        match event:
            case Opened(path=path):
                self._works[path] = _Work(path=path, stamp=self._stamps[path], opened=event)
            case Part(path=path, segment=segment):
                work = self._works[path]
                work.spans.append((segment.start, segment.end))
                self._waiting.append((work, segment))
                if self._enough():
                    self._encode()
            case Finished(path=path):
                self._finish(self._works[path])
            case Failed(path=path, error=error):
                self._fail(path, error)
        self._report(self.progress)

    def _enough(self) -> bool:
        frames = sum(len(s.frames) for _, s in self._waiting if s.frames is not None)
        sound = sum(s.sound.seconds for _, s in self._waiting if s.sound is not None)
        return frames >= FRAMES or sound >= SECONDS

    def _encode(self) -> None:
        """Encode what waits, then commit the files this completes."""
        if self._waiting:
            works, segments = zip(*self._waiting, strict=True)
            self._waiting.clear()
            features = self.library.experts.watch([s.frames for s in segments], [s.sound for s in segments])
            for at, work in enumerate(works):
                work.features.append({role: rows[at : at + 1] for role, rows in features.items()})
            self._count(segments)
        self._commit()

    def _commit(self) -> None:
        ready = [work for work in self._works.values() if work.ready]
        if ready:
            self.library.commit([work.encoded() for work in ready])
            self.progress.indexed += len(ready)
        if self._notes:
            self.library.note(self._notes)
            self._notes = []
        for work in ready:
            del self._works[work.path]

    def _finish(self, work: _Work) -> None:
        work.finished = True
        if work.spans:
            return
        del self._works[work.path]  # its content is known already: it moved, or it is a copy
        self._note(work.path, work.opened.item, None)
        self.progress.moved += 1

    def _fail(self, path: Path, error: BadMedia) -> None:
        """What may pass is not remembered: the file is tried again, and keeps its old item until then."""
        self._works.pop(path, None)
        self._waiting = deque((work, segment) for work, segment in self._waiting if work.path != path)
        if error.lasting:
            self._note(path, None, error.reason)
        self.progress.failed[printable(path)] = error.reason

    def _note(self, path: Path, item: str | None, error: str | None) -> None:
        """Remembered with the next commit: one each would cost a wait for the disk each."""
        self._notes.append(Note(path=path, stamp=self._stamps[path], item=item, error=error))
        if len(self._notes) >= NOTES:
            self._commit()

    def _count(self, segments: Sequence[Segment]) -> None:
        progress = self.progress
        for segment in segments:
            long = (segment.end or 0) - (segment.start or 0)
            progress.images += segment.start is None
            progress.frames += 0 if segment.frames is None else len(segment.frames)
            progress.video_seconds += long if segment.frames is not None else 0
            progress.sound_seconds += segment.sound.seconds if segment.sound is not None else 0
