"""Augmented copies of training clips by speed perturbation.

Excerpts, an equaliser and white noise were tried as well: on held-out folds they gained nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders import Audio, Rows, batched, encode_all
from encoders.media import Sampling
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.extraction import decode_first_segments
from experiments.heads.speed_perturbation import perturb_speed
from retrieval.features import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter

ROLE = "sound"
AUGMENTATION_VERSION = 2  # raise it when the same seed would make other copies
BATCH_SIZE = 64  # clips decoded at a time
SPEED_FACTORS = (0.875, 0.9, 0.925, 0.95, 1.05, 1.075, 1.1, 1.125)


def change_speed(audio: Audio, rng: np.random.Generator) -> Audio:
    """Faster or slower by up to an eighth, with the pitch."""
    return perturb_speed(audio, rng, SPEED_FACTORS)


def encode_augmented(
    pipeline: FeaturePipeline, paths: Sequence[Path], n_versions: int, *, seed: int, quiet: bool = False
) -> Rows:
    """Raw rows (clips, n_versions, d) of the sound encoder, of augmented copies of each clip.

    paths: the file of each clip, of which the first segment is used

    NaN where the encoder abstains. Cached on disk by content like other features. Raises MediaError where a
    file can't be decoded.
    """
    card = pipeline.get_encoder(ROLE).card
    cache = FeatureCache(card, Sampling(sample_rate=pipeline.sample_rate), all_segments=False)
    digests = [compute_content_digest((path,)) for path in paths]
    keys = [[_make_cache_key(digest, version, seed) for version in range(n_versions)] for digest in digests]
    missing = [i for i, clip_keys in enumerate(keys) if any(cache.get(key) is None for key in clip_keys)]
    done = 0
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("altered versions", 0, len(missing))
        for chunk in batched(missing, BATCH_SIZE):
            segments = decode_first_segments(pipeline, [paths[i] for i in chunk])
            for i, segment in zip(chunk, segments, strict=True):
                _encode_versions(pipeline, cache, segment.audio, keys[i])
            done += len(chunk)
            report.update("altered versions", done, len(missing))
    entries = (cache.get(key) for clip_keys in keys for key in clip_keys)
    rows = [entry.features for entry in entries if entry is not None]
    return np.reshape(rows, (len(paths), n_versions, card.dim)).astype(np.float32)


def _make_cache_key(digest: str, version: int, seed: int) -> str:
    description = f"{digest} altered version {version} of rule {AUGMENTATION_VERSION}, seed {seed}"
    return hashlib.sha256(description.encode()).hexdigest()


def _encode_versions(
    pipeline: FeaturePipeline, cache: FeatureCache, audio: Audio | None, keys: Sequence[str]
) -> None:
    """Encode and cache the copies of one clip, each drawn by its key."""
    encoder = pipeline.get_encoder(ROLE)
    rows = np.full((len(keys), encoder.card.dim), np.nan, np.float32)
    if audio is not None:
        generators = [np.random.default_rng(int(key[:16], 16)) for key in keys]
        rows = encode_all(encoder, [change_speed(audio, rng) for rng in generators])
    for key, row in zip(keys, rows, strict=True):
        cache.put(key, ItemFeatures(row[None], np.full((1, 2), np.nan)))
