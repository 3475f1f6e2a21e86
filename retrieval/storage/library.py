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

from encoders.base import AffectError, Rows, missing, printable
from encoders.media import Probe
from retrieval.features.pipeline import Experts, Recipe, is_space
from retrieval.storage import schema
from retrieval.storage import vector_file as rowfile
from retrieval.storage.catalog import Catalog, Stamp, Store
from retrieval.storage.custom_heads import ALIGNMENT, NOTE, own_experts, own_files
from retrieval.storage.locking import LOCK, disk_errors, locked
from retrieval.storage.missing_files import is_gone

CHUNK = 4096  # segments projected at a time in a rebuild
CATALOG = "catalog.sqlite"
UNFINISHED = {LOCK, *schema.UNFINISHED}  # what a kill during `create` leaves behind


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """One file's content, ready to commit: features are raw rows (segments, d) by expert role."""

    path: Path
    stamp: Stamp
    item: str
    probe: Probe
    spans: Sequence[tuple[float | None, float | None]]
    features: Mapping[str, Rows]


@dataclass(frozen=True, kw_only=True)
class Note:
    """Where an item that is known stands too, or why a file can't be read."""

    path: Path
    stamp: Stamp
    item: str | None
    error: str | None


class Library:
    """A folder made by `create` and opened by `open`. Reading needs no lock; writing takes `writing()`."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self.recipe = Recipe.from_json(catalog.get("recipe") or "{}")
        self.lost: AffectError | None = None  # why heads of its own can't be read
        self._own: Mapping[str, str] = {}
        self.experts = Experts(self.recipe)
        self.refresh()
        self.segment = float(catalog.get("segment") or 15)

    @classmethod
    def create(cls, folder: Path, recipe: Recipe, segment: float) -> Library:
        """A new, empty library. Raises AffectError if the folder can't be written or holds other things."""
        with disk_errors(folder):
            if folder.exists() and (not folder.is_dir() or {f.name for f in folder.iterdir()} - UNFINISHED):
                raise AffectError(
                    f"{printable(folder)}: is not empty and holds no library; name another folder"
                )
        meta = {
            "recipe": recipe.to_json(), "signature": Experts(recipe).signature(), "segment": str(segment),
            "generation": "1",
        }  # fmt: skip
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            if not cls.exists(folder):  # or another process has just made it
                with disk_errors(folder):
                    schema.create(folder / CATALOG, meta)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, to_rebuild: bool = False) -> Library:
        """An existing library. Raises AffectError: none here, damaged, or made by encoders not here now.

        Spaces that have changed since are an error too, unless it is opened `to_rebuild`.
        """
        with contextlib.ExitStack() as unless_whole:
            library = cls.look(folder)
            unless_whole.callback(library.close)
            if library.lost and not to_rebuild:
                raise library.lost
            library._check_encoders(spaces=not to_rebuild)
            unless_whole.pop_all()
        return library

    @classmethod
    def look(cls, folder: Path) -> Library:
        """An existing library whose encoders may not be here: nothing can be searched or added.

        Raises AffectError: none here, or damaged.
        """
        return cls(folder, Catalog(folder / CATALOG))

    def _check_encoders(self, *, spaces: bool) -> None:
        made, here = (
            json.loads(text) for text in (self.catalog.get("signature") or "{}", self.experts.signature())
        )
        others = sorted(part for part in {*made, *here} if made.get(part) != here.get(part))
        encoders = [part for part in others if not is_space(part)]
        if encoders:
            said = ", ".join(f"{role} {made.get(role)} (here {here.get(role)})" for role in encoders)
            raise AffectError(
                f"{printable(self.folder)}: made by other encoders: {said}; "
                "install those, or index into a new library"
            )
        if others and spaces:
            raise AffectError(
                f"{printable(self.folder)}: made by another version of the {', '.join(others)}; "
                f"run: affect rebuild --library {printable(self.folder)} (no media are read)"
            )

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether the folder holds a library. Raises AffectError for one that may not be looked into."""
        with disk_errors(folder):
            return (folder / CATALOG).exists()

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    def refresh(self) -> bool:
        """Take up heads that another process has given the library since; whether there were any."""
        files = own_files(self.catalog)
        if files == self._own:
            return False
        try:
            self.experts, self.lost = own_experts(self.recipe, self.folder, files), None
        except AffectError as lost:
            cure = "align" if ALIGNMENT in files and ALIGNMENT in str(lost) else "train"
            self.lost = AffectError(
                f"{lost}; or run: affect {cure} --undo --library {printable(self.folder)}"
            )
        self._own = files
        return True

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """The right to write, for one process at a time. Raises AffectError if another one has it."""
        with locked(self.folder):
            self.catalog.upgrade()
            self.refresh()
            yield

    # -- writing ------------------------------------------------------------------------------------------

    def note(self, notes: Sequence[Note]) -> set[Path]:
        """Remember files that need no rows; paths where an item was before it moved are dropped and returned.

        Raises AffectError when the disk is full.
        """
        left: set[Path] = set()
        with self.catalog.transaction():
            for note in notes:
                places = self.catalog.places(note.item) if note.item else []
                if note.path not in places:
                    left.update(path for path in places if is_gone(path))
                self.catalog.remember(note.path, note.stamp, item=note.item, error=note.error)
            self.catalog.drop(left)  # not the items: a file of one that stands nowhere now may come next
        return left

    def commit(self, batch: Sequence[Encoded]) -> None:
        """Add items, all of them or none. Raises AffectError when the disk is full."""
        new = self._unseen(batch)
        stores = self._gather(new)
        with disk_errors(self.folder), self.catalog.transaction():
            segments: list[int] = []
            for encoded in new:
                segments += self.catalog.add_item(encoded.item, encoded.probe, encoded.spans)
            for encoded in batch:
                self.catalog.remember(encoded.path, encoded.stamp, item=encoded.item)
            for name, rows in stores.items():
                self._append(name, rows, np.array(segments))

    def _unseen(self, batch: Sequence[Encoded]) -> list[Encoded]:
        by_item = {encoded.item: encoded for encoded in reversed(batch)}
        return [encoded for item, encoded in by_item.items() if not self.catalog.has(item)]

    def _gather(self, new: Sequence[Encoded]) -> dict[str, Rows]:
        if not new:
            return {}
        roles = self.experts.media_roles
        raw = {role: np.concatenate([encoded.features[role] for encoded in new]) for role in roles}
        features = {role: _as_kept(rows) for role, rows in raw.items()}  # what a rebuild would project
        return {**features, **self.experts.placed(features)}

    def _append(self, name: str, rows: Rows, segments: npt.NDArray[np.int64]) -> None:
        here = np.flatnonzero(~missing(rows))
        store = self.catalog.stores().get(name) or Store(
            name=name, dim=rows.shape[1], count=0, generation=self.generation
        )
        if rows.shape[1] != store.dim:
            raise AffectError(
                f"{printable(self.folder)}: rows of {name} have {rows.shape[1]} columns, not {store.dim}; "
                f"run: affect rebuild --library {printable(self.folder)}"
            )
        rowfile.append(self.folder / store.file, store.count, rows[here])
        pairs = [(store.count + i, int(segments[at])) for i, at in enumerate(here)]
        self.catalog.map_rows({name: pairs})
        self.catalog.put_store(replace(store, count=store.count + len(here)))

    def rebuild(self) -> None:
        """Write all rows anew, without the deleted ones, with every space projected afresh.

        Raises AffectError when the disk is full; all is then as it was.
        """
        if self.lost:
            raise self.lost
        self._renew(self.experts, own_files(self.catalog))

    def take(self, files: Mapping[str, str]) -> None:
        """Use these files of its own (names in its folder "heads" by space) and rebuild with them.

        Without any it goes back to the package's alone. Raises AffectError as `rebuild` does, or for files
        that can't be read; all is then as it was.
        """
        self._renew(own_experts(self.recipe, self.folder, files), files)
        self._own, self.lost = dict(files), None

    def _renew(self, experts: Experts, heads: Mapping[str, str]) -> None:
        generation, before = str(int(self.generation) + 1), self.experts
        self.experts = experts
        try:
            self._rewrite(generation, heads)
        except BaseException:
            self.experts = before
            raise
        finally:
            kept = self.generation
            for folder in (self.folder / "rows").glob("*"):
                if folder.name != kept:
                    shutil.rmtree(folder, ignore_errors=True)

    def _rewrite(self, generation: str, heads: Mapping[str, str]) -> None:
        old = self.catalog.stores()
        with disk_errors(self.folder), self.catalog.transaction():
            self.catalog.drop_orphans()
            rows_of = {role: self._rows_by_segment(old[role]) for role in self._kept_roles(old)}
            segments = [row[0] for row in self.catalog.all("SELECT id FROM segments ORDER BY item, number")]
            self.catalog.all("DELETE FROM rows")
            self.catalog.all("DELETE FROM stores")
            self.catalog.set("generation", generation)
            self.catalog.set(NOTE, json.dumps(dict(heads), sort_keys=True))
            self.catalog.set("signature", self.experts.signature())
            for start in range(0, len(segments), CHUNK):
                part = np.array(segments[start : start + CHUNK])
                features = {
                    role: _taken(self.mapped(old[role]), rows, part) for role, rows in rows_of.items()
                }
                for name, rows in {**features, **self.experts.placed(features)}.items():
                    self._append(name, rows, part)

    def _kept_roles(self, stores: Mapping[str, Store]) -> list[str]:
        return [role for role in self.experts.media_roles if role in stores]

    def _rows_by_segment(self, store: Store) -> dict[int, int]:
        return dict(self.catalog.all("SELECT segment, row FROM rows WHERE store = ?", store.name))

    def rows_of(self, role: str, segments: npt.NDArray[np.int64]) -> Rows | None:
        """(len(segments), d) what an expert saw of segments by id, NaN where nothing; None without rows."""
        store = self.catalog.stores().get(role)
        if store is None:
            return None
        return _taken(self.mapped(store), self._rows_by_segment(store), segments)

    # -- reading ------------------------------------------------------------------------------------------

    @property
    def generation(self) -> str:
        """Names the files that belong together; a rebuild begins the next."""
        return self.catalog.generation()

    def mapped(self, store: Store) -> npt.NDArray[np.float16]:
        """A store's committed rows (count, dim). Raises AffectError if its file is missing or too short."""
        with disk_errors(self.folder):
            try:
                return rowfile.mapped(self.folder / store.file, store.count, store.dim)
            except ValueError as short:
                raise AffectError(f"{short}; {_cure(self.folder, store)}") from short


def _cure(folder: Path, store: Store) -> str:
    if "." in store.name:  # a space's rows can be had again from the experts' rows
        return f"run: affect rebuild --library {printable(folder)}"
    return "put a backup in its place, or delete the library's folder and index again"


def _as_kept(rows: Rows) -> Rows:
    return np.asarray(rowfile.storable(rows), np.float32)


def _taken(rows: npt.NDArray[np.float16], row_of: Mapping[int, int], segments: npt.NDArray[np.int64]) -> Rows:
    """Rows (len(segments), d), NaN where a segment has none."""
    at = np.array([row_of.get(int(segment), -1) for segment in segments], np.int64)
    out = np.full((len(segments), rows.shape[1]), np.nan, np.float32)
    out[at >= 0] = rows[at[at >= 0]]
    return out
