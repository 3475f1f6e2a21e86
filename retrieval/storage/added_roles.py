"""Rows of roles that are added to a library after it was made, item by item.

Until the configuration names such a role no space reads its rows, and the library is searched as before. The
catalogue records the encoder that gave them, the items that were read and have none, and the generation of
the row files to which rows were appended last: they are projected once a rebuild has made another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from encoders import Rows, is_missing_row
from retrieval.features import list_sibling_roles
from retrieval.storage.catalog import Catalog
from retrieval.storage.encoded_files import EncodedFile
from retrieval.storage.library import Library
from retrieval.storage.locking import translate_disk_errors
from retrieval.storage.ports import AnyLibrary

ADDED_ROLES_KEY = "added_roles"  # of the catalogue


@dataclass(kw_only=True)
class _AddedRoles:
    """Signatures of the roles' encoders, and the generation of the row files that last got rows."""

    signatures: dict[str, str] = field(default_factory=dict)
    generation: str = ""

    @classmethod
    def load(cls, catalog: Catalog) -> _AddedRoles:
        stored = json.loads(catalog.get_meta(ADDED_ROLES_KEY) or "{}")
        # once it listed the items without rows too: those are read once more
        earlier = {name: role["signature"] for name, role in stored.get("roles", {}).items()}
        return cls(signatures=stored.get("signatures", earlier), generation=stored.get("generation", ""))

    def save(self, catalog: Catalog) -> None:
        catalog.set_meta(ADDED_ROLES_KEY, json.dumps(asdict(self)))


@dataclass(frozen=True, kw_only=True)
class ItemRows:
    """Rows (n, d) by role of an item's segments (n,); n is 0 where nothing can be read."""

    item_id: str
    segments: Sequence[int]
    rows_by_role: Mapping[str, Rows]


def list_added_roles(catalog: Catalog) -> list[str]:
    """Names of the roles that were added, or are being added, since the library was made."""
    return list(_AddedRoles.load(catalog).signatures)


def begin_roles(catalog: Catalog, signatures: Mapping[str, str]) -> None:
    """Record the encoders of roles to be added; rows that another encoder gave in an earlier run are dropped.

    signatures: of the encoders, by role
    """
    added = _AddedRoles.load(catalog)
    begun = dict(signatures.items() - added.signatures.items())
    if not begun:
        return
    with catalog.transaction():
        for role in begun:
            catalog.remove_vector_file(role)
        added.signatures |= begun
        added.save(catalog)


def postpone_missing_roles(library: AnyLibrary) -> None:
    """Record the roles whose encoders are not here: items indexed now get their rows by a later run.

    What was indexed before has been read. Raises MissingBackendError for a library that is no folder, which
    a later run does not complete.
    """
    if not isinstance(library, Library):
        library.pipeline.require_encoders()
        return
    added = _AddedRoles.load(library.catalog)
    postponed = library.pipeline.missing_roles.keys() - added.signatures.keys()
    if not postponed:
        return
    signatures = json.loads(library.catalog.get_meta("signature") or "{}")
    added.signatures |= {role: signatures[role] for role in postponed}
    with library.catalog.transaction():
        for role in postponed:
            without_rows = _list_readable_items(library, role) - _list_items(library, role)
            library.catalog.record_items_without_rows(role, without_rows)
        added.save(library.catalog)


def commit_files(library: AnyLibrary, files: Sequence[EncodedFile]) -> None:
    """Commit files, and record which were read for an added role and have no rows of it.

    Raises AffectError when the disk is full.
    """
    library.commit(files)
    if not isinstance(library, Library):
        return
    without_rows = {
        name: [f.item_id for f in files if name in f.features and _has_no_row(f.features[name])]
        for name in list_added_roles(library.catalog)
    }
    if any(without_rows.values()):
        with translate_disk_errors(library.folder), library.catalog.transaction():
            for name, item_ids in without_rows.items():
                library.catalog.record_items_without_rows(name, item_ids)


def find_items_to_complete(library: Library) -> dict[str, list[str]]:
    """By id of the item, the added roles that have not been read of it, though it has what they read."""
    missing_roles: dict[str, list[str]] = {}
    for name in list_added_roles(library.catalog):
        read = _list_items(library, name) | library.catalog.list_items_without_rows(name)
        for item in sorted(_list_readable_items(library, name) - read):
            missing_roles.setdefault(item, []).append(name)
    return missing_roles


def _list_readable_items(library: Library, role: str) -> set[str]:
    """Ids of the items that have what a role reads."""
    return {item for other in list_sibling_roles(role) for item in _list_items(library, other)}


def _list_items(library: Library, vector_file_name: str) -> set[str]:
    """Ids of the items that have rows in a row file."""
    return set(library.vectors.load_rows_by_item(vector_file_name)[0])


def append_role_rows(library: Library, batch: Sequence[ItemRows]) -> None:
    """Append the rows of items in one transaction; those that have none are recorded as read.

    The caller holds the write lock. Raises AffectError when the disk is full.
    """
    catalog = library.catalog
    with translate_disk_errors(library.folder), catalog.transaction():
        added = _AddedRoles.load(catalog)
        for name in added.signatures:
            items = [item for item in batch if name in item.rows_by_role]
            catalog.record_items_without_rows(
                name, [item.item_id for item in items if _has_no_row(item.rows_by_role[name])]
            )
            if items:
                segments = np.concatenate([np.array(item.segments, np.int64) for item in items])
                rows = np.concatenate([item.rows_by_role[name] for item in items])
                library.vectors.append(name, rows, segments)
                if not _has_no_row(rows):
                    added.generation = catalog.get_generation()
        added.save(catalog)


def _has_no_row(rows: Rows) -> bool:
    """Whether all rows (n, d) are missing; n may be 0."""
    return bool(is_missing_row(rows).all())


def must_project_roles(catalog: Catalog) -> bool:
    """Whether rows were appended that no rebuild has projected yet."""
    return _AddedRoles.load(catalog).generation == catalog.get_generation()
