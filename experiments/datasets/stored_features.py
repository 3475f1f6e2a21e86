"""Features computed elsewhere by role, aligned with a data set, and the layout of JEMC's released code."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from encoders import AffectError, Rows, to_printable
from experiments.datasets.feature_files import (
    EXPECTED_SOURCE,
    HDF5_SUFFIXES,
    Array,
    average_over_time,
    find_files,
    open_archive,
    read_npy,
    read_source,
)


@dataclass(frozen=True, kw_only=True)
class FeatureLayout:
    """Where one role's files are below a folder: a glob pattern, the HDF5 data set, and the axis of time."""

    pattern: str
    dataset_name: str = ""
    time_axis: int = 0


JEMC_LAYOUT = {
    "objects": FeatureLayout(pattern="resnet_feat*/video{}.npy"),
    "activity": FeatureLayout(pattern="video_features/msr_vtt-I3D-RGBFeatures-video{}.npy"),
    "sound": FeatureLayout(
        pattern="audio_features/video{}.mp3.soundnet.h5", dataset_name="layer24", time_axis=1
    ),
}
"""As the loaders of github.com/niluthpol/multimodal_vtt read MSR-VTT (data_resnet.py at b138ba7,
data_i3d_audio.py at 6a9f557): ResNet-152 (t, 2048), I3D (t, 1024), SoundNet (1024, t), each averaged over
time. Its caption pickles hold word indices and run code when loaded; use the official JSON instead."""


def read_features(sources: Mapping[str, Path] | Path, ids: Sequence[str]) -> dict[str, Rows]:
    """Rows (n, d) by role, aligned with the ids; a row of NaN where a role has no entry for an id.

    sources: by role, a folder of .npy files (named <id>.npy, or ending in the id: i3d-<id>.npy), or an HDF5
             or .npz file (an array per id; or one matrix and, beside it, an array of its ids);
             a folder alone is read as JEMC's

    An entry is (d,), or (t, d), which is averaged over time. An id that is a path may be named without its
    folder and suffix. Raises AffectError for entries that are missing, unreadable or infinite, or differ in
    width.
    """
    if isinstance(sources, Path):
        return read_jemc_features(sources, ids)
    return {role: _align_to_ids(read_source(source, ids), ids, source) for role, source in sources.items()}


def read_jemc_features(folder: Path, ids: Sequence[str]) -> dict[str, Rows]:
    """Rows (n, d) by role from the layout of JEMC's code; roles without files are left out.

    Raises AffectError where no role has any.
    """
    rows_by_role = {}
    for role, paths in _find_jemc_files(folder, ids).items():
        entries = {
            name: average_over_time(_read_array(path, JEMC_LAYOUT[role]), path)
            for name, path in paths.items()
        }
        rows_by_role[role] = _align_to_ids(entries, ids, folder)
    if not rows_by_role:
        patterns = ", ".join(layout.pattern.format("<number>") for layout in JEMC_LAYOUT.values())
        raise AffectError(f"{to_printable(folder)}: no features in JEMC's layout; wanted {patterns}")
    return rows_by_role


def describe_feature_files(
    sources: Mapping[str, Path] | Path, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """By role, the path as given, number of files, their bytes and SHA-256, for the record of results.

    sha256: of the file; of several, of the lines that sha256sum prints of them, sorted, with paths relative
            to the source
    """
    if isinstance(sources, Path):
        files_by_role = {
            role: (sources, list(paths.values())) for role, paths in _find_jemc_files(sources, ids).items()
        }
    else:
        files_by_role = {
            role: (source, list(find_files(source, ids).values()) if source.is_dir() else [source])
            for role, source in sources.items()
        }
    return {role: _describe_files(source, files) for role, (source, files) in files_by_role.items()}


def _describe_files(source: Path, files: Sequence[Path]) -> dict[str, Any]:
    digests = {file: _hash_file(file) for file in files}
    digest = digests.get(source)
    if digest is None:
        lines = sorted(f"{digests[file]}  {file.relative_to(source).as_posix()}\n" for file in files)
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    size = sum(file.stat().st_size for file in files)
    return {"path": str(source), "files": len(files), "bytes": size, "sha256": digest}


def _hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _find_jemc_files(folder: Path, ids: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Files by role and id; roles without files are left out."""
    found = {
        role: {name: path for name in ids if (path := _find_jemc_file(folder, layout, name))}
        for role, layout in JEMC_LAYOUT.items()
    }
    return {role: paths for role, paths in found.items() if paths}


def _find_jemc_file(folder: Path, layout: FeatureLayout, item_id: str) -> Path | None:
    """An item is video7 there, whatever folder and suffix its id has here."""
    number = glob.escape(PurePosixPath(item_id).stem.removeprefix("video"))
    return next(iter(sorted(folder.glob(layout.pattern.format(number)))), None)


def _read_array(path: Path, layout: FeatureLayout) -> Array:
    if path.suffix not in HDF5_SUFFIXES:
        return read_npy(path)
    with open_archive(path) as arrays:
        if layout.dataset_name not in arrays:
            raise AffectError(f"{to_printable(path)}: no data set {layout.dataset_name!r} inside")
        return np.moveaxis(np.asarray(arrays[layout.dataset_name]), layout.time_axis, 0)


def _align_to_ids(features: Mapping[str, Rows], ids: Sequence[str], source: Path) -> Rows:
    if not features:
        raise AffectError(f"{to_printable(source)}: nothing named like {ids[0]!r}; wanted {EXPECTED_SOURCE}")
    widths = {len(row): name for name, row in features.items()}
    if len(widths) > 1:
        listed = ", ".join(f"{width} ({name})" for width, name in sorted(widths.items()))
        raise AffectError(f"{to_printable(source)}: rows of different widths: {listed}")
    rows = np.full((len(ids), next(iter(widths))), np.nan, np.float32)
    for index, name in enumerate(ids):
        if name in features:
            rows[index] = features[name]
    return rows
