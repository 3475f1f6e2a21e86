"""Filling a library: scan, decode in other processes, encode in batches, commit whole files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from encoders.base import BadMedia, Rows
from encoders.interrupts import safe_point, stop_at_safe_points
from encoders.media import Limits, Sampling, Segment
from encoders.media.decoder_pool import DecoderPool, Failed, Finished, Opened, Part
from retrieval.indexing.exclusions import Exclusions
from retrieval.indexing.file_scan import absolute, media_files, reason
from retrieval.indexing.pruning import Scanned, forget_absent
from retrieval.indexing.summary import Progress
from retrieval.storage.file_stamps import Known, Stamp
from retrieval.storage.item_paths import add_ctimes, counts
from retrieval.storage.library import Encoded, Library, Note

FRAMES = 32  # encode when so many frames wait ...
SECONDS = 120.0  # ... or so much sound
SCANNED = 256  # files between two reports of a scan
NOTES = 256  # moved or unreadable files are written down when there are so many


@dataclass(kw_only=True)
class _Work:
    """A file between decoding and commit."""

    path: Path
    stamp: Stamp
    opened: Opened
    spans: list[tuple[float | None, float | None]] = field(default_factory=list)
    features: list[dict[str, Rows]] = field(default_factory=list)
    finished: bool = False
    incomplete: str | None = None

    @property
    def ready(self) -> bool:
        """All decoded, all encoded."""
        return self.finished and len(self.features) == len(self.spans)

    def encoded(self) -> Encoded:
        """As the library takes it."""
        roles = self.features[0]
        return Encoded(
            path=self.path, stamp=self.stamp, item=self.opened.item,
            probe=replace(self.opened.probe, incomplete=self.incomplete),
            spans=self.spans, features={r: np.concatenate([f[r] for f in self.features]) for r in roles},
        )  # fmt: skip


class Indexer:
    """One run over some folders. `report` is called after every step."""

    def __init__(self, library: Library, report: Callable[[Progress], None]) -> None:
        self.library = library
        self.progress = Progress()
        self._report = report
        self._known: dict[Path, Known] = {}
        self._stamps: dict[Path, Stamp] = {}
        self._completed: dict[Path, Stamp] = {}  # files of the first format, which kept no ctime
        self._unreadable: set[Path] = set()  # what could not even be looked at
        self._dropped: set[Path] = set()  # where content was before it moved
        self._notes: list[Note] = []
        self._works: dict[Path, _Work] = {}
        self._waiting: deque[tuple[_Work, Segment]] = deque()

    def run(
        self, roots: Sequence[Path], jobs: int, *, retry: bool = False, recheck: bool = False,
        prune: bool = False, exclude: Sequence[str] = (),
    ) -> Progress:  # fmt: skip
        """Index what is new or changed below the roots and forget what was deleted; the caller may write.

        retry:   read files again that could not be read
        recheck: read all files again, also those that look unchanged
        prune:   forget all that is gone, even where its disk may not be mounted
        exclude: patterns of names to leave out, as in .gitignore

        Raises AffectError for a root that does not exist or a full disk; what was committed stays. On
        KeyboardInterrupt (see encoders.interrupts) what is complete is committed first.
        """
        scanned = self._scan(roots, exclude)
        todo = [
            path for path in self._stamped(scanned.found) if recheck or not self._is_unchanged(path, retry)
        ]
        self.progress.todo = len(todo) + len(self.progress.failed)
        self._report(self.progress)
        try:
            if todo:
                with stop_at_safe_points():
                    self._read(todo, jobs)
                self._report(self.progress)
        except KeyboardInterrupt:
            self._commit()
            raise
        self._end(scanned, prune)
        return self.progress

    def _scan(self, roots: Sequence[Path], exclude: Sequence[str]) -> Scanned:
        self._known = self.library.catalog.known()
        exclusions = Exclusions(exclude)
        self.progress.passed_over.excluded.update(dict.fromkeys(exclusions.given, 0))
        found: dict[Path, None] = {}
        for path in media_files(
            roots, self._refuse, self.library.folder, self._known,
            exclusions=exclusions, passed_over=self.progress.passed_over,
        ):  # fmt: skip
            found[path] = None
            self.progress.found = len(found)
            if len(found) % SCANNED == 0:
                self._report(self.progress)
        return Scanned(
            roots=[absolute(root) for root in roots], known=self._known, found=found.keys(),
            unreadable=self._unreadable, exclusions=exclusions,
        )  # fmt: skip

    def _stamped(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Files that can be looked at, with their stamps kept."""
        for path in paths:
            try:
                self._stamps[path] = Stamp.of(path)
            except OSError as bad:
                self._refuse(path, reason(bad))
            else:
                yield path

    def _is_unchanged(self, path: Path, retry: bool) -> bool:
        """Whether a file needs no reading; counted if so."""
        known, stamp = self._known.get(path), self._stamps[path]
        if known is None or not known.stamp.fits(stamp) or (known.error and retry):
            return False
        if known.stamp.ctime_ns is None:
            self._completed[path] = stamp
        if known.error:
            self.progress.failed[str(path)] = known.error
        else:
            self.progress.unchanged += 1
        return True

    def _read(self, todo: Sequence[Path], jobs: int) -> None:
        sampling = Sampling(segment=self.library.segment, rate=self.library.experts.sound_rate)
        with DecoderPool(min(jobs, len(todo)), sampling, Limits()) as pool:
            for event in pool.read(todo, wanted=self._is_new):
                self._take(event)
                safe_point()
        self._encode()

    def _end(self, scanned: Scanned, everything: bool) -> None:
        """Forget last of all, so that what only moved is still known when it is found."""
        with self.library.catalog.transaction():
            add_ctimes(self.library.catalog, self._completed)
        verdict = forget_absent(self.library, scanned, self._dropped, everything=everything)
        self.progress.removed = len(verdict.forgotten)
        self.progress.losses = verdict.losses
        self.progress.files, self.progress.items = counts(self.library.catalog)

    def _refuse(self, path: Path, why: str) -> None:
        """What can't be looked at is not gone: a folder may be locked for a while."""
        self._unreadable.add(path)
        self.progress.failed[str(path)] = why

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
            case Finished(path=path, incomplete=incomplete):
                self._finish(self._works[path], incomplete)
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
            self.progress.incomplete.update(
                {str(work.path): work.incomplete for work in ready if work.incomplete}
            )
        if self._notes:
            self._dropped |= self.library.note(self._notes)
            self._notes = []
        for work in ready:
            del self._works[work.path]

    def _finish(self, work: _Work, incomplete: str | None) -> None:
        work.finished, work.incomplete = True, incomplete
        if work.spans:
            return
        del self._works[work.path]  # its content is known already: it was there, it moved, or it is a copy
        self._note(work.path, work.opened.item, None)
        known = self._known.get(work.path)
        if known is not None and known.item == work.opened.item:
            self.progress.rechecked += 1
        else:
            self.progress.moved += 1

    def _fail(self, path: Path, error: BadMedia) -> None:
        """What may pass is not remembered: the file is tried again, and keeps its old item until then."""
        self._works.pop(path, None)
        self._waiting = deque((work, segment) for work, segment in self._waiting if work.path != path)
        if error.lasting:
            self._note(path, None, error.reason)
        self.progress.failed[str(path)] = error.reason

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
