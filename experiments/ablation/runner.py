"""Trials side by side in processes: finished ones are skipped, interrupted ones go on where they were."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import torch

from encoders.base import AffectError
from encoders.interrupts import end_with_parent, safe_point, stop_at_safe_points, temporary_folder
from experiments.ablation.prepared_data import Corpus
from experiments.ablation.settings import Settings
from experiments.ablation.trials import Trial, finished, key_of, train
from retrieval.progress_reporter import ProgressReporter

LOOK = 0.3  # seconds between looks at how far trainings are

Tell = Callable[[int], None]  # that so many epochs more are done


def run(
    trials: Sequence[Trial],
    corpus: Corpus,
    settings: Settings,
    folder: Path,
    *,
    jobs: int,
    quiet: bool = False,
) -> dict[Trial, Path]:
    """Every trial's folder, trained where it was not yet.

    With one job all happens in this process, else in processes of their own; the results are the same.
    An interrupt ends the processes at once, which loses no more than the epochs in work.

    Raises AffectError if a process died.
    """
    folders = {trial: folder / key_of(trial.told(corpus, settings)) for trial in trials}
    todo = [trial for trial in trials if not finished(folders[trial])]
    label, done = f"training {len(todo)} spaces", 0
    total = sum(trial.schedule(settings).epochs for trial in todo)

    def tell(more: int) -> None:
        nonlocal done
        done += more
        report.update(label, done, total)

    with ProgressReporter("ablate", unit="epochs", quiet=quiet) as report:
        report.update(label, 0, total)
        if jobs == 1:
            for trial in todo:
                _one_thread(trial, corpus, settings, folders[trial], tell)
        elif todo:
            waiting = {trial: folders[trial] for trial in todo}
            _beside(waiting, corpus, settings, jobs, lambda done: report.update(label, done, total))
    return folders


def _one_thread(trial: Trial, corpus: Corpus, settings: Settings, folder: Path, tell: Tell) -> None:
    """Train on one thread, which gives the same bits wherever it happens."""
    left, threads = trial.schedule(settings).epochs, torch.get_num_threads()

    def told() -> None:
        nonlocal left
        left -= 1
        tell(1)

    torch.set_num_threads(1)
    try:
        train(trial, corpus, settings, folder, told)
    finally:
        torch.set_num_threads(threads)
    tell(left)  # those it did not need


def _beside(waiting: Mapping[Trial, Path], corpus: Corpus, settings: Settings, jobs: int, done: Tell) -> None:
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with stop_at_safe_points(), temporary_folder() as place:
        file = place / "corpus.safetensors"
        corpus.save(file)
        pool = ProcessPoolExecutor(jobs, context, _begin, (file, settings, counter))
        with _ending(pool):
            with _deaf():
                futures: set[Future[None]] = {pool.submit(_work, *pair) for pair in waiting.items()}
            while futures:
                ended, futures = wait(futures, LOOK, FIRST_EXCEPTION)
                done(counter.value)
                _raise_first(ended)
                safe_point()


def _raise_first(ended: set[Future[None]]) -> None:
    for future in ended:
        try:
            future.result()
        except BrokenProcessPool as bad:
            raise AffectError(
                "a training process died, perhaps for want of memory: try --jobs 1; finished ones are kept"
            ) from bad


@contextmanager
def _ending(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Whatever happens, no process of the pool goes on afterwards."""
    others = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        mine = set(multiprocessing.active_children()) - others
        pool.shutdown(wait=False, cancel_futures=True)
        for process in mine:
            process.terminate()
        raise
    pool.shutdown()


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes begun here never hear Ctrl-C: it is for the parent, also while they still import."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


_here: dict[str, Any] = {}  # what a process trains with


def _begin(file: Path, settings: Settings, counter: Synchronized[int]) -> None:
    """In each process: read the corpus once, and end when the parent ends."""
    end_with_parent()
    _here.update(corpus=Corpus.load(file), settings=settings, counter=counter)


def _work(trial: Trial, folder: Path) -> None:
    counter = _here["counter"]

    def tell(more: int) -> None:
        with counter.get_lock():
            counter.value += more

    _one_thread(trial, _here["corpus"], _here["settings"], folder, tell)
