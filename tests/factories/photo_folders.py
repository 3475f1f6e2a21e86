"""Folders of photos that come and go, and what an index run says of them."""

from contextlib import closing
from pathlib import Path

import numpy as np
from library_factory import painted

from retrieval.storage.library import Library
from retrieval.storage.snapshot_loading import load_snapshot


def photos(folder, count, first=0):
    """Different pictures in a folder that is made if need be; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [painted(folder / f"{seed}.png", seed) for seed in range(first, first + count)]


def empty(folder):
    """As a mount point whose disk is not mounted; gives what the disk held, elsewhere."""
    away = folder.rename(folder.parent.parent / f"away-{folder.name}")
    folder.mkdir()
    return away


def shown(lib):
    """The path that results name, by item."""
    with closing(Library.open(lib)) as library:
        state = load_snapshot(library)
        return {Path(path) for path in state.load_paths(np.flatnonzero(state.is_shown)).values()}


def told(progress):
    return progress.indexed, progress.unchanged, progress.moved, progress.removed, progress.missing_count
