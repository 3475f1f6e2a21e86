"""Files of features computed elsewhere: a .npy file an item, or HDF5 and .npz files of many items."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, to_printable

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")
ARCHIVE_SUFFIXES = (*HDF5_SUFFIXES, ".npz")
ID_SEPARATORS = "-_. "
EXPECTED_SOURCE = (
    "a folder with <id>.npy, or an HDF5 or .npz file with an array per id or a matrix and its ids"
)

Array = npt.NDArray[Any]


def make_id_aliases(ids: Sequence[str]) -> dict[str, str]:
    """The id by each name that feature files may use for it.

    An id that is a path, such as clips/a.mp4, may also be called clips/a, a.mp4 or a; names that would fit
    two ids, or are the id of another item, stand for none of them.
    """
    aliases_by_id = {name: _list_aliases(name) for name in ids}
    counts = Counter(alias for aliases in aliases_by_id.values() for alias in aliases)
    aliases = {alias: name for name, names in aliases_by_id.items() for alias in names if counts[alias] == 1}
    return {**aliases, **{name: name for name in ids}}


def _list_aliases(item_id: str) -> set[str]:
    path = PurePosixPath(item_id)
    return {str(path.with_suffix("")), path.name, path.stem} if path.name else set()


def find_files(source: Path, ids: Sequence[str]) -> dict[str, Path]:
    """The file of each id in a folder. Raises AffectError where two files claim one."""
    aliases = make_id_aliases(ids)
    paths: dict[str, Path] = {}
    for file, names in _list_npy_files(source):
        item_id = next((aliases[name] for name in names if name in aliases), None)
        if item_id is None:
            continue
        if item_id in paths:
            raise AffectError(
                f"{to_printable(file)}: {paths[item_id].name} is of {item_id} as well; leave one of them"
            )
        paths[item_id] = file
    return paths


def _list_npy_files(folder: Path) -> Iterator[tuple[Path, Iterable[str]]]:
    """.npy files and names they may stand for: those below by their path, others by the end of their name."""
    for file in sorted(folder.rglob("*.npy")):
        relative = file.relative_to(folder).with_suffix("")
        if len(relative.parts) > 1:
            yield file, (relative.as_posix(),)
        else:
            starts = (at for at in range(len(file.stem)) if not at or file.stem[at - 1] in ID_SEPARATORS)
            yield file, (file.stem[start:] for start in starts)


def read_source(source: Path, ids: Sequence[str]) -> dict[str, Rows]:
    """(d,) features of those ids that a folder or a file has. Raises AffectError for another source."""
    if source.is_dir():
        files = find_files(source, ids)
        return {name: average_over_time(read_npy(path), path) for name, path in files.items()}
    if source.suffix not in ARCHIVE_SUFFIXES or not source.exists():
        raise AffectError(f"{to_printable(source)}: no features here; wanted {EXPECTED_SOURCE}")
    aliases = make_id_aliases(ids)
    with open_archive(source) as arrays:
        entries = {aliases[name]: name for name in arrays if name in aliases}
        if entries:
            return {
                item_id: average_over_time(np.asarray(arrays[name]), source)
                for item_id, name in entries.items()
            }
        names, matrix = _read_matrix(arrays, source)
    return {
        aliases[name]: average_over_time(row, source)
        for name, row in zip(names, matrix, strict=True)
        if name in aliases
    }


@contextmanager
def open_archive(path: Path) -> Iterator[Mapping[str, Any]]:
    """The arrays of an HDF5 or .npz file by name, read when asked for. Raises AffectError."""
    kind = "HDF5" if path.suffix in HDF5_SUFFIXES else ".npz"
    try:
        if path.suffix in HDF5_SUFFIXES:
            with h5py.File(path, "r") as file:
                yield _list_hdf5_arrays(file)
        else:
            with np.load(path, allow_pickle=False) as archive:
                yield archive
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as bad:
        raise AffectError(f"{to_printable(path)}: not a readable {kind} file ({bad})") from bad


def _list_hdf5_arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    """All data sets by their path; an id with a slash is a group to HDF5."""
    arrays: dict[str, h5py.Dataset] = {}
    file.visititems(
        lambda name, entry: arrays.update({name: entry}) if isinstance(entry, h5py.Dataset) else None
    )
    return arrays


def _read_matrix(arrays: Mapping[str, Any], path: Path) -> tuple[list[str], Array]:
    """The ids and the rows of a file with one matrix. Raises AffectError."""
    names = [array for array in arrays.values() if array.ndim == 1 and array.dtype.kind in "SOU"]
    rows = [array for array in arrays.values() if array.ndim in (2, 3) and array.dtype.kind == "f"]
    if len(names) != 1 or len(rows) != 1 or len(names[0]) != len(rows[0]):
        raise AffectError(f"{to_printable(path)}: no data set is named like an id; wanted {EXPECTED_SOURCE}")
    texts = names[0].asstr()[:] if isinstance(names[0], h5py.Dataset) else names[0].astype(str)
    return [str(name) for name in texts], np.asarray(rows[0])


def read_npy(path: Path) -> Array:
    """The array of a .npy file. Raises AffectError."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as bad:
        raise AffectError(f"{to_printable(path)}: not a readable .npy file ({bad})") from bad


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
