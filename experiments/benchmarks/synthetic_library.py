"""Large libraries of synthetic vectors, written straight into the row files of the ordinary spaces.

Vectors lie in clusters of a low-dimensional subspace, as those of trained networks do (intrinsic dimension of
some tens: Pope et al. 2021, "The intrinsic dimension of images and its impact on learning"); media are not
read, and nothing is projected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from encoders import Rows, get_cache_dir, to_printable, unit_rows
from encoders.media import DEFAULT_SEGMENT_SECONDS, Probe
from retrieval.features import AFFECT_VECTORS_NAME, PipelineConfig
from retrieval.search import IndexSettings, rebuild_index
from retrieval.storage import MODALITIES, FileStamp, ItemPosition, Library, make_item_columns

Positions = npt.NDArray[np.int64]

LATENT_DIM = 48
ITEMS_PER_CLUSTER = 100
LATENT_NOISE, ROW_NOISE = 0.5, 0.3  # norms, beside a centre of norm 1
CHUNK_ITEMS = 20_000
SCHEMA_VERSION = 1  # of what is written here: another one is another cached library
ITEMS_PER_FOLDER = 1000
SD_RANGE = (0.2, 0.6)  # of the affect estimates


@dataclass(frozen=True, kw_only=True)
class ViewSpec:
    """A view's row length, and the modalities whose items have rows in it."""

    dim: int
    modalities: tuple[str, ...]


VIEW_SPECS: Mapping[str, ViewSpec] = {
    "object.words": ViewSpec(dim=2304, modalities=("image", "video")),
    "object.looks": ViewSpec(dim=1280, modalities=("image", "video")),
    "activity.words": ViewSpec(dim=768, modalities=("video",)),
    "audio.words": ViewSpec(dim=384, modalities=("video", "audio")),
    "audio.sounds": ViewSpec(dim=329, modalities=("video", "audio")),
    "audio.events": ViewSpec(dim=585, modalities=("video", "audio")),
}


class RowSampler:
    """Draws rows of every view: an item has one cluster, near whose centre its rows lie in all views."""

    def __init__(self, item_count: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._cluster_count = max(item_count // ITEMS_PER_CLUSTER, 1)
        self._centres = unit_rows(
            self._rng.standard_normal((self._cluster_count, LATENT_DIM)).astype(np.float32)
        )
        self._maps = {
            view: (self._rng.standard_normal((LATENT_DIM, spec.dim)) / LATENT_DIM**0.5).astype(np.float32)
            for view, spec in VIEW_SPECS.items()
        }

    def draw_clusters(self, count: int) -> Positions:
        """(count,) the cluster of each item."""
        return self._rng.integers(self._cluster_count, size=count)

    def draw_rows(self, view: str, clusters: Positions) -> Rows:
        """(n, d) unit rows of a view for items of these clusters."""
        noise = self._rng.standard_normal((len(clusters), LATENT_DIM)).astype(np.float32)
        latent = self._centres[clusters] + noise * np.float32(LATENT_NOISE / LATENT_DIM**0.5)
        rows = latent @ self._maps[view]
        scale = np.float32(ROW_NOISE / rows.shape[1] ** 0.5)
        return unit_rows(rows + scale * self._rng.standard_normal(rows.shape, np.float32))

    def draw_affect(self, count: int) -> Rows:
        """(count, 4) valence and arousal, from a normal within [-1, 1], and their SDs."""
        points = np.clip(self._rng.normal(0, 0.4, (count, 2)), -1, 1)
        return np.concatenate([points, self._rng.uniform(*SD_RANGE, (count, 2))], axis=1).astype(np.float32)


def open_synthetic_library(item_count: int, seed: int, choice: str) -> Path:
    """The cached library of `item_count` items, indexed as `choice` says; made if need be.

    Only "auto" builds files; another choice gives the same library without.
    """
    content = f"{SCHEMA_VERSION}|{item_count}|{seed}|{sorted(VIEW_SPECS.items())}"
    folder = get_cache_dir() / "bench" / f"synthetic-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    if not Library.exists(folder):
        click.echo(f"writing {item_count} items: {to_printable(folder)}", err=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_synthetic_library(folder, item_count, seed)
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        if IndexSettings.load(library).choice != choice:
            settings = IndexSettings(choice=choice, options={})
            log = partial(click.echo, err=True)
            rebuild_index(library, settings, log, text_queries={})  # real sentences lie in no cluster
    return folder


def write_synthetic_library(folder: Path, item_count: int, seed: int) -> None:
    """Make a library of items of one segment each, in one transaction."""
    sampler = RowSampler(item_count, seed)
    with (
        closing(Library.create(folder, PipelineConfig(), DEFAULT_SEGMENT_SECONDS)) as library,
        library.lock_for_writing(),
        library.catalog.transaction(),
    ):
        for start in range(0, item_count, CHUNK_ITEMS):
            append_synthetic_items(library, sampler, np.arange(start, min(start + CHUNK_ITEMS, item_count)))
        IndexSettings(choice="exact", options={}).save(library, "", {})


def append_synthetic_items(library: Library, sampler: RowSampler, numbers: Positions) -> None:
    """Add items by number, which decides their id and modality; call it in a transaction."""
    codes = numbers % len(MODALITIES)
    modalities = [MODALITIES[code] for code in codes]
    ids = [hashlib.sha256(f"{number}".encode()).hexdigest()[:16] for number in numbers]
    spans = [
        [(None, None) if modality == "image" else (0.0, DEFAULT_SEGMENT_SECONDS)] for modality in modalities
    ]
    first_item, first_segment = library.vectors.append_items(make_item_columns(ids, modalities, spans))
    for i, (number, item_id, modality) in enumerate(zip(numbers, ids, modalities, strict=True)):
        position = ItemPosition(first_item + i, first_segment + i, 1)
        library.catalog.add_item(item_id, _PROBES[modality], position)
        path = Path(f"/nowhere/{number // ITEMS_PER_FOLDER}/{number}")
        library.catalog.record_file(path, FileStamp(size=int(number), mtime_ns=int(number)), item_id=item_id)
    segments, clusters = first_segment + np.arange(len(numbers)), sampler.draw_clusters(len(numbers))
    for view, spec in VIEW_SPECS.items():
        members = np.isin(codes, [MODALITIES.index(modality) for modality in spec.modalities])
        library.vectors.append(view, sampler.draw_rows(view, clusters[members]), segments[members])
    library.vectors.append(AFFECT_VECTORS_NAME, sampler.draw_affect(len(numbers)), segments)


_PROBES = {
    modality: Probe(
        modality=modality,  # type: ignore[arg-type]
        duration=None if modality == "image" else DEFAULT_SEGMENT_SECONDS, width=1,
        height=1, fps=None, sample_rate=None, channels=None, format="none",
    )
    for modality in MODALITIES
}  # fmt: skip
