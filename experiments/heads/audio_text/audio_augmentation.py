"""Clips heard otherwise, faster or slower: more to learn from, plain clips in use.

Speed perturbation after Ko et al. 2015, "Audio augmentation for speech recognition". A random part of a clip,
an equaliser and white noise were tried as well: on held-out folds they found no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.base import Audio, Rows, batched, encode_all
from encoders.media import Sampling
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.extraction import decode_first_segments
from experiments.heads.speed_perturbation import perturb_speed
from retrieval.features.pipeline import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter

ROLE = "sound"
AUGMENTATION_VERSION = 2  # raise it when the same seed would make other versions
BATCH_SIZE = 64  # clips decoded at a time
SPEED_FACTORS = (0.875, 0.9, 0.925, 0.95, 1.05, 1.075, 1.1, 1.125)


def change_speed(audio: Audio, rng: np.random.Generator) -> Audio:
    """Faster or slower by up to an eighth, with the pitch."""
    return perturb_speed(audio, rng, SPEED_FACTORS)


def encode_augmented(
    pipeline: FeaturePipeline, paths: Sequence[Path], n_versions: int, *, seed: int, quiet: bool = False
) -> Rows:
    """Raw rows (clips, count, d) of the sound expert, of `n_versions` altered versions of each clip.

    paths: the file of each clip, of which the first segment is taken

    NaN where the expert has nothing to say. Kept on disk by content like other features. Raises MediaError
    where a file can't be read.
    """
    card = pipeline.get_encoder(ROLE).card
    shelf = FeatureCache(card, Sampling(sample_rate=pipeline.sample_rate), all_segments=False)
    digests = [compute_content_digest((path,)) for path in paths]
    names = [[_make_cache_key(digest, version, seed) for version in range(n_versions)] for digest in digests]
    todo = [at for at, row in enumerate(names) if any(shelf.get(name) is None for name in row)]
    done = 0
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("altered versions", 0, len(todo))
        for chunk in batched(todo, BATCH_SIZE):
            segments = decode_first_segments(pipeline, [paths[at] for at in chunk])
            for at, segment in zip(chunk, segments, strict=True):
                _encode_versions(pipeline, shelf, segment.audio, names[at])
            done += len(chunk)
            report.update("altered versions", done, len(todo))
    kept = [entry.features for row in names for name in row if (entry := shelf.get(name)) is not None]
    return np.reshape(kept, (len(paths), n_versions, card.dim)).astype(np.float32)


def _make_cache_key(digest: str, version: int, seed: int) -> str:
    told = f"{digest} altered version {version} of rule {AUGMENTATION_VERSION}, seed {seed}"
    return hashlib.sha256(told.encode()).hexdigest()


def _encode_versions(
    pipeline: FeaturePipeline, cache: FeatureCache, audio: Audio | None, keys: Sequence[str]
) -> None:
    """Encode the versions of one clip, each drawn by its name."""
    encoder = pipeline.get_encoder(ROLE)
    rows = np.full((len(keys), encoder.card.dim), np.nan, np.float32)
    if audio is not None:
        drawn = [np.random.default_rng(int(name[:16], 16)) for name in keys]
        rows = encode_all(encoder, [change_speed(audio, rng) for rng in drawn])
    for name, row in zip(keys, rows, strict=True):
        cache.put(name, ItemFeatures(row[None], np.full((1, 2), np.nan)))
