"""Reads and writes of a library's collections in Milvus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from retrieval.cluster.connection import MilvusConnection
from retrieval.cluster.schema import (
    KEY,
    MAX_HITS,
    VECTOR,
    Collection,
    IndexChoice,
    choose_index,
    make_search_options,
)
from retrieval.cluster.url import MilvusUrl

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Record = dict[str, Any]
STRONG, BOUNDED = (
    "Strong",
    "Bounded",
)  # after all acknowledged writes; at most some seconds behind, without a wait
MAX_UPSERT_BYTES = 8 << 20  # of vectors; a server takes messages of 64 MB
MAX_KEYS = 1000  # of one call
MAX_LOAD_SECONDS = 3600.0  # of a large collection


class MilvusStore:
    """The collections of one library."""

    def __init__(self, url: MilvusUrl) -> None:
        self.url, self.connection = url, MilvusConnection(url)
        self._ensured: set[str] = set()

    def get_name(self, collection: Collection) -> str:
        """The name of a collection on the server."""
        return f"{self.url.name}__{collection.suffix}"

    def exists(self, collection: Collection) -> bool:
        """Whether there is such a collection."""
        name = self.get_name(collection)
        return self.connection.call(
            lambda client, seconds: bool(client.has_collection(name, timeout=seconds))
        )

    def ensure(self, collections: Iterable[Collection]) -> None:
        """Make and load the collections that are not there. Raises AffectError where one is of other rows."""
        new = [collection for collection in collections if collection.suffix not in self._ensured]
        self.connection.call_each(partial(self._ensure, collection) for collection in new)
        self._ensured |= {collection.suffix for collection in new}

    def drop(self, collection: Collection) -> None:
        """Delete a collection with all its records."""
        name = self.get_name(collection)
        self.connection.call(lambda client, seconds: client.drop_collection(name, timeout=seconds))
        self._ensured.discard(collection.suffix)

    def _ensure(self, collection: Collection) -> None:
        name = self.get_name(collection)
        self.connection.call(lambda client, seconds: self._create(client, collection, seconds))
        stored = self.connection.call(
            lambda client, seconds: client.describe_collection(name, timeout=seconds)
        )
        dims = [entry["params"].get("dim") for entry in stored["fields"] if entry["name"] == VECTOR]
        if dims != [collection.dim]:
            raise AffectError(
                f"{self.url}: the collection {name} has rows of {dims[0] if dims else 'no'} columns, not "
                f"{collection.dim}; index into a library of another name"
            )
        if not self.get_index_kind(collection):
            self.build_index(collection, choose_index(collection, 0), 0)
        self.load(collection)

    def load(self, collection: Collection) -> None:
        """Let a collection be searched."""
        name = self.get_name(collection)
        self.connection.call(lambda client, seconds: client.load_collection(name, timeout=MAX_LOAD_SECONDS))

    def _create(self, client: MilvusClient, collection: Collection, seconds: float) -> None:
        name = self.get_name(collection)
        if not client.has_collection(name, timeout=seconds):
            client.create_collection(
                name, schema=collection.make_schema(), consistency_level=STRONG, num_shards=1, timeout=seconds
            )
        for partition in collection.partitions:
            if not client.has_partition(name, partition, timeout=seconds):
                client.create_partition(name, partition, timeout=seconds)

    def get_index_kind(self, collection: Collection) -> str:
        """The kind of index that a collection has; empty without one."""
        name = self.get_name(collection)

        def describe(client: MilvusClient, seconds: float) -> str:
            if not client.list_indexes(name, timeout=seconds):
                return ""
            return str(client.describe_index(name, VECTOR, timeout=seconds)["index_type"])

        return self.connection.call(describe)

    def build_index(self, collection: Collection, choice: IndexChoice, row_count: int) -> None:
        """Build an index in place of another; the collection can't be searched meanwhile."""
        name = self.get_name(collection)

        def build(client: MilvusClient, seconds: float) -> None:
            if client.list_indexes(name, timeout=seconds):
                client.release_collection(name, timeout=seconds)
                client.drop_index(name, VECTOR, timeout=seconds)
            params = client.prepare_index_params()
            params.add_index(
                field_name=VECTOR,
                index_type=choice.kind,
                metric_type=collection.metric,
                params=choice.make_build_options(row_count),
            )
            client.create_index(name, params, timeout=None if row_count else seconds)

        self.connection.call(build)

    def upsert(self, collection: Collection, records: Sequence[Record], partition: str = "") -> None:
        """Write records in place of those with the same keys; acknowledged, and safe, on return."""
        size = max(MAX_UPSERT_BYTES // (4 * collection.dim + 200), 1)
        for start in range(0, len(records), size):
            part = list(records[start : start + size])
            self.connection.call(
                lambda client, seconds, part=part: client.upsert(  # type: ignore[misc]
                    self.get_name(collection), part, partition_name=partition, timeout=seconds
                )
            )

    def delete(self, collection: Collection, keys: Sequence[str]) -> None:
        """Delete the records with these keys, where there are any."""
        name = self.get_name(collection)
        for start in range(0, len(keys), MAX_KEYS):
            part = list(keys[start : start + MAX_KEYS])
            self.connection.call(
                lambda client, seconds, part=part: client.delete(name, ids=part, timeout=seconds)  # type: ignore[misc]
            )

    def query(
        self,
        collection: Collection,
        condition: str,
        fields: Sequence[str],
        *,
        consistency: str = STRONG,
        limit: int | None = None,
        partition: str = "",
    ) -> list[Record]:
        """Records that fulfil a condition of Milvus, with these fields and their keys; at most MAX_HITS."""
        name = self.get_name(collection)
        options: Record = {} if limit is None else {"limit": limit}
        if partition:
            options["partition_names"] = [partition]
        return self.connection.call(
            lambda client, seconds: list(
                client.query(
                    name, filter=condition, output_fields=list(fields), timeout=seconds,
                    consistency_level=consistency, **options,
                )
            ),
            collection=name,
        )  # fmt: skip

    def get(
        self, collection: Collection, keys: Sequence[str], fields: Sequence[str], key_field: str = KEY,
        consistency: str = BOUNDED,
    ) -> list[Record]:  # fmt: skip
        """Records of which a field is one of `keys`."""
        parts = [keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS)]
        found = self.connection.call_each(
            partial(self.query, collection, make_condition(key_field, part), fields, consistency=consistency)
            for part in parts
        )
        return [record for records in found for record in records]

    def count(self, collection: Collection, condition: str = "", partition: str = "") -> int:
        """Number of records."""
        return int(self.query(collection, condition, ["count(*)"], partition=partition)[0]["count(*)"])

    def iterate(
        self, collection: Collection, fields: Sequence[str], condition: str = "", batch_size: int = 10_000
    ) -> Iterator[Record]:
        """Every record that fulfils a condition, in order of key."""
        last = ""
        while True:
            beyond = f'{KEY} > "{last}"' + (f" and ({condition})" if condition else "")
            records = self.query(collection, beyond, fields, limit=batch_size)
            yield from records
            if len(records) < batch_size:
                return
            last = max(record[KEY] for record in records)

    def search(
        self,
        collection: Collection,
        queries: npt.NDArray[np.float32],
        k: int,
        partition: str,
        index_kind: str,
    ) -> list[list[str]]:
        """Keys of the k nearest rows to each of (q, d), nearest first; k is at most MAX_HITS."""
        name, limit = self.get_name(collection), min(k, MAX_HITS)
        options = {"metric_type": collection.metric, "params": make_search_options(index_kind, limit)}
        found = self.connection.call(
            lambda client, seconds: client.search(
                name, data=list(np.asarray(queries, np.float32)), limit=limit, search_params=options,
                partition_names=[partition], consistency_level=BOUNDED, timeout=seconds,
            ),
            collection=name,
        )  # fmt: skip
        return [[hit[KEY] for hit in hits] for hits in found]

    def load_rows(self, collection: Collection, keys: Sequence[str]) -> dict[str, Rows]:
        """(d,) float32 rows by key, of those keys that have one."""
        records = self.get(collection, keys, [VECTOR])
        return {record[KEY]: np.asarray(record[VECTOR], np.float32) for record in records}


def make_condition(name: str, values: Iterable[str]) -> str:
    """A condition of Milvus: a field is one of these texts."""
    return f"{name} in {json.dumps(list(values))}"


def make_records(keys: Sequence[str], rows: Rows, fields: Sequence[Mapping[str, Any]] = ()) -> list[Record]:
    """Records of keys (n,), rows (n, d) and other fields (n,)."""
    others = fields or [{}] * len(keys)
    return [
        {KEY: key, VECTOR: row, **other}
        for key, row, other in zip(keys, np.asarray(rows, np.float32), others, strict=True)
    ]
