"""The folders by which a library is best divided."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath


def find_top_folders(paths: Iterable[str], limit: int) -> list[tuple[str, int]]:
    """(folder, number of paths at or below it) of at most `limit` folders, those with most first.

    They are the subfolders of the deepest folder that holds all paths, each narrowed to the deepest one that
    holds all of its own; and that folder itself, where paths lie in it directly.
    """
    parents = Counter(os.path.dirname(path) for path in paths)  # noqa: PTH120 - of many paths
    if not parents:
        return []
    common = os.path.commonpath(list(parents))
    groups: dict[str, list[str]] = {}
    for parent in parents:
        names = PurePath(os.path.relpath(parent, common)).parts
        groups.setdefault(names[0] if names else "", []).append(parent)
    folders = [
        (common, parents.total())
        if name == ""
        else (os.path.commonpath(group), sum(parents[folder] for folder in group))
        for name, group in groups.items()
    ]
    return sorted(folders, key=lambda entry: (-entry[1], entry[0]))[:limit]
