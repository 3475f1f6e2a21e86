"""What this project's own sound head hears in RAVDESS' speech, beside the face of the same performance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from encoders.base import MissingBackendError
from experiments.alignment.paired_sets import load_ravdess
from experiments.alignment.pairs import Floats, PairedReadings
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.ravdess import get_speech_path, load_ravdess_performances

AffectPredictor = Callable[
    [Sequence[Path]], Floats
]  # files to valence and arousal (n, 2), NaN where nothing is heard


def load_ravdess_speech(
    data_root: Path = DATA_ROOT, predict: AffectPredictor | None = None
) -> PairedReadings:
    """The engine's valence and arousal of a clip's sound, against the face's as a taught model reads it.

    predict: by default the packaged sound head. It was taught on these actors, the test rows apart, so that
        only the figures of test rows are those of strangers; the face's model is held out all the same.
    """
    pairs = load_ravdess(data_root, readings="moods")
    names = load_ravdess_performances(data_root).names
    files = [get_speech_path(data_root, f"03-{name.partition('-')[2]}") for name in names]
    note = "the packaged sound head was taught on these actors' clips, those of test rows apart"
    return replace(
        pairs,
        name="ravdess speech",
        source=(predict or predict_with_packaged_head)(files),
        standardise=False,
        fit_functions=(None, pairs.fit_functions[1]),
        notes=(*pairs.notes, *(() if predict else (note,))),
    )


def predict_with_packaged_head(paths: Sequence[Path]) -> Floats:
    """(n, 2) by the packaged sound head, features cached. Raises MissingBackendError without one."""
    from experiments.features.extraction import encode_items
    from retrieval.features.config import PipelineConfig
    from retrieval.features.pipeline import FeaturePipeline

    experts = FeaturePipeline(PipelineConfig(objects="", activity="", faces=""))
    found = experts.affect_model(
        encode_items(experts, [(file,) for file in paths], quiet=True).mean_pool(len(paths))
    )
    if "sound" not in found:
        raise MissingBackendError("no packaged head reads valence and arousal from sound; install again")
    return np.asarray(found["sound"][:, :2], np.float64)
