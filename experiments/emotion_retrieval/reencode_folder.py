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

from encoders import AffectError, MediaError, describe_os_error, stop_if_requested, to_printable
from encoders.interrupts import exit_with_parent
from encoders.media import probe
from experiments.emotion_retrieval.reencoding import (
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
    """A video and the file that it becomes."""

    source: Path
    target: Path


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
    tasks: list[EncodingTask] = []
    files = list(_list_files(source, out, result))
    for number, task in enumerate(files):
        on_file("checking", number, len(files), len(result.failed))
        if _is_to_do(task, source, settings, result):
            tasks.append(task)
        stop_if_requested()
    failed_before = len(result.failed)
    on_file("encoding", 0, len(tasks), failed_before)
    for task, outcome in _encode_all(tasks, settings, jobs):
        name = _name(task.source, source)
        if isinstance(outcome, EncodedVideo):
            result.encoded[name] = outcome
        else:
            result.failed[name] = outcome
        done = len(result.encoded) + len(result.failed) - failed_before
        on_file("encoding", done, len(tasks), len(result.failed))
        stop_if_requested()
    return result


def _name(path: Path, source: Path) -> str:
    return str(path.relative_to(make_absolute(source)))


def _list_files(source: Path, out: Path, result: ReencodingResult) -> Iterator[EncodingTask]:
    """Media files, each with a target of its own; others fail."""

    def record_error(path: Path, reason: str) -> None:
        result.failed[_name(Path(path), source)] = reason

    names: dict[Path, str] = {}
    for path in find_media_files([source], record_error, out):
        name = _name(path, source)
        target = out / Path(name).with_suffix(".mp4")
        if target in names:
            result.failed[name] = f"would become the same file as {names[target]}; rename one"
            continue
        names[target] = name
        yield EncodingTask(source=path, target=target)


def _is_to_do(task: EncodingTask, source: Path, settings: EncodingSettings, result: ReencodingResult) -> bool:
    """Whether a file is a video that is not done; what else it is goes to the result."""
    name = _name(task.source, source)
    try:
        if is_encoded(task.target, make_stamp(task.source, settings)):
            result.unchanged.append(name)
        elif probe(task.source).modality == "video":
            return True
        else:
            result.others += 1
    except MediaError as error:
        result.failed[name] = error.reason
    except OSError as error:
        result.failed[name] = describe_os_error(error)
    return False


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
        try:
            for task, outcome in _run(pool, workers, queue, settings):
                if outcome is not None:
                    yield task, outcome
                elif alone:
                    yield task, CRASH_REASON
                else:
                    suspects.append(task)
        finally:
            pool.shutdown(cancel_futures=True)


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
        return encode_file(task.source, task.target, settings)
    except MediaError as error:
        return error.reason
    except OSError as error:
        return describe_os_error(error)
    except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        return f"can't be encoded ({error or type(error).__name__})"
