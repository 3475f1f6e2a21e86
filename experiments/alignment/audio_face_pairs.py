"""What this project's own sound head hears in RAVDESS' speech, beside the face of the same performance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from encoders.base import MissingBackend
from experiments.alignment.paired_sets import ravdess
from experiments.alignment.pairs import Floats, Pairs
from experiments.datasets.records import DATA, table

Hear = Callable[[Sequence[Path]], Floats]  # files to valence and arousal (n, 2), NaN where nothing is heard


def speech(data: Path = DATA, hear: Hear | None = None) -> Pairs:
    """The engine's valence and arousal of a clip's sound, against the face's as a taught model reads it.

    hear: by default the packaged sound head. It was taught on these actors, the test rows apart, so that only
    the figures of test rows are those of strangers; the face's model is held out all the same.
    """
    pairs = ravdess(data, read="moods")
    names = [row["file"] for row in table(data / "ravdess_av_features" / "combined_summary.csv")]
    files = [data / "ravdess_speech" / "audio" / f"03-{name.partition('-')[2]}.ogg" for name in names]
    note = "the packaged sound head was taught on these actors' clips, those of test rows apart"
    return replace(
        pairs, name="ravdess speech", source=(hear or packaged)(files), scale=False,
        teach=(None, pairs.teach[1]),
        notes=(*pairs.notes, *(() if hear else (note,))),
    )  # fmt: skip


def packaged(files: Sequence[Path]) -> Floats:
    """(n, 2) by the packaged sound head, features kept in the cache. Raises MissingBackend without one."""
    from experiments.features.extraction import encoded
    from retrieval.features.pipeline import Experts, Recipe

    experts = Experts(Recipe(objects="", activity="", faces=""))
    found = experts.affect(encoded(experts, [(file,) for file in files], quiet=True).pooled(len(files)))
    if "sound" not in found:
        raise MissingBackend("no packaged head reads valence and arousal from sound; install again")
    return np.asarray(found["sound"][:, :2], np.float64)
