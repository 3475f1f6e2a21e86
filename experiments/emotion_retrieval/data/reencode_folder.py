"""Re-encodes the videos of a folder in several processes; a crash of a decoder costs its file alone."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encoders import AffectError, MediaError, describe_os_error, name_draft, stop_if_requested, to_printable
from encoders.interrupts import exit_with_parent
from encoders.media import probe
from experiments.emotion_retrieval.data.reencoding import (
    EncodedVideo,
    EncodingSettings,
    encode_file,
    is_encoded,
    make_stamp,
)
from retrieval.indexing.file_scan import find_media_files, make_absolute

CRASH_REASON = "its decoder or encoder crashed"


@dataclass(frozen=True, kw_only=True)
class EncodingTask:
    """A video and the file that it becomes, which is a draft until it is whole."""

    source: Path
    target: Path
    draft: Path


@dataclass(kw_only=True)
class ReencodingResult:
    """Paths below the source folder by what became of them, with reasons where there is one.

    unchanged: done before, of the same source with the same settings
    silent:    encoded, of a source without sound
    others:    media that are no videos
    """

    encoded: dict[str, EncodedVideo] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    others: int = 0

    @property
    def silent(self) -> list[str]:
        """Those without sound, of those encoded now."""
        return [name for name, video in self.encoded.items() if not video.has_sound]

    @property
    def incomplete(self) -> dict[str, str]:
        """Reasons of those encoded now that could be decoded in part only."""
        reasons = {name: video.incomplete_reason for name, video in self.encoded.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    def to_json(self) -> dict[str, Any]:
        """As printed with --json."""
        return {
            "encoded": len(self.encoded), "unchanged": len(self.unchanged), "silent": len(self.silent),
            "no video": self.others,
            "frames": sum(video.frames for video in self.encoded.values()),
            "seconds": round(sum(video.seconds for video in self.encoded.values()), 3),
            "failed": [{"path": path, "reason": reason} for path, reason in self.failed.items()],
            "incomplete": [{"path": path, "reason": reason} for path, reason in self.incomplete.items()],
        }  # fmt: skip


def check_folders(source: Path, out: Path) -> None:
    """Raise AffectError unless `source` is a folder and `out` another, neither inside the other."""
    if not source.is_dir():
        raise AffectError(f"{to_printable(source)}: no such folder")
    inner, outer = out.resolve(), source.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise AffectError(
            f"{to_printable(out)}: the videos would lie among those of {to_printable(source)}; give a folder "
            "outside it with --out"
        )
    if out.exists() and not out.is_dir():
        raise AffectError(f"{to_printable(out)}: not a folder")


def reencode_folder(
    source: Path, out: Path, settings: EncodingSettings, *, jobs: int,
    on_file: Callable[[str, int, int, int], None] = lambda name, done, total, failed: None,
) -> ReencodingResult:  # fmt: skip
    """Re-encode what is not done yet, with the folders of the source; call it in `stop_at_safe_points`.

    on_file: called with what is done ("checking", "encoding"), the files done, all files, and those failed
    """
    result = ReencodingResult()
    sorting = _Sorting(source, out, settings, result)
    paths = list(find_media_files([source], sorting.record_error, out))
    tasks: list[EncodingTask] = []
    for number, path in enumerate(paths):
        on_file("checking", number, len(paths), len(result.failed))
        if task := sorting.make_task(path):
            tasks.append(task)
        stop_if_requested()
    failed_before = len(result.failed)
    on_file("encoding", 0, len(tasks), failed_before)
    for task, outcome in _encode_all(tasks, settings, jobs):
        name = sorting.name(task.source)
        if isinstance(outcome, EncodedVideo):
            result.encoded[name] = outcome
        else:
            result.failed[name] = outcome
        done = len(result.encoded) + len(result.failed) - failed_before
        on_file("encoding", done, len(tasks), len(result.failed))
        stop_if_requested()
    return result


class _Sorting:
    """Tells which files have to be encoded; what becomes of the others goes to the result."""

    def __init__(self, source: Path, out: Path, settings: EncodingSettings, result: ReencodingResult) -> None:
        self._root, self._out, self._settings, self._result = make_absolute(source), out, settings, result
        self._name_by_target: dict[Path, str] = {}

    def name(self, path: Path) -> str:
        """The path below the source folder."""
        return str(path.relative_to(self._root))

    def record_error(self, path: Path, reason: str) -> None:
        """Note a file or folder that can't be read."""
        self._result.failed[self.name(Path(path))] = reason

    def make_task(self, path: Path) -> EncodingTask | None:
        """The task of a video that is not done."""
        target = self._out / Path(self.name(path)).with_suffix(".mp4")
        try:
            is_done = is_encoded(target, make_stamp(path, self._settings))
            if not is_done and probe(path).modality != "video":
                self._result.others += 1
                return None
        except MediaError as error:
            self.record_error(path, error.reason)
            return None
        except OSError as error:
            self.record_error(path, describe_os_error(error))
            return None
        other = self._name_by_target.setdefault(target, self.name(path))
        if other != self.name(path):
            self.record_error(path, f"would become the same file as {to_printable(other)}; rename one")
        elif is_done:
            self._result.unchanged.append(other)
        else:
            return EncodingTask(source=path, target=target, draft=name_draft(target))
        return None


def _encode_all(
    tasks: Sequence[EncodingTask], settings: EncodingSettings, jobs: int
) -> Iterator[tuple[EncodingTask, EncodedVideo | str]]:
    """Each task with what was written, or why nothing was; those that ran during a crash again, alone."""
    pending, suspects = deque(tasks), deque[EncodingTask]()
    while pending or suspects:
        alone = bool(suspects)
        queue = deque([suspects.popleft()]) if alone else pending
        workers = 1 if alone else min(jobs, len(pending))
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), exit_with_parent)
        ended_by_crash: list[EncodingTask] = []
        try:
            for task, outcome in _run(pool, workers, queue, settings):
                if outcome is None:
                    ended_by_crash.append(task)
                else:
                    yield task, outcome
        finally:
            pool.shutdown(cancel_futures=True)  # before that a process may still write its draft
            for task in ended_by_crash:
                task.draft.unlink(missing_ok=True)
        if alone:
            yield from ((task, CRASH_REASON) for task in ended_by_crash)
        else:
            suspects.extend(ended_by_crash)


def _run(
    pool: ProcessPoolExecutor, workers: int, queue: deque[EncodingTask], settings: EncodingSettings
) -> Iterator[tuple[EncodingTask, EncodedVideo | str | None]]:
    """Tasks as they are done, None for those that a crash ended, after which the rest stays in the queue."""
    running: dict[Future[EncodedVideo | str], EncodingTask] = {}
    broken = False
    while running or (queue and not broken):
        while queue and len(running) < workers and not broken:
            running[pool.submit(_encode_task, queue[0], settings)] = queue[0]
            queue.popleft()
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task = running.pop(future)
            try:
                yield task, future.result()
            except BrokenProcessPool:
                broken = True
                yield task, None


def _encode_task(task: EncodingTask, settings: EncodingSettings) -> EncodedVideo | str:
    """What was written, or the reason why nothing was."""
    try:
        return encode_file(task.source, task.target, task.draft, settings)
    except MediaError as error:
        return error.reason
    except OSError as error:
        return describe_os_error(error)
    except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        return f"can't be encoded ({error or type(error).__name__})"
