"""RAVDESS: voice and face of the same performances (Livingstone and Russo 2018)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.alignment import unimodal_models
from experiments.alignment.emotion_labels import look_up_affect
from experiments.alignment.pairs import AFFECT_COLUMNS, PairedReadings
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.ravdess import load_ravdess_performances
from spaces.circumplex import EMOTION_SCHEMES

RAVDESS_EMOTIONS = EMOTION_SCHEMES["ravdess"]
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
    performances = load_ravdess_performances(data_root)
    return PairedReadings(
        name="ravdess features",
        modalities=("voice", "face"),
        source=performances.voice,
        target=performances.face,
        columns=performances.face_columns,
        groups=performances.actors,
        emotions=performances.emotions,
        affect=look_up_affect(performances.emotions, "ravdess"),
        exchange="within",
        standardise=True,
        is_test=performances.splits == "test",
        notes=(WITHIN_ACTOR_NOTE,),
    )
