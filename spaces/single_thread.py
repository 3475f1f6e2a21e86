"""One thread for torch, whose threads wait for each other where matrices are small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def use_single_thread() -> Iterator[None]:
    """Run torch on one thread, also as a decorator.

    Small networks train faster, on a busy machine many times so, and always get the same bits.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
