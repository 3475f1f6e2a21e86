"""Captions that were typed on the page, in a file of the library's folder until it is trained on them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from encoders import AffectError, read_text, to_printable, write_atomically

STORE_NAME, TABLE_NAME = "captions.json", "captions.csv"


class CaptionStore:
    """Captions by item, in `captions.json`; one process writes it, on one thread."""

    def __init__(self, folder: Path) -> None:
        self._path, self._table_path = folder / STORE_NAME, folder / TABLE_NAME

    def load(self) -> dict[str, str]:
        """Captions by item; none without a file. Raises AffectError if it can't be read."""
        if not self._path.exists():
            return {}
        try:
            captions = json.loads(read_text(self._path))
        except (OSError, ValueError) as error:
            raise AffectError(f"{to_printable(self._path)}: can't be read ({error})") from error
        if not isinstance(captions, dict) or not all(isinstance(text, str) for text in captions.values()):
            raise AffectError(f"{to_printable(self._path)}: holds no captions by item")
        return captions

    def set(self, item_id: str, caption: str) -> None:
        """Store the caption of an item in place of the one it has."""
        self._save({**self.load(), item_id: caption})

    def remove(self, item_id: str) -> bool:
        """Forget the caption of an item; returns whether it had one."""
        captions = self.load()
        if captions.pop(item_id, None) is None:
            return False
        self._save(captions)
        return True

    def write_table(self, path_by_item: Mapping[str, str]) -> Path:
        """Write the captions of items as a table for `affect train`; returns its path.

        Items without a path are left out, and those whose path is no Unicode, which a table can't name.
        Raises AffectError where none is left.
        """
        rows = [
            (path_by_item[item_id], text)
            for item_id, text in self.load().items()
            if item_id in path_by_item and _is_unicode(path_by_item[item_id])
        ]
        if not rows:
            raise AffectError("no item has a caption yet; accept or write some first")
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerows([("media", "caption"), *rows])
        write_atomically(self._table_path, table.getvalue().encode())
        return self._table_path

    def _save(self, captions: Mapping[str, str]) -> None:
        write_atomically(self._path, json.dumps(captions, indent=1, sort_keys=True).encode())


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
