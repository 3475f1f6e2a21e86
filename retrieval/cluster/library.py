"""A library in Milvus: the counterpart of `retrieval.storage.Library`.

A commit writes rows, then segments, then items, then files; Milvus acknowledges what is in its log. An item
shows once its own record is there, so that what a killed process or server has cut off shows nowhere, and is
written again by the next run under the same keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, is_missing_row
from retrieval.cluster.catalog import MilvusCatalog
from retrieval.cluster.connection import require_client
from retrieval.cluster.records import make_item_record, make_segment_records
from retrieval.cluster.schema import BASE_COLLECTIONS, ITEMS, META, SEGMENTS, make_segment_key
from retrieval.cluster.store import MilvusStore, make_records
from retrieval.cluster.url import MilvusUrl
from retrieval.features import AFFECT_VECTORS_NAME, FeaturePipeline, PipelineConfig
from retrieval.storage import (
    EncodedFile,
    FileUpdate,
    OutdatedSpacesError,
    check_signature,
    project_files,
    round_to_float16,
    select_new,
)

FORMAT_KEY, FORMAT = "format", "1"
BYTES_PER_VALUE = 4


class MilvusLibrary:
    """A library, created or opened. Several processes may write to it at once."""

    own_folder = None
    custom_heads_error: AffectError | None = None

    def __init__(self, url: MilvusUrl, store: MilvusStore) -> None:
        self.url, self.store, self.catalog = url, store, MilvusCatalog(store)
        settings = self.catalog.load_settings()
        if settings.get(FORMAT_KEY) != FORMAT:
            raise AffectError(
                f"{url}: format {settings.get(FORMAT_KEY)}, this version reads {FORMAT}; index into a new one"
            )
        self.store.ensure([*BASE_COLLECTIONS, *self.catalog.list_row_collections().values()])
        self.recipe = settings["recipe"]
        self.config = PipelineConfig.from_json(self.recipe)
        self.pipeline = FeaturePipeline(self.config)
        self.segment_seconds = float(settings["segment"])

    @staticmethod
    def exists(url: MilvusUrl) -> bool:
        """Whether the server holds this library. Raises AffectError if it does not answer."""
        return _is_whole(_open_store(url))

    @classmethod
    def create(cls, url: MilvusUrl, config: PipelineConfig, segment_seconds: float) -> MilvusLibrary:
        """Create an empty library. One whose creation was cut off is completed."""
        pipeline = FeaturePipeline(config)
        pipeline.require_encoders()
        store = _open_store(url)
        store.ensure(BASE_COLLECTIONS)
        catalog = MilvusCatalog(store)
        settings = {
            "recipe": config.to_json(),
            "signature": pipeline.make_signature(),
            "segment": str(segment_seconds),
            FORMAT_KEY: FORMAT,  # last: what says that it is whole
        }
        for key, value in settings.items():
            catalog.set_meta(key, value)
        return cls.open(url)

    @classmethod
    def open(cls, url: MilvusUrl) -> MilvusLibrary:
        """Open a library. Raises AffectError if it is absent, or made by other encoders or spaces."""
        with ExitStack() as close_on_error:
            library = cls.open_unchecked(url)
            close_on_error.callback(library.close)
            stored = json.loads(library.catalog.get_meta("signature") or "{}")
            try:
                check_signature(str(url), stored, library.pipeline, check_spaces=True)
            except OutdatedSpacesError as outdated:
                raise AffectError(
                    f"{url}: made by another version of the {', '.join(outdated.spaces)}; "
                    "index into a library of another name"
                ) from outdated
            close_on_error.pop_all()
        return library

    @classmethod
    def open_unchecked(cls, url: MilvusUrl) -> MilvusLibrary:
        """Open a library whose encoders may not be installed. Raises AffectError if it is absent."""
        store = _open_store(url)
        if not _is_whole(store):
            raise AffectError(f"{url}: no library; make one with: affect index FOLDER --library {url}")
        return cls(url, store)

    @property
    def name(self) -> str:
        """The URL, without user and password."""
        return str(self.url)

    def close(self) -> None:
        """Close the connection."""
        self.store.connection.close()

    def refresh_pipeline(self) -> bool:
        """False: the heads of a library in Milvus are the packaged ones."""
        return False

    def lock_for_writing(self) -> nullcontext[None]:
        """Nothing: what several processes write at once is the same."""
        return nullcontext()

    def find_writer_pid(self) -> None:
        """None: who writes to it is unknown."""

    def record_files(self, updates: Sequence[FileUpdate]) -> set[Path]:
        """Record files without new rows; paths from which an item has moved are removed and returned."""
        return self.catalog.record_files(updates)

    def commit(self, batch: Sequence[EncodedFile]) -> None:
        """Add files and their new items. Raises AffectError where the server stays away, or refuses."""
        new = select_new(batch, self.catalog.has_item)
        if new:
            self._add_items(new)
        self.catalog.write_files(
            [FileUpdate(path=file.path, stamp=file.stamp, item_id=file.item_id, error=None) for file in batch]
        )
        self.catalog.change_version()

    def _add_items(self, files: Sequence[EncodedFile]) -> None:
        rows_by_name = project_files(self.pipeline, files)
        affect = round_to_float16(rows_by_name.pop(AFFECT_VECTORS_NAME))
        keys = [make_segment_key(file.item_id, n) for file in files for n in range(len(file.spans))]
        modalities = np.repeat([file.probe.modality for file in files], [len(file.spans) for file in files])
        self.catalog.add_row_collections({name: rows.shape[1] for name, rows in rows_by_name.items()})
        self.store.connection.call_each(self._list_row_writes(keys, modalities, rows_by_name))
        segments = make_segment_records(keys, [span for file in files for span in file.spans], affect)
        for modality in np.unique(modalities):
            part = [segments[i] for i in np.flatnonzero(modalities == modality)]
            self.store.upsert(SEGMENTS, part, str(modality))
        self.store.upsert(
            ITEMS, [make_item_record(file.item_id, file.probe, len(file.spans)) for file in files]
        )

    def _list_row_writes(
        self, keys: Sequence[str], modalities: npt.NDArray[np.str_], rows_by_name: Mapping[str, Rows]
    ) -> Iterator[Callable[[], None]]:
        """Upserts of the rows (n, d) of each row file that are not missing, a partition each."""
        collections = self.catalog.list_row_collections()
        for name, rows in rows_by_name.items():
            present = ~is_missing_row(rows)
            for modality in np.unique(modalities):
                indices = np.flatnonzero(present & (modalities == modality))
                records = make_records([keys[i] for i in indices.tolist()], round_to_float16(rows[indices]))
                yield partial(self.store.upsert, collections[name], records, str(modality))

    def count_rows(self) -> dict[str, int]:
        """Number of rows by name of their row file."""
        collections = self.catalog.list_row_collections()
        counts = self.store.connection.call_each(
            partial(self.store.count, collection) for collection in collections.values()
        )
        return dict(sorted(zip(collections, counts, strict=True)))

    def measure_bytes(self) -> int:
        """Bytes of its vectors; what Milvus keeps beside them is not counted."""
        dims = {name: collection.dim for name, collection in self.catalog.list_row_collections().items()}
        return sum(BYTES_PER_VALUE * dims[name] * count for name, count in self.count_rows().items())

    def iterate_rows(self, name: str, chunk_rows: int) -> Iterator[Rows]:
        """None: reading all rows from a cluster takes long, and serves no more than a summary."""
        yield from ()


def _open_store(url: MilvusUrl) -> MilvusStore:
    require_client()
    return MilvusStore(url)


def _is_whole(store: MilvusStore) -> bool:
    return store.exists(META) and FORMAT_KEY in MilvusCatalog(store).load_settings()
