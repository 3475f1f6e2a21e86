"""Files as the indexer hands them to a library, and the rows that a library stores of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders import Rows
from encoders.media import Probe
from retrieval.features import FeaturePipeline
from retrieval.storage.file_stamps import FileStamp
from retrieval.storage.vector_store import round_to_float16


@dataclass(frozen=True, kw_only=True)
class EncodedFile:
    """One file's content, ready to commit: `features` are raw rows (segments, d) by encoder role."""

    path: Path
    stamp: FileStamp
    item_id: str
    probe: Probe
    spans: Sequence[tuple[float | None, float | None]]
    features: Mapping[str, Rows]


@dataclass(frozen=True, kw_only=True)
class FileUpdate:
    """A further path of an item in the library, or the reason why a file can't be read."""

    path: Path
    stamp: FileStamp
    item_id: str | None
    error: str | None


def select_new(batch: Sequence[EncodedFile], has_item: Callable[[str], bool]) -> list[EncodedFile]:
    """One file of each item of a batch that is not in the library."""
    file_by_item: dict[str, EncodedFile] = {}
    for file in batch:
        file_by_item.setdefault(file.item_id, file)
    return [file for item_id, file in file_by_item.items() if not has_item(item_id)]


def project_files(pipeline: FeaturePipeline, files: Sequence[EncodedFile]) -> dict[str, Rows]:
    """Raw rows by role, rounded as stored, and their projections, as a rebuild would compute them."""
    if not files:
        return {}
    features = {
        role: round_to_float16(np.concatenate([file.features[role] for file in files]))
        for role in pipeline.media_roles
    }
    return {**features, **pipeline.project_all(features)}
