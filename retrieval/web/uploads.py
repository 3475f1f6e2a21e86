"""Media that were sent to search with: decoded and encoded at once, and then deleted."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from encoders import make_temporary_folder
from retrieval.search import QueryMedia
from retrieval.web.errors import NotFoundError

MAX_UPLOADS = 64  # kept in memory; the one that was not used for longest is forgotten first
COPY_CHUNK_BYTES = 1 << 20
SAFE_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


class UploadStore:
    """Encoded uploads by id, in memory alone; any thread may use it."""

    def __init__(self) -> None:
        self._media: OrderedDict[str, QueryMedia] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, upload_id: str, media: QueryMedia) -> None:
        """Keep an upload."""
        with self._lock:
            self._media[upload_id] = media
            while len(self._media) > MAX_UPLOADS:
                self._media.popitem(last=False)

    def find(self, upload_id: str) -> QueryMedia:
        """An upload by its id. Raises NotFoundError if it was forgotten or never there."""
        with self._lock:
            if upload_id not in self._media:
                raise NotFoundError("this upload is not here any more; upload it again")
            self._media.move_to_end(upload_id)
            return self._media[upload_id]


def make_upload_id() -> str:
    """A new id, which nobody can guess."""
    return secrets.token_hex(16)


def read_upload(
    file: BinaryIO, name: str, upload_id: str, read_media: Callable[..., QueryMedia]
) -> QueryMedia:
    """Decode and encode a file that was sent, from a temporary folder of its own.

    read_media: as `QueryEncoder.read_media`

    Raises MediaError for a file that is no media, or exceeds the limits of the decoders.
    """
    suffix = Path(name).suffix
    with make_temporary_folder() as folder:
        path = folder / f"upload{suffix if SAFE_SUFFIX.fullmatch(suffix) else ''}"
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy, COPY_CHUNK_BYTES)
        return read_media(path, name=upload_id)


def describe_upload(upload_id: str, media: QueryMedia, name: str) -> dict[str, Any]:
    """An upload as the API tells of it."""
    return {
        "upload": upload_id,
        "modality": media.probe.modality,
        "name": name,
        "seconds": media.probe.duration,
    }
