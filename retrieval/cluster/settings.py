"""The settings of a library in Milvus: what it was made with, its row files, roots, mount points, version."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from encoders import AffectError
from retrieval.cluster.schema import KEY, META, NO_VECTOR, VECTOR, make_row_collection
from retrieval.cluster.schema import Collection as MilvusCollection
from retrieval.cluster.store import BOUNDED, MilvusStore
from retrieval.storage import FolderSettings

VERSION_KEY, ROW_FILES_KEY = "version", "row_files"


class SettingsTable(FolderSettings):
    """Settings by key, as text."""

    def __init__(self, store: MilvusStore) -> None:
        self._store = store
        self._settings: dict[str, str] = {}

    def load_settings(self) -> Mapping[str, str]:
        """Read all settings, as of now."""
        records = self._store.query(META, f'{KEY} != ""', ["value"])
        self._settings = {record[KEY]: record["value"] for record in records}
        return self._settings

    def get_meta(self, key: str) -> str | None:
        """A setting, as of when the library was opened or a snapshot taken; None if it is absent."""
        return self._settings.get(key)

    def set_meta(self, key: str, value: str) -> None:
        """Store a setting."""
        self._store.upsert(META, [{KEY: key, VECTOR: NO_VECTOR, "value": value}])
        self._settings[key] = value

    def get_generation(self) -> str:
        """None of its files has generations."""
        return "1"

    def read_version(self) -> str:
        """A text that changes with each commit, at most some seconds old."""
        records = self._store.query(META, f'{KEY} == "{VERSION_KEY}"', ["value"], consistency=BOUNDED)
        return str(records[0]["value"]) if records else ""

    def change_version(self) -> None:
        """Let other processes notice that something was committed."""
        self.set_meta(VERSION_KEY, uuid.uuid4().hex)

    def list_row_collections(self) -> dict[str, MilvusCollection]:
        """The collection of each row file, by name."""
        dims: Mapping[str, int] = json.loads(self.get_meta(ROW_FILES_KEY) or "{}")
        return {name: make_row_collection(name, dim) for name, dim in dims.items()}

    def add_row_collections(self, dims: Mapping[str, int]) -> None:
        """Make the collections of row files that are new. Raises AffectError where a row length differs."""
        stored: dict[str, int] = json.loads(self.get_meta(ROW_FILES_KEY) or "{}")
        for name, dim in dims.items():
            if stored.get(name, dim) != dim:
                raise AffectError(
                    f"{self._store.url}: rows of {name} have {dim} columns, not {stored[name]}; "
                    "index into a library of another name"
                )
        self._store.ensure(make_row_collection(name, dim) for name, dim in dims.items())
        if not dims.keys() <= stored.keys():
            self.set_meta(ROW_FILES_KEY, json.dumps({**stored, **dims}, sort_keys=True))
