"""Features computed elsewhere: .npy files by video, HDF5, and the layout of JEMC's released code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, to_printable

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")
ID_SEPARATORS = "-_. "
EXPECTED_SOURCE = "a folder with <id>.npy, or an HDF5 file with a data set per id or a matrix and its ids"

Array = npt.NDArray[Any]


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

    sources: by role, a folder of .npy files (named <id>.npy, or ending in the id: i3d-<id>.npy) or an HDF5
             file (a data set per id; or one matrix and, beside it, a data set of its ids);
             a folder alone is read as JEMC's

    An entry is (d,), or (t, d), which is averaged over time. Raises AffectError for entries that are missing,
    unreadable or infinite, or differ in width.
    """
    if isinstance(sources, Path):
        return read_jemc_features(sources, ids)
    return {role: _align_to_ids(_read_source(source, ids), ids, source) for role, source in sources.items()}


def read_jemc_features(folder: Path, ids: Sequence[str]) -> dict[str, Rows]:
    """Rows (n, d) by role from the layout of JEMC's code; roles without files are left out.

    Raises AffectError where no role has any.
    """
    rows_by_role = {}
    for role, layout in JEMC_LAYOUT.items():
        paths = {name: _find_feature_file(folder, layout, name) for name in ids}
        if entries := {
            name: average_over_time(_read_array(path, layout), path) for name, path in paths.items() if path
        }:
            rows_by_role[role] = _align_to_ids(entries, ids, folder)
    if not rows_by_role:
        patterns = ", ".join(layout.pattern.format("<number>") for layout in JEMC_LAYOUT.values())
        raise AffectError(f"{to_printable(folder)}: no features in JEMC's layout; wanted {patterns}")
    return rows_by_role


def average_over_time(features: Array, path: Path) -> Rows:
    """(d,) the mean over time of (d,) or (t, d), trailing axes of length 1 removed.

    Raises AffectError for other shapes and infinities.
    """
    rows = features
    while rows.ndim > 2 and rows.shape[-1] == 1:
        rows = rows[..., 0]
    if rows.ndim not in (1, 2) or not rows.size or rows.dtype.kind not in "fiu":
        raise AffectError(
            f"{to_printable(path)}: {features.dtype}{features.shape}; wanted numbers (d,) or (time, d)"
        )
    row = np.atleast_2d(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
    if np.isinf(row).any():
        raise AffectError(f"{to_printable(path)}: holds infinities; make the features again")
    return np.asarray(row)


def _find_feature_file(folder: Path, layout: FeatureLayout, item_id: str) -> Path | None:
    return next(iter(sorted(folder.glob(layout.pattern.format(item_id.removeprefix("video"))))), None)


def _read_array(path: Path, layout: FeatureLayout) -> Array:
    if path.suffix not in HDF5_SUFFIXES:
        return _read_npy(path)
    with _open_hdf5(path) as file:
        if layout.dataset_name not in file:
            raise AffectError(f"{to_printable(path)}: no data set {layout.dataset_name!r} inside")
        return np.moveaxis(np.asarray(file[layout.dataset_name]), layout.time_axis, 0)


def _read_npy(path: Path) -> Array:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as bad:
        raise AffectError(f"{to_printable(path)}: not a readable .npy file ({bad})") from bad


def _open_hdf5(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as bad:
        raise AffectError(f"{to_printable(path)}: not a readable HDF5 file ({bad})") from bad


def _read_source(source: Path, ids: Sequence[str]) -> dict[str, Rows]:
    if source.is_dir():
        files = _match_files(source, ids)
        return {name: average_over_time(_read_npy(path), path) for name, path in files.items()}
    if source.suffix not in HDF5_SUFFIXES or not source.exists():
        raise AffectError(f"{to_printable(source)}: no features here; wanted {EXPECTED_SOURCE}")
    with _open_hdf5(source) as file:
        if keyed := [name for name in ids if isinstance(file.get(name), h5py.Dataset)]:
            return {name: average_over_time(np.asarray(file[name]), source) for name in keyed}
        names, matrix = _read_matrix(file, source)
        requested = set(ids)
        return {
            name: average_over_time(matrix[row], source)
            for row, name in enumerate(names)
            if name in requested
        }


def _match_files(folder: Path, ids: Iterable[str]) -> dict[str, Path]:
    """The file of each id. Raises AffectError where two files claim one."""
    requested = set(ids)
    paths: dict[str, Path] = {}
    for file in sorted(folder.glob("*.npy")):
        suffixes = (
            file.stem[start:]
            for start in range(len(file.stem))
            if not start or file.stem[start - 1] in ID_SEPARATORS
        )
        name = next((suffix for suffix in suffixes if suffix in requested), None)
        if name is None:
            continue
        if name in paths:
            raise AffectError(
                f"{to_printable(file)}: {paths[name].name} is of {name} as well; leave one of them"
            )
        paths[name] = file
    return paths


def _read_matrix(file: h5py.File, path: Path) -> tuple[list[str], Array]:
    """The ids and the rows of a file with one matrix. Raises AffectError."""
    datasets = [entry for entry in file.values() if isinstance(entry, h5py.Dataset)]
    names = [dataset for dataset in datasets if dataset.ndim == 1 and dataset.dtype.kind in "SO"]
    rows = [dataset for dataset in datasets if dataset.ndim in (2, 3) and dataset.dtype.kind == "f"]
    if len(names) != 1 or len(rows) != 1 or len(names[0]) != len(rows[0]):
        raise AffectError(f"{to_printable(path)}: no data set is named like an id; wanted {EXPECTED_SOURCE}")
    return [str(name) for name in names[0].asstr()[:]], np.asarray(rows[0])


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
