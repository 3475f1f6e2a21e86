"""Runs trials in parallel processes; finished ones are skipped, interrupted ones resume."""

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

from encoders import AffectError, stop_at_safe_points, stop_if_requested
from encoders.interrupts import exit_with_parent, make_temporary_folder
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.settings import AblationSettings
from experiments.ablation.trials import Trial, compute_trial_key, is_finished, train_trial
from retrieval.progress_reporter import ProgressReporter
from spaces import use_single_thread

POLL_INTERVAL_S = 0.3  # seconds between updates of the progress

ProgressCallback = Callable[[int], None]  # called with a number of epochs


def run_trials(
    trials: Sequence[Trial],
    data: PreparedData,
    settings: AblationSettings,
    folder: Path,
    *,
    jobs: int,
    quiet: bool = False,
) -> dict[Trial, Path]:
    """Train the trials that are not finished; returns the folder of each trial.

    With one job they are trained in this process, else in worker processes, with the same results. An
    interrupt terminates the workers at once, which loses no more than the current epochs.

    Raises AffectError if a worker died.
    """
    folders = {trial: folder / compute_trial_key(trial.to_json(data, settings)) for trial in trials}
    unfinished = [trial for trial in trials if not is_finished(folders[trial])]
    label, done = f"training {len(unfinished)} spaces", 0
    total = sum(trial.resolve_schedule(settings).epochs for trial in unfinished)

    def add_progress(epochs: int) -> None:
        nonlocal done
        done += epochs
        report.update(label, done, total)

    with ProgressReporter("ablate", unit="epochs", quiet=quiet) as report:
        report.update(label, 0, total)
        if jobs == 1:
            for trial in unfinished:
                _train_single_threaded(trial, data, settings, folders[trial], add_progress)
        elif unfinished:
            trial_folders = {trial: folders[trial] for trial in unfinished}
            _train_in_processes(
                trial_folders, data, settings, jobs, lambda done: report.update(label, done, total)
            )
    return folders


def _train_single_threaded(
    trial: Trial, data: PreparedData, settings: AblationSettings, folder: Path, on_progress: ProgressCallback
) -> None:
    """Train on one thread, which gives the same bits in any process."""
    remaining = trial.resolve_schedule(settings).epochs

    def count_epoch() -> None:
        nonlocal remaining
        remaining -= 1
        on_progress(1)

    with use_single_thread():
        train_trial(trial, data, settings, folder, count_epoch)
    on_progress(remaining)  # epochs that early stopping saved


def _train_in_processes(
    trial_folders: Mapping[Trial, Path],
    data: PreparedData,
    settings: AblationSettings,
    jobs: int,
    on_progress: ProgressCallback,
) -> None:
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with stop_at_safe_points(), make_temporary_folder() as folder:
        data_path = folder / "corpus.safetensors"
        data.save(data_path)
        pool = ProcessPoolExecutor(jobs, context, _init_worker, (data_path, settings, counter))
        with _terminate_on_error(pool):
            with _block_sigint():
                futures: set[Future[None]] = {
                    pool.submit(_train_in_worker, *pair) for pair in trial_folders.items()
                }
            while futures:
                finished, futures = wait(futures, POLL_INTERVAL_S, FIRST_EXCEPTION)
                on_progress(counter.value)
                _raise_first(finished)
                stop_if_requested()


def _raise_first(futures: set[Future[None]]) -> None:
    """Raises the exception of a finished training; AffectError for a worker that died."""
    for future in futures:
        try:
            future.result()
        except BrokenProcessPool as error:
            raise AffectError(
                "a training process died, perhaps for want of memory: try --jobs 1; finished ones are kept"
            ) from error


@contextmanager
def _terminate_on_error(pool: ProcessPoolExecutor) -> Iterator[None]:
    """After an exception no process of the pool keeps running."""
    other_processes = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        pool_processes = set(multiprocessing.active_children()) - other_processes
        pool.shutdown(wait=False, cancel_futures=True)
        for process in pool_processes:
            process.terminate()
        raise
    pool.shutdown()


@contextmanager
def _block_sigint() -> Iterator[None]:
    """Processes started inside inherit a blocked SIGINT: only the parent handles Ctrl-C."""
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


_worker_state: dict[str, Any] = {}  # data, settings and progress counter of a worker process


def _init_worker(data_path: Path, settings: AblationSettings, counter: Synchronized[int]) -> None:
    """In each worker: load the data once, and exit when the parent exits."""
    exit_with_parent()
    _worker_state.update(data=PreparedData.load(data_path), settings=settings, counter=counter)


def _train_in_worker(trial: Trial, folder: Path) -> None:
    counter = _worker_state["counter"]

    def add_progress(epochs: int) -> None:
        with counter.get_lock():
            counter.value += epochs

    _train_single_threaded(trial, _worker_state["data"], _worker_state["settings"], folder, add_progress)
