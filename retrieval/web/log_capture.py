"""Warnings that a search logs, for its answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _ThreadHandler(logging.Handler):
    """Collects the messages of one thread."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._messages, self._thread = messages, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._messages.append(record.getMessage())


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """The warnings that this project logs on this thread meanwhile, in order."""
    messages: list[str] = []
    handler, logger = _ThreadHandler(messages), logging.getLogger("retrieval")
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
