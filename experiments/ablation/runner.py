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
from encoders.interrupts import (
    exit_with_parent,
    make_temporary_folder,
    stop_at_safe_points,
    stop_if_requested,
)
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.settings import AblationSettings
from experiments.ablation.trials import Trial, compute_trial_key, is_finished, train_trial
from retrieval.progress_reporter import ProgressReporter

POLL_INTERVAL_S = 0.3  # seconds between looks at how far trainings are

ProgressCallback = Callable[[int], None]  # that so many epochs more are done


def run_trials(
    trials: Sequence[Trial],
    data: PreparedData,
    settings: AblationSettings,
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
    folders = {trial: folder / compute_trial_key(trial.to_json(data, settings)) for trial in trials}
    todo = [trial for trial in trials if not is_finished(folders[trial])]
    label, done = f"training {len(todo)} spaces", 0
    total = sum(trial.resolve_schedule(settings).epochs for trial in todo)

    def add_progress(epochs: int) -> None:
        nonlocal done
        done += epochs
        report.update(label, done, total)

    with ProgressReporter("ablate", unit="epochs", quiet=quiet) as report:
        report.update(label, 0, total)
        if jobs == 1:
            for trial in todo:
                _train_single_threaded(trial, data, settings, folders[trial], add_progress)
        elif todo:
            waiting = {trial: folders[trial] for trial in todo}
            _train_in_processes(waiting, data, settings, jobs, lambda done: report.update(label, done, total))
    return folders


def _train_single_threaded(
    trial: Trial, data: PreparedData, settings: AblationSettings, folder: Path, on_progress: ProgressCallback
) -> None:
    """Train on one thread, which gives the same bits wherever it happens."""
    left, threads = trial.resolve_schedule(settings).epochs, torch.get_num_threads()

    def count_epoch() -> None:
        nonlocal left
        left -= 1
        on_progress(1)

    torch.set_num_threads(1)
    try:
        train_trial(trial, data, settings, folder, count_epoch)
    finally:
        torch.set_num_threads(threads)
    on_progress(left)  # those it did not need


def _train_in_processes(
    trial_folders: Mapping[Trial, Path],
    data: PreparedData,
    settings: AblationSettings,
    jobs: int,
    on_progress: ProgressCallback,
) -> None:
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with stop_at_safe_points(), make_temporary_folder() as place:
        file = place / "corpus.safetensors"
        data.save(file)
        pool = ProcessPoolExecutor(jobs, context, _init_worker, (file, settings, counter))
        with _terminate_on_error(pool):
            with _block_sigint():
                futures: set[Future[None]] = {
                    pool.submit(_train_in_worker, *pair) for pair in trial_folders.items()
                }
            while futures:
                ended, futures = wait(futures, POLL_INTERVAL_S, FIRST_EXCEPTION)
                on_progress(counter.value)
                _raise_first(ended)
                stop_if_requested()


def _raise_first(futures: set[Future[None]]) -> None:
    for future in futures:
        try:
            future.result()
        except BrokenProcessPool as bad:
            raise AffectError(
                "a training process died, perhaps for want of memory: try --jobs 1; finished ones are kept"
            ) from bad


@contextmanager
def _terminate_on_error(pool: ProcessPoolExecutor) -> Iterator[None]:
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
def _block_sigint() -> Iterator[None]:
    """Processes begun here never hear Ctrl-C: it is for the parent, also while they still import."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


_worker_state: dict[str, Any] = {}  # what a process trains with


def _init_worker(data_path: Path, settings: AblationSettings, counter: Synchronized[int]) -> None:
    """In each process: read the corpus once, and end when the parent ends."""
    exit_with_parent()
    _worker_state.update(corpus=PreparedData.load(data_path), settings=settings, counter=counter)


def _train_in_worker(trial: Trial, folder: Path) -> None:
    counter = _worker_state["counter"]

    def add_progress(epochs: int) -> None:
        with counter.get_lock():
            counter.value += epochs

    _train_single_threaded(trial, _worker_state["corpus"], _worker_state["settings"], folder, add_progress)
