"""Decoder processes that outlive their pool: a test that decodes need not wait for new interpreters."""

import atexit
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from encoders.media.decoder_pool import DecoderPool, _Worker, accept_every_file

MAX_IDLE = 6
PACKAGES = ("encoders.", "retrieval.", "experiments.")  # readers of tests may change under one name

_idle: list[tuple[tuple, _Worker]] = []  # the oldest first
_enter, _exit, _read = DecoderPool.__enter__, DecoderPool.__exit__, DecoderPool.read


@contextmanager
def keep_decoders_warm() -> Iterator[None]:
    """Within it a pool takes idle processes of its settings, and leaves those that ended cleanly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DecoderPool, "__enter__", _take_idle_workers)
        patch.setattr(DecoderPool, "__exit__", _leave_idle_workers)
        patch.setattr(DecoderPool, "read", _read_and_note_the_end)
        yield


def _take_idle_workers(pool):
    if not pool._worker_settings[0].startswith(PACKAGES):
        return _enter(pool)
    pool._unfinished = 0
    pool._workers = [_take_worker(pool._worker_settings) for _ in range(pool._jobs)]
    return pool


def _take_worker(settings):
    for number, (kept, worker) in enumerate(_idle):
        if kept == (settings, sys.path):
            del _idle[number]
            return worker
    worker = _Worker(*settings)
    worker.start()
    return worker


def _leave_idle_workers(pool, *error):
    if not hasattr(pool, "_unfinished"):
        return _exit(pool, *error)
    for worker in pool._workers:
        if pool._unfinished == 0 and worker._process is not None and worker._process.poll() is None:
            _idle.append(((pool._worker_settings, [*sys.path]), worker))
        else:
            worker.stop()
    pool._workers = []
    while len(_idle) > MAX_IDLE:
        _idle.pop(0)[1].stop()
    return None


@atexit.register
def _stop_idle_workers():
    while _idle:
        _idle.pop()[1].stop()


def _read_and_note_the_end(pool, paths, should_decode=accept_every_file):
    if not hasattr(pool, "_unfinished"):
        yield from _read(pool, paths, should_decode)
        return
    pool._unfinished += 1
    try:
        yield from _read(pool, paths, should_decode)
    finally:  # by then the pool has stopped those in the middle of a file
        pool._unfinished -= 1
