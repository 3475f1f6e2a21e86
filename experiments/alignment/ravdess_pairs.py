"""RAVDESS: voice and face of the same performances (Livingstone and Russo 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.alignment import unimodal_models
from experiments.alignment.pairs import AFFECT_COLUMNS, PairedReadings
from experiments.alignment.table_columns import find_test_rows, look_up_affect, parse_columns
from experiments.datasets.records import DATA_ROOT, read_table
from spaces.circumplex import EMOTION_SCHEMES

RAVDESS_EMOTIONS = EMOTION_SCHEMES["ravdess"]
PYFEAT_EMOTIONS = frozenset({"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"})
"""Columns that are Py-Feat's emotion estimates, no features of the face."""
WITHIN_ACTOR_NOTE = "an actor's clips change places among themselves in shuffles; what an actor is like stays"


def load_ravdess(data_root: Path = DATA_ROOT, *, readings: str = "") -> PairedReadings:
    """Features of voice (69) and face (42) of the same performances.

    readings: "" for the features; "emotions" or "moods" for posteriors over the eight emotions, or valence
        and arousal, by models of each modality that are trained on the anchors' actors
    """
    features = _load_features(data_root)
    assert features.emotions is not None
    if readings == "emotions":
        fit = unimodal_models.make_emotion_classifier(features.emotions, RAVDESS_EMOTIONS)
        return replace(
            features,
            name="ravdess emotions",
            columns=RAVDESS_EMOTIONS,
            fit_functions=(fit, fit),
            uses_inner_product=True,
        )
    if readings == "moods":
        fit = unimodal_models.make_affect_from_emotions(features.emotions, "ravdess")
        return replace(features, name="ravdess moods", columns=AFFECT_COLUMNS, fit_functions=(fit, fit))
    return features


def _load_features(data_root: Path) -> PairedReadings:
    records = list(read_table(data_root / "ravdess_av_features" / "combined_summary.csv"))
    voice_columns, face_columns = _split_columns(records[0])
    emotions = np.array([record["emotion"] for record in records])
    return PairedReadings(
        name="ravdess features",
        modalities=("voice", "face"),
        source=parse_columns(records, voice_columns),
        target=parse_columns(records, face_columns),
        columns=tuple(face_columns),
        groups=np.array([record["actor"] for record in records]),
        emotions=emotions,
        affect=look_up_affect(emotions, "ravdess"),
        exchange="within",
        standardise=True,
        is_test=find_test_rows(records),
        notes=(WITHIN_ACTOR_NOTE,),
    )


def _split_columns(record: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Names of the columns of the voice (before `file`) and of the face (action units, pose and gaze)."""
    names = list(record)
    face = names[names.index("AU01_mean") : names.index("emotion")]
    face = [name for name in face if name.rpartition("_")[0] not in PYFEAT_EMOTIONS]
    return names[: names.index("file")], face
