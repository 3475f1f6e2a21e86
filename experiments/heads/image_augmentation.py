"""Augmented views of training pictures and clips: mirrored, cropped, relit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders import Frames, Rows, batched
from encoders.media import Sampling, Segment
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.extraction import decode_first_segments, encode_items
from experiments.features.reading import read_images_as_clip
from retrieval.features import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter

AUGMENTATION_VERSION = 1  # raise it when the same seed would make other views
BATCH_SIZE = 32  # items decoded at a time
MIN_CROP_AREA = 0.65  # as a share of the picture
MAX_LOG_STRETCH = 0.15  # of the logarithm of a crop's aspect ratio
MAX_LIGHT_CHANGE = 0.25  # brightness, contrast and saturation change by at most such a share

MediaPaths = tuple[Path, ...]


def augment_frames(frames: Frames, rng: np.random.Generator) -> Frames:
    """Frames (t, h, w, 3) of one clip, all mirrored (or not), cropped and relit alike."""
    height, width = frames.shape[1:3]
    area, stretch = rng.uniform(MIN_CROP_AREA, 1), np.exp(rng.uniform(-MAX_LOG_STRETCH, MAX_LOG_STRETCH))
    h = min(height, max(1, int(height * np.sqrt(area * stretch))))
    w = min(width, max(1, int(width * np.sqrt(area / stretch))))
    y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
    view = frames[:, y : y + h, x : x + w].astype(np.float32)
    view = view[:, :, ::-1] if rng.random() < 0.5 else view
    brightness, contrast, saturation = rng.uniform(1 - MAX_LIGHT_CHANGE, 1 + MAX_LIGHT_CHANGE, 3)
    view = view * brightness
    mean = view.mean()
    view = (view - mean) * contrast + mean
    grey = view.mean(axis=-1, keepdims=True)
    view = (view - grey) * saturation + grey
    return np.ascontiguousarray(view.clip(0, 255).astype(np.uint8))


def encode_augmented_views(
    pipeline: FeaturePipeline, media: Sequence[MediaPaths], view_count: int, *, seed: int, quiet: bool = False
) -> dict[str, Rows]:
    """Rows (items, 1 + view_count, d) by visual role: each item as it is, then its augmented views.

    media: the file of each item, of which the first segment is used; several pictures are one clip

    Cached on disk by content like other features. Raises MediaError where a file can't be decoded.
    """
    plain = encode_items(pipeline, media, quiet=quiet).mean_pool(len(media))
    roles = [role for role in pipeline.media_roles if pipeline.get_encoder(role).card.modality == "frames"]
    caches = {
        role: FeatureCache(pipeline.get_encoder(role).card, Sampling(), all_segments=False) for role in roles
    }
    keys = [
        [_make_view_key(digest, view, seed) for view in range(view_count)]
        for digest in map(compute_content_digest, media)
    ]
    missing = [
        i
        for i, item_keys in enumerate(keys)
        if any(cache.get(key) is None for key in item_keys for cache in caches.values())
    ]
    _encode_missing_views(pipeline, caches, {i: (media[i], keys[i]) for i in missing}, view_count, quiet)
    return {
        role: np.stack([plain[role], *_load_cached_views(caches[role], keys, view_count)], axis=1).astype(
            np.float32
        )
        for role in roles
    }


def _encode_missing_views(
    pipeline: FeaturePipeline,
    caches: Mapping[str, FeatureCache],
    missing: Mapping[int, tuple[MediaPaths, Sequence[str]]],
    view_count: int,
    quiet: bool,
) -> None:
    """Encode all views of items given by their files and keys."""
    done, total = 0, len(missing) * view_count
    with ProgressReporter("features", quiet=quiet) as report:
        report.update("views", 0, total)
        for chunk in batched(list(missing.values()), BATCH_SIZE):
            segments = _read_first_segments(pipeline, [paths for paths, _ in chunk])
            for view in range(view_count):
                _encode_and_cache_view(pipeline, caches, segments, [keys[view] for _, keys in chunk])
                done += len(chunk)
                report.update("views", done, total)


def _make_view_key(digest: str, view_index: int, seed: int) -> str:
    return hashlib.sha256(
        f"{digest} view {view_index} of rule {AUGMENTATION_VERSION}, seed {seed}".encode()
    ).hexdigest()


def _read_first_segments(pipeline: FeaturePipeline, media: Sequence[MediaPaths]) -> list[Segment]:
    single = [paths[0] for paths in media if len(paths) == 1]
    segments = dict(zip(single, decode_first_segments(pipeline, single), strict=True)) if single else {}
    return [
        segments[paths[0]] if len(paths) == 1 else read_images_as_clip(paths, Sampling()) for paths in media
    ]


def _encode_and_cache_view(
    pipeline: FeaturePipeline,
    caches: Mapping[str, FeatureCache],
    segments: Sequence[Segment],
    keys: Sequence[str],
) -> None:
    """Encode one view of each segment, drawn by its key."""
    views = [
        None
        if segment.frames is None
        else augment_frames(segment.frames, np.random.default_rng(int(key[:16], 16)))
        for segment, key in zip(segments, keys, strict=True)
    ]
    rows = pipeline.encode_media(views, [None] * len(views), include_affect=False)
    for role, cache in caches.items():
        for i, key in enumerate(keys):
            cache.put(key, ItemFeatures(rows[role][i : i + 1], np.full((1, 2), np.nan)))


def _load_cached_views(cache: FeatureCache, keys: Sequence[Sequence[str]], view_count: int) -> list[Rows]:
    """(items, d) of each view."""
    entries = [[cache.get(item_keys[view]) for item_keys in keys] for view in range(view_count)]
    return [np.concatenate([entry.features for entry in view if entry is not None]) for view in entries]
