"""Augmented copies of training clips by speed perturbation.

Excerpts, an equaliser and white noise were tried as well: on held-out folds they gained nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders import Audio, Rows, batched, encode_all
from encoders.media import Sampling
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.extraction import decode_first_segments
from experiments.heads.speed_perturbation import perturb_speed
from retrieval.features import FeaturePipeline
from retrieval.features.missing_rows import make_missing_rows
from retrieval.progress_reporter import ProgressReporter

ROLES = ("sound", "events")
AUGMENTATION_VERSION = 2  # raise it when the same seed would make other copies
BATCH_SIZE = 64  # clips decoded at a time
SPEED_FACTORS = (0.875, 0.9, 0.925, 0.95, 1.05, 1.075, 1.1, 1.125)


def change_speed(audio: Audio, rng: np.random.Generator) -> Audio:
    """Faster or slower by up to an eighth, with the pitch."""
    return perturb_speed(audio, rng, SPEED_FACTORS)


def encode_augmented(
    pipeline: FeaturePipeline, paths: Sequence[Path], n_versions: int, *, seed: int, quiet: bool = False
) -> dict[str, Rows]:
    """Raw rows (clips, n_versions, d) by role of ROLES, of augmented copies of each clip.

    paths: the file of each clip, of which the first segment is used

    NaN where the encoder abstains. Cached on disk by content like other features. Raises MediaError where a
    file can't be decoded.
    """
    caches = {
        role: FeatureCache(
            pipeline.get_encoder(role).card, Sampling(sample_rate=pipeline.sample_rate), all_segments=False
        )
        for role in ROLES
    }
    digests = [compute_content_digest((path,)) for path in paths]
    keys = [[_make_cache_key(digest, version, seed) for version in range(n_versions)] for digest in digests]
    missing = [
        i
        for i, clip_keys in enumerate(keys)
        if any(cache.get(key) is None for cache in caches.values() for key in clip_keys)
    ]
    done = 0
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("altered versions", 0, len(missing))
        for chunk in batched(missing, BATCH_SIZE):
            segments = decode_first_segments(pipeline, [paths[i] for i in chunk])
            for i, segment in zip(chunk, segments, strict=True):
                _encode_versions(pipeline, caches, segment.audio, keys[i])
            done += len(chunk)
            report.update("altered versions", done, len(missing))
    return {role: _load_versions(cache, keys, n_versions) for role, cache in caches.items()}


def _load_versions(cache: FeatureCache, keys: Sequence[Sequence[str]], n_versions: int) -> Rows:
    """(clips, n_versions, d) cached rows."""
    entries = (cache.get(key) for clip_keys in keys for key in clip_keys)
    rows = [entry.features for entry in entries if entry is not None]
    return np.reshape(rows, (len(keys), n_versions, cache.card.dim)).astype(np.float32)


def _make_cache_key(digest: str, version: int, seed: int) -> str:
    description = f"{digest} altered version {version} of rule {AUGMENTATION_VERSION}, seed {seed}"
    return hashlib.sha256(description.encode()).hexdigest()


def _encode_versions(
    pipeline: FeaturePipeline, caches: Mapping[str, FeatureCache], audio: Audio | None, keys: Sequence[str]
) -> None:
    """Encode and cache the copies of one clip, each drawn by its key."""
    copies = [change_speed(audio, np.random.default_rng(int(key[:16], 16))) for key in keys] if audio else []
    for role, cache in caches.items():
        encoder = pipeline.get_encoder(role)
        rows = encode_all(encoder, copies) if copies else make_missing_rows(len(keys), encoder.card.dim)
        for key, row in zip(keys, rows, strict=True):
            cache.put(key, ItemFeatures(row[None], np.full((1, 2), np.nan)))
