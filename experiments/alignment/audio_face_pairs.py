"""Affect of RAVDESS speech by the packaged audio head, against the face of the same performance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from encoders import MissingBackendError
from experiments.alignment.pairs import Floats, PairedReadings
from experiments.alignment.ravdess_pairs import load_ravdess
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.ravdess import get_speech_path, load_ravdess_performances

AffectPredictor = Callable[[Sequence[Path]], Floats]
"""From audio files to valence and arousal (n, 2), NaN where there is no estimate."""


def load_ravdess_speech(
    data_root: Path = DATA_ROOT, predict: AffectPredictor | None = None
) -> PairedReadings:
    """Valence and arousal of a clip's audio, against those of the face by a model trained on the anchors.

    predict: by default the packaged audio head. It was trained on clips of these actors, without the test
        rows, so that only the figures of the test rows are held out; the face's model is held out in any case
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
    """(n, 2) by the packaged audio head, features cached. Raises MissingBackendError without one."""
    from experiments.features.extraction import encode_items
    from retrieval.features import FeaturePipeline, PipelineConfig

    pipeline = FeaturePipeline(PipelineConfig(objects="", activity="", faces=""))
    features = encode_items(pipeline, [(path,) for path in paths], quiet=True).mean_pool(len(paths))
    affect = pipeline.affect_model(features)
    if "sound" not in affect:
        raise MissingBackendError("no packaged head reads valence and arousal from sound; install again")
    return np.asarray(affect["sound"][:, :2], np.float64)
