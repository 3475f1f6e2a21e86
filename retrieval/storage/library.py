"""The library on disk: a catalogue, append-only row files, and the index files built from them.

Row files are of two kinds: raw features of an encoder ("objects") and their projections into a space
("object.words", unit rows). Raw features are stored so that a new space can be added without reading media.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, to_printable
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.storage import schema
from retrieval.storage.catalog import Catalog, ItemPosition
from retrieval.storage.conversion import convert_library
from retrieval.storage.custom_heads import ALIGNMENT_KEY, HEADS_KEY, list_custom_heads, load_custom_pipeline
from retrieval.storage.encoded_files import EncodedFile, FileUpdate, project_files, select_new
from retrieval.storage.item_columns import make_item_columns
from retrieval.storage.library_settings import RECIPE_KEY, make_settings, read_recipe
from retrieval.storage.locking import LOCK_NAME, find_writer_pid, lock_folder, translate_disk_errors
from retrieval.storage.missing_files import is_missing, measure_folder_bytes
from retrieval.storage.rebuild import rewrite_vectors
from retrieval.storage.signature import check_signature
from retrieval.storage.vector_store import VectorStore

CATALOG_NAME = "catalog.sqlite"
UNFINISHED_NAMES = {LOCK_NAME, *schema.UNFINISHED_NAMES}  # left by a `create` that was killed


class Library:
    """A library, created or opened. Reading needs no lock, writing needs `lock_for_writing`."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self.vectors = VectorStore(folder, catalog)
        self.config = PipelineConfig.from_json(self.recipe)
        self.custom_heads_error: AffectError | None = None  # why the custom heads can't be read
        self._loaded: tuple[str, Mapping[str, str]] = self.recipe, {}
        self.pipeline = FeaturePipeline(self.config)
        self.refresh_pipeline()
        self.segment_seconds = float(catalog.get_meta("segment") or 15)

    @classmethod
    def create(cls, folder: Path, config: PipelineConfig, segment_seconds: float) -> Library:
        """Create an empty library. Raises AffectError if the folder can't be written or holds other files."""
        with translate_disk_errors(folder):
            if folder.exists() and (
                not folder.is_dir() or {f.name for f in folder.iterdir()} - UNFINISHED_NAMES
            ):
                raise AffectError(
                    f"{to_printable(folder)}: is not empty and holds no library; name another folder"
                )
        settings = make_settings(config, segment_seconds)
        with translate_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder):
            if not cls.exists(folder):  # unless another process has just created it
                with translate_disk_errors(folder):
                    schema.create_catalog(folder / CATALOG_NAME, settings)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, to_rebuild: bool = False) -> Library:
        """Open a library. Raises AffectError if it is absent, damaged, or made by other encoders.

        Outdated spaces are an error too (OutdatedSpacesError), unless it is opened `to_rebuild`.
        """
        with contextlib.ExitStack() as close_on_error:
            library = close_on_error.enter_context(contextlib.closing(cls.open_unchecked(folder)))
            if library.custom_heads_error and not to_rebuild:
                raise library.custom_heads_error
            library.check_signature(check_spaces=not to_rebuild)
            close_on_error.pop_all()
        return library

    @classmethod
    def open_unchecked(cls, folder: Path) -> Library:
        """Open a library whose encoders may not be installed: nothing can be searched or added.

        One of an earlier format is converted. Raises AffectError if it is absent or damaged.
        """
        convert_library(folder / CATALOG_NAME)
        return cls(folder, Catalog(folder / CATALOG_NAME))

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether the folder holds a library. Raises AffectError if the folder can't be accessed."""
        with translate_disk_errors(folder):
            return (folder / CATALOG_NAME).exists()

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    @property
    def name(self) -> str:
        """The folder, as text that names it on the command line."""
        return str(self.folder)

    @property
    def own_folder(self) -> Path:
        """The folder it is kept in."""
        return self.folder

    def find_writer_pid(self) -> str | None:
        """The id of the process that writes to it; None if none does."""
        return find_writer_pid(self.folder)

    def count_rows(self) -> dict[str, int]:
        """Number of rows by name of their row file, those of removed items included."""
        return {file.name: file.count for file in self.catalog.list_vector_files().values()}

    def measure_bytes(self) -> int:
        """Total size of all files below its folder."""
        return measure_folder_bytes(self.folder)

    def iterate_rows(self, name: str, chunk_rows: int) -> Iterator[Rows]:
        """Rows (n, d) of a row file that belong to items, n at most `chunk_rows`; none without the file."""
        with self.catalog.read_transaction():
            vector_file = self.catalog.list_vector_files().get(name)
            if vector_file is None:
                return
            rows = self.vectors.open(vector_file)
            indices = self.vectors.load_rows_by_item(name)[1]
        for start in range(0, len(indices), chunk_rows):
            yield np.asarray(rows[indices[start : start + chunk_rows]], np.float32)

    @property
    def recipe(self) -> str:
        """The stored text of its configuration; it names no role that came after the library was made."""
        return read_recipe(self.catalog)

    def refresh_pipeline(self) -> bool:
        """Reload configuration and heads if another process has changed them; returns whether it had."""
        stored = recipe, files = self.recipe, list_custom_heads(self.catalog)
        if stored == self._loaded:
            return False
        try:
            self.config = PipelineConfig.from_json(recipe)
            self.pipeline, self.custom_heads_error = (
                load_custom_pipeline(self.config, self.folder, files),
                None,
            )
        except AffectError as error:
            command = "align" if ALIGNMENT_KEY in files and ALIGNMENT_KEY in str(error) else "train"
            self.custom_heads_error = AffectError(
                f"{error}; or run: affect {command} --undo --library {to_printable(self.folder)}"
            )
        self._loaded = stored
        return True

    def check_signature(self, *, check_spaces: bool) -> None:
        """Compare what made its rows, as stored now, with its pipeline; raises as `check_signature` does."""
        stored = json.loads(self.catalog.get_meta("signature") or "{}")
        check_signature(self.folder, stored, self.pipeline, check_spaces=check_spaces)

    @contextlib.contextmanager
    def lock_for_writing(self) -> Iterator[None]:
        """Hold the library's write lock. Raises LockedLibraryError if another process holds it."""
        with lock_folder(self.folder):
            self.refresh_pipeline()
            yield

    def record_files(self, updates: Sequence[FileUpdate]) -> set[Path]:
        """Record files without new rows; paths from which an item has moved are removed and returned.

        Raises AffectError when the disk is full.
        """
        moved_paths: set[Path] = set()
        with self.catalog.transaction():
            for update in updates:
                paths = self.catalog.list_paths(update.item_id) if update.item_id else []
                if update.path not in paths:
                    moved_paths.update(path for path in paths if is_missing(path))
                self.catalog.record_file(
                    update.path, update.stamp, item_id=update.item_id, error=update.error
                )
            self.catalog.remove_paths(moved_paths)  # items stay: the next batch may hold a path of theirs
        return moved_paths

    def commit(self, batch: Sequence[EncodedFile]) -> None:
        """Add files and their new items in one transaction. Raises AffectError when the disk is full."""
        new = select_new(batch, self.catalog.has_item)
        rows_by_name = project_files(self.pipeline, new)
        with translate_disk_errors(self.folder), self.catalog.transaction():
            segments = self._add_items(new)
            for file in batch:
                self.catalog.record_file(file.path, file.stamp, item_id=file.item_id)
            for name, rows in rows_by_name.items():
                self.vectors.append(name, rows, segments)

    def _add_items(self, files: Sequence[EncodedFile]) -> npt.NDArray[np.int64]:
        """Add new items, and give the positions of their segments."""
        columns = make_item_columns(
            [file.item_id for file in files],
            [file.probe.modality for file in files],
            [file.spans for file in files],
        )
        item, first = extent = self.vectors.append_items(columns)
        for i, file in enumerate(files):
            self.catalog.add_item(file.item_id, file.probe, ItemPosition(item + i, first, len(file.spans)))
            first += len(file.spans)
        return np.arange(extent.segments, first)

    def rebuild(self) -> None:
        """Rewrite all row files without deleted rows, and project every space again.

        Raises AffectError when the disk is full; the library is then unchanged.
        """
        if self.custom_heads_error:
            raise self.custom_heads_error
        self._rebuild_with(self.pipeline, list_custom_heads(self.catalog), self.recipe)

    def install_custom_heads(self, files: Mapping[str, str]) -> None:
        """Install trained heads (names of files in the folder "heads", by space) and rebuild with them.

        An empty mapping restores the packaged heads. Raises AffectError as `rebuild` does, or for files
        that can't be read; the library is then unchanged.
        """
        self._rebuild_with(load_custom_pipeline(self.config, self.folder, files), files, self.recipe)
        self._loaded, self.custom_heads_error = (self.recipe, dict(files)), None

    def install_config(self, config: PipelineConfig) -> None:
        """Switch to a configuration of which all roles have rows, and rebuild with it.

        Raises AffectError as `rebuild` does; the library is then unchanged.
        """
        files = list_custom_heads(self.catalog)
        pipeline = load_custom_pipeline(config, self.folder, files)
        self._rebuild_with(pipeline, files, config.to_json())
        self.refresh_pipeline()

    def _rebuild_with(self, pipeline: FeaturePipeline, custom_heads: Mapping[str, str], recipe: str) -> None:
        """Rewrite the row files and store what they are made with, in one transaction."""
        pipeline.require_encoders()  # else rows would be projected without theirs
        settings = {HEADS_KEY: json.dumps(dict(custom_heads), sort_keys=True), RECIPE_KEY: recipe}
        try:
            with translate_disk_errors(self.folder), self.catalog.transaction():
                rewrite_vectors(self.catalog, self.vectors, pipeline, settings)
        finally:
            self.vectors.remove_old_generations()
        self.pipeline = pipeline
