"""Threads for work that runs outside Python's lock: searches of indices, comparison of rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Result = TypeVar("Result")

CORE_COUNT = os.cpu_count() or 1


def run_in_parallel(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of tasks in order, on as many threads as there are cores; a single one needs no thread."""
    if len(tasks) < 2 or CORE_COUNT == 1:
        return [task() for task in tasks]
    return list(_get_threads().map(lambda task: task(), tasks))


@cache
def _get_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORE_COUNT, thread_name_prefix="search")
