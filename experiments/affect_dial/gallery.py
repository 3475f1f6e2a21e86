"""Galleries: labelled items in a library of the engine's own, and the queries that are asked of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.media import DEFAULT_SEGMENT_SECONDS, Probe
from retrieval.features import FeaturePipeline
from retrieval.search import Engine
from retrieval.storage import EncodedFile, FileStamp, Library

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]

FORMATS = {"image": "jpg", "audio": "ogg", "video": "mp4"}


@dataclass(frozen=True, kw_only=True)
class GalleryQuery:
    """A query and what is right for it.

    parts:    of a `Query`: its text, or an item of the gallery by `make_item_id`, or both
    relevant: positions of the items with the content asked for
    group:    resampled as a whole: a theme, an actor, a combination
    target:   (valence, arousal) that its words name; None where they name none
    """

    parts: Mapping[str, Any]
    relevant: frozenset[int]
    group: str
    target: Point | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Gallery:
    """n items of one segment each, with the queries asked of them.

    description: which items, which split, and whose affect estimates, in one sentence
    features: raw rows (n, d) by role, NaN where missing
    affect:   (n, 2) valence and arousal by ratings or by construction, NaN where there are none
    content_queries: content without a mood, to which the dial adds one
    worded_queries:  texts as people write them, with and without a word of emotion
    """

    name: str
    description: str
    modality: str
    pipeline: FeaturePipeline
    features: Mapping[str, Rows]
    affect: Floats
    content_queries: Sequence[GalleryQuery]
    worded_queries: Sequence[GalleryQuery]


def make_item_id(position: int) -> str:
    """The id of the item at a position of a gallery; ids are in the order of positions."""
    return f"{position:016x}"


@contextmanager
def open_gallery(gallery: Gallery) -> Iterator[Engine]:
    """An engine over a library that holds the gallery, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        created = Library.create(Path(folder) / "library", gallery.pipeline.config, DEFAULT_SEGMENT_SECONDS)
        with closing(created) as library:
            library.pipeline = gallery.pipeline
            with library.lock_for_writing():
                library.commit([_make_file(gallery, number) for number in range(len(gallery.affect))])
            with Engine(library) as engine:
                yield engine


def _make_file(gallery: Gallery, position: int) -> EncodedFile:
    """An item as the indexer hands it over. No file is read: the features are there."""
    is_timed = gallery.modality != "image"
    seconds = DEFAULT_SEGMENT_SECONDS if is_timed else None
    described: dict[str, Any] = dict.fromkeys(("width", "height", "fps", "sample_rate", "channels"))
    return EncodedFile(
        path=Path("/gallery") / f"{position}.{FORMATS[gallery.modality]}",
        stamp=FileStamp(size=0, mtime_ns=0),
        item_id=make_item_id(position),
        probe=Probe(
            modality=gallery.modality,  # type: ignore[arg-type]
            duration=seconds,
            format=FORMATS[gallery.modality],
            **described,
        ),
        spans=[(0.0 if is_timed else None, seconds)],
        features={role: rows[position : position + 1] for role, rows in gallery.features.items()},
    )
