"""The library on disk: a catalogue, one append-only row file a store, and the index files built from them.

Stores are of two kinds: what an expert saw ("objects", raw) and where a space puts it ("object.words", unit
rows). Keeping the first means a new space needs no media to be read again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, is_missing_row, to_printable
from encoders.media import Probe
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline, is_space_key
from retrieval.storage import schema
from retrieval.storage import vector_file as rowfile
from retrieval.storage.catalog import Catalog, VectorFile
from retrieval.storage.custom_heads import ALIGNMENT_KEY, HEADS_KEY, list_custom_heads, load_custom_pipeline
from retrieval.storage.file_stamps import FileStamp
from retrieval.storage.locking import LOCK_NAME, lock_folder, translate_disk_errors
from retrieval.storage.missing_files import is_missing

CHUNK_SEGMENTS = 4096  # segments projected at a time in a rebuild
CATALOG_NAME = "catalog.sqlite"
UNFINISHED_NAMES = {LOCK_NAME, *schema.UNFINISHED_NAMES}  # what a kill during `create` leaves behind


@dataclass(frozen=True, kw_only=True)
class EncodedFile:
    """One file's content, ready to commit: features are raw rows (segments, d) by expert role."""

    path: Path
    stamp: FileStamp
    item_id: str
    probe: Probe
    spans: Sequence[tuple[float | None, float | None]]
    features: Mapping[str, Rows]


@dataclass(frozen=True, kw_only=True)
class FileUpdate:
    """Where an item that is known stands too, or why a file can't be read."""

    path: Path
    stamp: FileStamp
    item_id: str | None
    error: str | None


class Library:
    """A folder made by `create` and opened by `open`. Reading needs no lock; writing takes `writing()`."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self.config = PipelineConfig.from_json(catalog.get_meta("recipe") or "{}")
        self.custom_heads_error: AffectError | None = None  # why heads of its own can't be read
        self._custom_head_files: Mapping[str, str] = {}
        self.pipeline = FeaturePipeline(self.config)
        self.refresh_custom_heads()
        self.segment_seconds = float(catalog.get_meta("segment") or 15)

    @classmethod
    def create(cls, folder: Path, config: PipelineConfig, segment_seconds: float) -> Library:
        """A new, empty library. Raises AffectError if the folder can't be written or holds other things."""
        with translate_disk_errors(folder):
            if folder.exists() and (
                not folder.is_dir() or {f.name for f in folder.iterdir()} - UNFINISHED_NAMES
            ):
                raise AffectError(
                    f"{to_printable(folder)}: is not empty and holds no library; name another folder"
                )
        meta = {
            "recipe": config.to_json(),
            "signature": FeaturePipeline(config).make_signature(),
            "segment": str(segment_seconds),
            "generation": "1",
        }
        with translate_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder):
            if not cls.exists(folder):  # or another process has just made it
                with translate_disk_errors(folder):
                    schema.create_catalog(folder / CATALOG_NAME, meta)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, to_rebuild: bool = False) -> Library:
        """An existing library. Raises AffectError: none here, damaged, or made by encoders not here now.

        Spaces that have changed since are an error too, unless it is opened `to_rebuild`.
        """
        with contextlib.ExitStack() as unless_whole:
            library = cls.open_unchecked(folder)
            unless_whole.callback(library.close)
            if library.custom_heads_error and not to_rebuild:
                raise library.custom_heads_error
            library._check_encoders(check_spaces=not to_rebuild)
            unless_whole.pop_all()
        return library

    @classmethod
    def open_unchecked(cls, folder: Path) -> Library:
        """An existing library whose encoders may not be here: nothing can be searched or added.

        Raises AffectError: none here, or damaged.
        """
        return cls(folder, Catalog(folder / CATALOG_NAME))

    def _check_encoders(self, *, check_spaces: bool) -> None:
        made, here = (
            json.loads(text)
            for text in (self.catalog.get_meta("signature") or "{}", self.pipeline.make_signature())
        )
        others = sorted(part for part in {*made, *here} if made.get(part) != here.get(part))
        encoders = [part for part in others if not is_space_key(part)]
        if encoders:
            said = ", ".join(f"{role} {made.get(role)} (here {here.get(role)})" for role in encoders)
            raise AffectError(
                f"{to_printable(self.folder)}: made by other encoders: {said}; "
                "install those, or index into a new library"
            )
        if others and check_spaces:
            raise AffectError(
                f"{to_printable(self.folder)}: made by another version of the {', '.join(others)}; "
                f"run: affect rebuild --library {to_printable(self.folder)} (no media are read)"
            )

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether the folder holds a library. Raises AffectError for one that may not be looked into."""
        with translate_disk_errors(folder):
            return (folder / CATALOG_NAME).exists()

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    def refresh_custom_heads(self) -> bool:
        """Take up heads that another process has given the library since; whether there were any."""
        files = list_custom_heads(self.catalog)
        if files == self._custom_head_files:
            return False
        try:
            self.pipeline, self.custom_heads_error = (
                load_custom_pipeline(self.config, self.folder, files),
                None,
            )
        except AffectError as lost:
            cure = "align" if ALIGNMENT_KEY in files and ALIGNMENT_KEY in str(lost) else "train"
            self.custom_heads_error = AffectError(
                f"{lost}; or run: affect {cure} --undo --library {to_printable(self.folder)}"
            )
        self._custom_head_files = files
        return True

    @contextlib.contextmanager
    def lock_for_writing(self) -> Iterator[None]:
        """The right to write, for one process at a time. Raises AffectError if another one has it."""
        with lock_folder(self.folder):
            self.catalog.upgrade()
            self.refresh_custom_heads()
            yield

    # -- writing ------------------------------------------------------------------------------------------

    def record_files(self, updates: Sequence[FileUpdate]) -> set[Path]:
        """Remember files that need no rows; paths where an item was before it moved are dropped and returned.

        Raises AffectError when the disk is full.
        """
        left: set[Path] = set()
        with self.catalog.transaction():
            for note in updates:
                places = self.catalog.list_paths(note.item_id) if note.item_id else []
                if note.path not in places:
                    left.update(path for path in places if is_missing(path))
                self.catalog.record_file(note.path, note.stamp, item_id=note.item_id, error=note.error)
            self.catalog.remove_paths(
                left
            )  # not the items: a file of one that stands nowhere now may come next
        return left

    def commit(self, batch: Sequence[EncodedFile]) -> None:
        """Add items, all of them or none. Raises AffectError when the disk is full."""
        new = self._select_new(batch)
        stores = self._collect_vectors(new)
        with translate_disk_errors(self.folder), self.catalog.transaction():
            segments: list[int] = []
            for encoded in new:
                segments += self.catalog.add_item(encoded.item_id, encoded.probe, encoded.spans)
            for encoded in batch:
                self.catalog.record_file(encoded.path, encoded.stamp, item_id=encoded.item_id)
            for name, rows in stores.items():
                self._append_rows(name, rows, np.array(segments))

    def _select_new(self, batch: Sequence[EncodedFile]) -> list[EncodedFile]:
        by_item = {encoded.item_id: encoded for encoded in reversed(batch)}
        return [encoded for item, encoded in by_item.items() if not self.catalog.has_item(item)]

    def _collect_vectors(self, files: Sequence[EncodedFile]) -> dict[str, Rows]:
        if not files:
            return {}
        roles = self.pipeline.media_roles
        raw = {role: np.concatenate([encoded.features[role] for encoded in files]) for role in roles}
        features = {
            role: _round_to_float16(rows) for role, rows in raw.items()
        }  # what a rebuild would project
        return {**features, **self.pipeline.project_all(features)}

    def _append_rows(self, name: str, rows: Rows, segment_ids: npt.NDArray[np.int64]) -> None:
        here = np.flatnonzero(~is_missing_row(rows))
        store = self.catalog.list_vector_files().get(name) or VectorFile(
            name=name, dim=rows.shape[1], count=0, generation=self.generation
        )
        if rows.shape[1] != store.dim:
            raise AffectError(
                f"{to_printable(self.folder)}: rows of {name} have {rows.shape[1]} columns, not {store.dim}; "
                f"run: affect rebuild --library {to_printable(self.folder)}"
            )
        rowfile.append_rows(self.folder / store.relative_path, store.count, rows[here])
        pairs = [(store.count + i, int(segment_ids[at])) for i, at in enumerate(here)]
        self.catalog.map_rows_to_segments({name: pairs})
        self.catalog.record_vector_file(replace(store, count=store.count + len(here)))

    def rebuild(self) -> None:
        """Write all rows anew, without the deleted ones, with every space projected afresh.

        Raises AffectError when the disk is full; all is then as it was.
        """
        if self.custom_heads_error:
            raise self.custom_heads_error
        self._rebuild_with(self.pipeline, list_custom_heads(self.catalog))

    def install_custom_heads(self, files: Mapping[str, str]) -> None:
        """Use these files of its own (names in its folder "heads" by space) and rebuild with them.

        Without any it goes back to the package's alone. Raises AffectError as `rebuild` does, or for files
        that can't be read; all is then as it was.
        """
        self._rebuild_with(load_custom_pipeline(self.config, self.folder, files), files)
        self._custom_head_files, self.custom_heads_error = dict(files), None

    def _rebuild_with(self, pipeline: FeaturePipeline, custom_heads: Mapping[str, str]) -> None:
        generation, before = str(int(self.generation) + 1), self.pipeline
        self.pipeline = pipeline
        try:
            self._rewrite_vectors(generation, custom_heads)
        except BaseException:
            self.pipeline = before
            raise
        finally:
            kept = self.generation
            for folder in (self.folder / "rows").glob("*"):
                if folder.name != kept:
                    shutil.rmtree(folder, ignore_errors=True)

    def _rewrite_vectors(self, generation: str, custom_heads: Mapping[str, str]) -> None:
        old = self.catalog.list_vector_files()
        with translate_disk_errors(self.folder), self.catalog.transaction():
            self.catalog.remove_orphans()
            rows_of = {role: self._load_row_by_segment(old[role]) for role in self._list_stored_roles(old)}
            segments = self.catalog.list_segment_ids()
            self.catalog.clear_vector_files()
            self.catalog.set_meta("generation", generation)
            self.catalog.set_meta(HEADS_KEY, json.dumps(dict(custom_heads), sort_keys=True))
            self.catalog.set_meta("signature", self.pipeline.make_signature())
            for start in range(0, len(segments), CHUNK_SEGMENTS):
                part = np.array(segments[start : start + CHUNK_SEGMENTS])
                features = {
                    role: _select_rows(self.open_vectors(old[role]), rows, part)
                    for role, rows in rows_of.items()
                }
                for name, rows in {**features, **self.pipeline.project_all(features)}.items():
                    self._append_rows(name, rows, part)

    def _list_stored_roles(self, vector_files: Mapping[str, VectorFile]) -> list[str]:
        return [role for role in self.pipeline.media_roles if role in vector_files]

    def _load_row_by_segment(self, vector_file: VectorFile) -> dict[int, int]:
        return {segment: row for row, segment in self.catalog.list_rows(vector_file.name)}

    def load_features(self, role: str, segment_ids: npt.NDArray[np.int64]) -> Rows | None:
        """(len(segments), d) what an expert saw of segments by id, NaN where nothing; None without rows."""
        store = self.catalog.list_vector_files().get(role)
        if store is None:
            return None
        return _select_rows(self.open_vectors(store), self._load_row_by_segment(store), segment_ids)

    # -- reading ------------------------------------------------------------------------------------------

    @property
    def generation(self) -> str:
        """Names the files that belong together; a rebuild begins the next."""
        return self.catalog.get_generation()

    def open_vectors(self, vector_file: VectorFile) -> npt.NDArray[np.float16]:
        """A store's committed rows (count, dim). Raises AffectError if its file is missing or too short."""
        with translate_disk_errors(self.folder):
            try:
                return rowfile.open_memmap(
                    self.folder / vector_file.relative_path, vector_file.count, vector_file.dim
                )
            except ValueError as short:
                raise AffectError(f"{short}; {_suggest_fix(self.folder, vector_file)}") from short


def _suggest_fix(folder: Path, vector_file: VectorFile) -> str:
    if vector_file.is_projection:  # it can be projected again from raw rows
        return f"run: affect rebuild --library {to_printable(folder)}"
    return "put a backup in its place, or delete the library's folder and index again"


def _round_to_float16(rows: Rows) -> Rows:
    return np.asarray(rowfile.to_float16(rows), np.float32)


def _select_rows(
    rows: npt.NDArray[np.float16], row_by_segment: Mapping[int, int], segment_ids: npt.NDArray[np.int64]
) -> Rows:
    """Rows (len(segments), d), NaN where a segment has none."""
    at = np.array([row_by_segment.get(int(segment), -1) for segment in segment_ids], np.int64)
    out = np.full((len(segment_ids), rows.shape[1]), np.nan, np.float32)
    out[at >= 0] = rows[at[at >= 0]]
    return out
