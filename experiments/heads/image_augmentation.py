"""Pictures seen otherwise: mirrored, cropped, lit differently; more to learn from, one look in use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.base import Frames, Rows, batched
from encoders.media import Sampling, Segment
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.extraction import decode_first_segments, encode_items
from experiments.features.reading import read_images_as_clip
from retrieval.features.pipeline import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter

AUGMENTATION_VERSION = 1  # raise it when the same seed would make other views
BATCH_SIZE = 32  # items encoded at a time
MIN_CROP_AREA = 0.65  # of a crop, as a share of the picture
MAX_LOG_STRETCH = 0.15  # of a crop's sides, as a logarithm
MAX_LIGHT_CHANGE = 0.25  # brightness, contrast and saturation change by at most such a share

MediaPaths = tuple[Path, ...]


def augment_frames(frames: Frames, rng: np.random.Generator) -> Frames:
    """Frames (t, h, w, 3) of one clip, all mirrored (or not), cropped and lit alike."""
    height, width = frames.shape[1:3]
    area, stretch = rng.uniform(MIN_CROP_AREA, 1), np.exp(rng.uniform(-MAX_LOG_STRETCH, MAX_LOG_STRETCH))
    h = min(height, max(1, int(height * np.sqrt(area * stretch))))
    w = min(width, max(1, int(width * np.sqrt(area / stretch))))
    y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
    seen = frames[:, y : y + h, x : x + w].astype(np.float32)
    seen = seen[:, :, ::-1] if rng.random() < 0.5 else seen
    bright, contrast, colour = rng.uniform(1 - MAX_LIGHT_CHANGE, 1 + MAX_LIGHT_CHANGE, 3)
    seen = seen * bright
    mean = seen.mean()
    seen = (seen - mean) * contrast + mean
    grey = seen.mean(axis=-1, keepdims=True)
    seen = (seen - grey) * colour + grey
    return np.ascontiguousarray(seen.clip(0, 255).astype(np.uint8))


def encode_augmented_views(
    pipeline: FeaturePipeline, media: Sequence[MediaPaths], view_count: int, *, seed: int, quiet: bool = False
) -> dict[str, Rows]:
    """Rows (items, 1 + count, d) of the roles that read frames: as it is, then `view_count` views of each
    item.

    media: the file of each item, of which the first segment is taken; several pictures are one clip

    Kept on disk by content like other features. Raises MediaError where a file can't be read.
    """
    plain = encode_items(pipeline, media, quiet=quiet).mean_pool(len(media))
    roles = [role for role in pipeline.media_roles if pipeline.get_encoder(role).card.modality == "frames"]
    shelves = {
        role: FeatureCache(pipeline.get_encoder(role).card, Sampling(), all_segments=False) for role in roles
    }
    names = [
        [_make_view_key(digest, view, seed) for view in range(view_count)]
        for digest in map(compute_content_digest, media)
    ]
    todo = [
        at for at, row in enumerate(names) if any(s.get(n) is None for n in row for s in shelves.values())
    ]
    done = 0
    with ProgressReporter("features", quiet=quiet) as report:
        report.update("views", 0, len(todo) * view_count)
        for chunk in batched(todo, BATCH_SIZE):
            segments = _read_first_segments(pipeline, [media[at] for at in chunk])
            for view in range(view_count):
                _encode_and_cache_view(pipeline, shelves, segments, [names[at][view] for at in chunk])
                done += len(chunk)
                report.update("views", done, len(todo) * view_count)
    return {
        role: np.stack([plain[role], *_load_cached_views(shelves[role], names, view_count)], axis=1).astype(
            np.float32
        )
        for role in roles
    }


def _make_view_key(digest: str, view_index: int, seed: int) -> str:
    return hashlib.sha256(
        f"{digest} view {view_index} of rule {AUGMENTATION_VERSION}, seed {seed}".encode()
    ).hexdigest()


def _read_first_segments(pipeline: FeaturePipeline, media: Sequence[MediaPaths]) -> list[Segment]:
    single = [files[0] for files in media if len(files) == 1]
    found = dict(zip(single, decode_first_segments(pipeline, single), strict=True)) if single else {}
    return [found[files[0]] if len(files) == 1 else read_images_as_clip(files, Sampling()) for files in media]


def _encode_and_cache_view(
    pipeline: FeaturePipeline,
    caches: dict[str, FeatureCache],
    segments: Sequence[Segment],
    keys: Sequence[str],
) -> None:
    """Encode one view of each segment, drawn by its name."""
    seen = [
        None if s.frames is None else augment_frames(s.frames, np.random.default_rng(int(name[:16], 16)))
        for s, name in zip(segments, keys, strict=True)
    ]
    rows = pipeline.encode_media(seen, [None] * len(seen), include_affect=False)
    for role, shelf in caches.items():
        for at, name in enumerate(keys):
            shelf.put(name, ItemFeatures(rows[role][at : at + 1], np.full((1, 2), np.nan)))


def _load_cached_views(cache: FeatureCache, keys: Sequence[Sequence[str]], view_count: int) -> list[Rows]:
    """(items, d) of each view."""
    found = [[cache.get(row[view]) for row in keys] for view in range(view_count)]
    return [np.concatenate([entry.features for entry in view if entry is not None]) for view in found]
