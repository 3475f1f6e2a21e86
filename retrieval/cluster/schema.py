"""The collections of a library in Milvus: fields, partitions, and which index a number of rows gets.

A library has a collection of settings, one of files, one of items (scalar fields), one of segments with the
affect of each, and one for each row file: raw rows by role, and unit rows by view. Rows of segments lie in a
partition for each modality. The primary key of a segment is made of its item's id, which is the hash of the
content, and its number: adding a file twice writes the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import TYPE_CHECKING, Any

from retrieval.storage import MODALITIES

if TYPE_CHECKING:
    from pymilvus import CollectionSchema

KEY, VECTOR = "id", "vector"
MAX_ID_LENGTH = 32
MAX_TEXT_LENGTH = 1000  # characters of reasons and formats
MAX_VALUE_LENGTH = 65535  # of settings; the most that Milvus takes
MAX_PATH_LENGTH = 3 * 4096  # percent-encoded
MAX_HITS = 16384  # of one search or query; the most that Milvus gives
NO_VECTOR = (0.0, 0.0)  # of rows without one; a collection of Milvus must have a field of vectors
FAR_AWAY = (9.0, 9.0)  # from the plane: where a segment without affect lies
UNKNOWN = -1.0  # in a numeric field: none

_TEXT, _INTEGER, _NUMBER = "VARCHAR", "INT64", "DOUBLE"


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A collection.

    suffix: the end of its name
    dim, metric: of its vectors
    fields: (name, type, most bytes) of others
    """

    suffix: str
    dim: int = len(NO_VECTOR)
    metric: str = "L2"
    fields: Sequence[tuple[str, str, int]] = ()
    is_partitioned: bool = False
    is_searched: bool = False  # by its vectors

    @property
    def partitions(self) -> Sequence[str]:
        """The partitions that it has beside Milvus's own."""
        return MODALITIES if self.is_partitioned else ()

    def make_schema(self) -> CollectionSchema:
        """As Milvus wants it."""
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(KEY, DataType.VARCHAR, is_primary=True, max_length=MAX_ID_LENGTH)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=self.dim)
        for name, kind, length in self.fields:
            schema.add_field(name, DataType[kind], **({"max_length": length} if length else {}))
        return schema


META = Collection(suffix="meta", fields=[("value", _TEXT, MAX_VALUE_LENGTH)])
FILES = Collection(
    suffix="files",
    fields=[
        ("path", _TEXT, MAX_PATH_LENGTH), ("size", _INTEGER, 0), ("mtime_ns", _INTEGER, 0),
        ("ctime_ns", _INTEGER, 0), ("item", _TEXT, MAX_ID_LENGTH), ("error", _TEXT, MAX_TEXT_LENGTH),
        ("missing", _INTEGER, 0),
    ],
)  # fmt: skip
ITEMS = Collection(
    suffix="items",
    fields=[
        ("modality", _TEXT, MAX_ID_LENGTH), ("duration", _NUMBER, 0), ("width", _INTEGER, 0),
        ("height", _INTEGER, 0), ("format", _TEXT, MAX_TEXT_LENGTH), ("segments", _INTEGER, 0),
        ("incomplete", _TEXT, MAX_TEXT_LENGTH), ("added", _NUMBER, 0),
    ],
)  # fmt: skip
SEGMENTS = Collection(
    suffix="segments",
    fields=[
        ("start", _NUMBER, 0), ("stop", _NUMBER, 0), ("valence", _NUMBER, 0), ("arousal", _NUMBER, 0),
        ("valence_sd", _NUMBER, 0), ("arousal_sd", _NUMBER, 0),
    ],
    is_partitioned=True,
    is_searched=True,
)  # fmt: skip
BASE_COLLECTIONS = (META, FILES, ITEMS, SEGMENTS)


def make_row_collection(name: str, dim: int) -> Collection:
    """The collection of a row file: "objects", or "object.words", whose rows are searched."""
    return Collection(
        suffix=f"rows__{name.replace('.', '__')}",
        dim=dim,
        metric="IP",
        is_partitioned=True,
        is_searched="." in name,
    )


@dataclass(frozen=True, kw_only=True)
class IndexChoice:
    """An index of Milvus for a collection of at least `min_rows` rows."""

    kind: str
    min_rows: int
    build_options: dict[str, Any] = field(default_factory=dict)

    def make_build_options(self, row_count: int) -> dict[str, Any]:
        """Options of the build; lists of IVF as FAISS advises, 4 sqrt(n)."""
        return {"nlist": 4 * isqrt(row_count)} if self.kind.startswith("IVF") else dict(self.build_options)


# Exact while comparing all rows is quick, a graph while it fits in memory, lists with 8-bit rows beyond:
# candidates are rescored with their float rows in any case.
INDEX_CHOICES = (
    IndexChoice(kind="FLAT", min_rows=0),
    IndexChoice(kind="HNSW", min_rows=100_000, build_options={"M": 24, "efConstruction": 200}),
    IndexChoice(kind="IVF_SQ8", min_rows=20_000_000),
)
PROBED_LISTS = 64
EF_PER_HIT = 2


def choose_index(collection: Collection, row_count: int) -> IndexChoice:
    """The index of a collection; exact where it is never searched by its vectors."""
    if not collection.is_searched:
        return INDEX_CHOICES[0]
    return [choice for choice in INDEX_CHOICES if row_count >= choice.min_rows][-1]


def make_search_options(kind: str, hit_count: int) -> dict[str, Any]:
    """Options of a search for `hit_count` rows in an index of a kind."""
    if kind == "HNSW":
        return {"ef": min(max(EF_PER_HIT * hit_count, 64), 32768)}
    return {"nprobe": PROBED_LISTS} if kind.startswith("IVF") else {}


def make_segment_key(item_id: str, number: int) -> str:
    """The primary key of an item's segment."""
    return f"{item_id}:{number}"


def split_segment_key(key: str) -> tuple[str, int]:
    """(id of the item, number of the segment) of a primary key."""
    item_id, _, number = key.partition(":")
    return item_id, int(number)
