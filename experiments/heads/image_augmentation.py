"""Pictures seen otherwise: mirrored, cropped, lit differently; more to learn from, one look in use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.base import Frames, Rows, batched
from encoders.media import Sampling, Segment
from experiments.features.cache import Entry, Shelf, digest_of
from experiments.features.extraction import encoded, first_segments
from experiments.features.reading import joined
from retrieval.features.pipeline import Experts
from retrieval.progress_reporter import ProgressReporter

RULE = 1  # raise it when the same seed would make other views
BATCH = 32  # items encoded at a time
LEAST_AREA = 0.65  # of a crop, as a share of the picture
STRETCH = 0.15  # of a crop's sides, as a logarithm
LIGHT = 0.25  # brightness, contrast and saturation change by at most such a share

Media = tuple[Path, ...]


def seen_otherwise(frames: Frames, rng: np.random.Generator) -> Frames:
    """Frames (t, h, w, 3) of one clip, all mirrored (or not), cropped and lit alike."""
    height, width = frames.shape[1:3]
    area, stretch = rng.uniform(LEAST_AREA, 1), np.exp(rng.uniform(-STRETCH, STRETCH))
    h = min(height, max(1, int(height * np.sqrt(area * stretch))))
    w = min(width, max(1, int(width * np.sqrt(area / stretch))))
    y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
    seen = frames[:, y : y + h, x : x + w].astype(np.float32)
    seen = seen[:, :, ::-1] if rng.random() < 0.5 else seen
    bright, contrast, colour = rng.uniform(1 - LIGHT, 1 + LIGHT, 3)
    seen = seen * bright
    mean = seen.mean()
    seen = (seen - mean) * contrast + mean
    grey = seen.mean(axis=-1, keepdims=True)
    seen = (seen - grey) * colour + grey
    return np.ascontiguousarray(seen.clip(0, 255).astype(np.uint8))


def views_of(
    experts: Experts, media: Sequence[Media], count: int, *, seed: int, quiet: bool = False
) -> dict[str, Rows]:
    """Rows (items, 1 + count, d) of the roles that read frames: as it is, then `count` views of each item.

    media: the file of each item, of which the first segment is taken; several pictures are one clip

    Kept on disk by content like other features. Raises BadMedia where a file can't be read.
    """
    plain = encoded(experts, media, quiet=quiet).pooled(len(media))
    roles = [role for role in experts.media_roles if experts.role(role).card.sense == "frames"]
    shelves = {role: Shelf(experts.role(role).card, Sampling(), every=False) for role in roles}
    names = [[_name(digest, view, seed) for view in range(count)] for digest in map(digest_of, media)]
    todo = [
        at for at, row in enumerate(names) if any(s.get(n) is None for n in row for s in shelves.values())
    ]
    done = 0
    with ProgressReporter("features", quiet=quiet) as report:
        report.update("views", 0, len(todo) * count)
        for chunk in batched(todo, BATCH):
            segments = _segments(experts, [media[at] for at in chunk])
            for view in range(count):
                _keep(experts, shelves, segments, [names[at][view] for at in chunk])
                done += len(chunk)
                report.update("views", done, len(todo) * count)
    return {
        role: np.stack([plain[role], *_kept(shelves[role], names, count)], axis=1).astype(np.float32)
        for role in roles
    }


def _name(digest: str, view: int, seed: int) -> str:
    return hashlib.sha256(f"{digest} view {view} of rule {RULE}, seed {seed}".encode()).hexdigest()


def _segments(experts: Experts, media: Sequence[Media]) -> list[Segment]:
    single = [files[0] for files in media if len(files) == 1]
    found = dict(zip(single, first_segments(experts, single), strict=True)) if single else {}
    return [found[files[0]] if len(files) == 1 else joined(files, Sampling()) for files in media]


def _keep(
    experts: Experts, shelves: dict[str, Shelf], segments: Sequence[Segment], names: Sequence[str]
) -> None:
    """Encode one view of each segment, drawn by its name."""
    seen = [
        None if s.frames is None else seen_otherwise(s.frames, np.random.default_rng(int(name[:16], 16)))
        for s, name in zip(segments, names, strict=True)
    ]
    rows = experts.watch(seen, [None] * len(seen), affect=False)
    for role, shelf in shelves.items():
        for at, name in enumerate(names):
            shelf.put(name, Entry(rows[role][at : at + 1], np.full((1, 2), np.nan)))


def _kept(shelf: Shelf, names: Sequence[Sequence[str]], count: int) -> list[Rows]:
    """(items, d) of each view."""
    found = [[shelf.get(row[view]) for row in names] for view in range(count)]
    return [np.concatenate([entry.rows for entry in view if entry is not None]) for view in found]
