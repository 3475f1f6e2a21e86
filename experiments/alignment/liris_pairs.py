"""LIRIS-ACCEDE: sound and picture of the same film excerpts (Baveye et al. 2015)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.alignment import unimodal_models
from experiments.alignment.pairs import AFFECT_COLUMNS, Floats, PairedReadings, draw_evenly
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.liris_accede import load_liris_accede
from spaces.circumplex import find_quadrants


def load_liris(data_root: Path = DATA_ROOT, *, readings: str = "") -> PairedReadings:
    """The audio features (16) against the visual features of the same film excerpts.

    The corpus does not state the film of an excerpt: a group is a run of consecutive excerpts of one part of
    the official split, which keeps films whole.

    readings: "" for the features; "moods" for valence and arousal by models trained on the anchors
    """
    clips = load_liris_accede(data_root)
    rows = draw_evenly(len(clips.ids))
    affect = clips.ratings
    names = np.array(clips.feature_names)
    features = PairedReadings(
        name="liris features",
        modalities=("sound", "picture"),
        source=_apply_signed_log(np.ascontiguousarray(clips.features[:, clips.is_audio]))[rows],
        target=_apply_signed_log(np.ascontiguousarray(clips.features[:, ~clips.is_audio]))[rows],
        columns=tuple(names[~clips.is_audio].tolist()),
        groups=(clips.film_ids + 1).astype(str)[rows],
        affect=affect[rows],
        emotions=np.array(find_quadrants(affect - np.median(affect, axis=0)))[rows],
        exchange="groups",
        standardise=True,
        is_test=(clips.splits == "test")[rows],
        notes=(
            f"{len(rows)} of {len(clips.ids)} excerpts, drawn evenly; "
            "groups are runs of consecutive excerpts",
            "emotions are quadrants of the induced mood about its median",
        ),
    )
    if readings == "moods":
        fit = unimodal_models.make_affect_regressor(affect[rows])
        return replace(features, name="liris moods", columns=AFFECT_COLUMNS, fit_functions=(fit, fit))
    return features


def _apply_signed_log(features: Floats) -> Floats:
    """sign(x) log(1 + |x|): some features span fifteen orders of magnitude."""
    return np.sign(features) * np.log1p(np.abs(features))
