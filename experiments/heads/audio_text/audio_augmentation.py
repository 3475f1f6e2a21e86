"""Clips heard otherwise, faster or slower: more to learn from, plain clips in use.

Speed perturbation after Ko et al. 2015, "Audio augmentation for speech recognition". A random part of a clip,
an equaliser and white noise were tried as well: on held-out folds they found no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders.base import Rows, Sound, batched, encode_all
from encoders.media import Sampling
from experiments.features.cache import Entry, Shelf, digest_of
from experiments.features.extraction import first_segments
from retrieval.features.pipeline import Experts
from retrieval.progress_reporter import ProgressReporter

ROLE = "sound"
RULE = 2  # raise it when the same seed would make other versions
BATCH = 64  # clips decoded at a time
SPEEDS = (0.875, 0.9, 0.925, 0.95, 1.05, 1.075, 1.1, 1.125)


def heard_otherwise(sound: Sound, rng: np.random.Generator) -> Sound:
    """The same samples as a tape plays them at one of SPEEDS; pitch and formants go along."""
    return Sound(samples=sound.samples, rate=round(sound.rate * float(rng.choice(SPEEDS))))


def altered_rows(
    experts: Experts, media: Sequence[Path], count: int, *, seed: int, quiet: bool = False
) -> Rows:
    """Raw rows (clips, count, d) of the sound expert, of `count` altered versions of each clip.

    media: the file of each clip, of which the first segment is taken

    NaN where the expert has nothing to say. Kept on disk by content like other features. Raises BadMedia
    where a file can't be read.
    """
    card = experts.role(ROLE).card
    shelf = Shelf(card, Sampling(rate=experts.sound_rate), every=False)
    digests = [digest_of((path,)) for path in media]
    names = [[_name(digest, version, seed) for version in range(count)] for digest in digests]
    todo = [at for at, row in enumerate(names) if any(shelf.get(name) is None for name in row)]
    done = 0
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("altered versions", 0, len(todo))
        for chunk in batched(todo, BATCH):
            segments = first_segments(experts, [media[at] for at in chunk])
            for at, segment in zip(chunk, segments, strict=True):
                _keep(experts, shelf, segment.sound, names[at])
            done += len(chunk)
            report.update("altered versions", done, len(todo))
    kept = [entry.rows for row in names for name in row if (entry := shelf.get(name)) is not None]
    return np.reshape(kept, (len(media), count, card.dim)).astype(np.float32)


def _name(digest: str, version: int, seed: int) -> str:
    told = f"{digest} altered version {version} of rule {RULE}, seed {seed}"
    return hashlib.sha256(told.encode()).hexdigest()


def _keep(experts: Experts, shelf: Shelf, sound: Sound | None, names: Sequence[str]) -> None:
    """Encode the versions of one clip, each drawn by its name."""
    encoder = experts.role(ROLE)
    rows = np.full((len(names), encoder.card.dim), np.nan, np.float32)
    if sound is not None:
        drawn = [np.random.default_rng(int(name[:16], 16)) for name in names]
        rows = encode_all(encoder, [heard_otherwise(sound, rng) for rng in drawn])
    for name, row in zip(names, rows, strict=True):
        shelf.put(name, Entry(row[None], np.full((1, 2), np.nan)))
