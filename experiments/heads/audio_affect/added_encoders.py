"""Valence and arousal of music by the head's regressor, with the rows of other encoders beside its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from encoders import ENCODERS
from experiments.heads.audio_affect.clip_sources import list_clip_sources
from experiments.heads.audio_affect.clips import (
    AudioClips,
    Floats,
    encode_sources,
    select_rated_music,
    select_unrated_music,
)
from experiments.heads.audio_affect.regressors import predict_held_out
from experiments.heads.audio_affect.towers import fit_music_towers
from experiments.heads.report_figure import DIMENSIONS, Statistic, pair_ccc, pair_pearson
from experiments.statistics.report import BenchmarkReport, Cell
from retrieval.evaluation import bootstrap_estimate

STATISTICS = {"r": pair_pearson, "CCC": pair_ccc}


def load_music(data_root: Path, encoder_names: Sequence[str], seed: int) -> dict[str, AudioClips]:
    """By encoder, all music of train and dev. Raises AffectError where a set or an encoder is missing."""
    sources = [
        source
        for source in list_clip_sources(data_root, include_samples=True, include_packages=False)
        if source.kind == "music" and source.split in ("train", "dev")
    ]
    rows = {name: encode_sources(ENCODERS.make(name), sources, seed) for name in encoder_names}
    return {
        name: AudioClips(
            features=features,
            kinds=np.array([source.kind for source in sources]),
            labels=np.array([source.label for source in sources]),
            affect=np.array([source.affect for source in sources]),
            groups=np.array([source.group for source in sources]),
            splits=np.array([source.split for source in sources]),
        )
        for name, features in rows.items()
    }


def run_benchmark(clips: Mapping[str, AudioClips], seed: int) -> BenchmarkReport:
    """Predictions of pieces held out by each set of features, and their differences to the first's alone."""
    own, *others = clips
    sets = [[own], *([own, other] for other in others), *([[own, *others]] if len(others) > 1 else [])]
    rated = select_rated_music(clips[own])
    predictions = {" + ".join(names): predict([clips[name] for name in names], seed) for names in sets}
    rows = [
        {"features": name, "of": float(len(rated)), **_measure(rows, predictions[own], rated, seed)}
        for name, rows in predictions.items()
    ]
    return BenchmarkReport(
        benchmark="music",
        settings={"pieces": len(rated), "series": len(set(rated.groups.tolist())), "seed": seed},
        rows=rows,
        notes=["brackets: 95 % bootstrap intervals by game series; a gain is paired with the first row"],
    )


def predict(parts: Sequence[AudioClips], seed: int) -> Floats:
    """(n, 2) valence and arousal of rated pieces by regressors of other series, from joined features."""
    features = np.concatenate([part.features for part in parts], axis=2)
    joined = AudioClips(**{**vars(parts[0]), "features": features})
    unrated = select_unrated_music(joined)
    return predict_held_out(
        select_rated_music(joined), lambda part: fit_music_towers(part, unrated), seed=seed
    )


def _measure(predictions: Floats, baseline: Floats, rated: AudioClips, seed: int) -> dict[str, Cell]:
    """r and CCC by dimension, and the gain in each over the baseline's."""
    cells: dict[str, Cell] = {}
    groups = rated.groups.tolist()
    for column, dimension in enumerate(DIMENSIONS):
        pairs, base_pairs = (
            np.stack([rows[:, column], rated.affect[:, column]], axis=1) for rows in (predictions, baseline)
        )
        for name, statistic in STATISTICS.items():
            cells[f"{dimension} {name}"] = bootstrap_estimate(pairs, statistic, seed=seed, groups=groups)
            cells[f"{dimension} {name} gain"] = bootstrap_estimate(
                np.stack([pairs, base_pairs], axis=1),
                partial(_compute_gain, statistic),
                seed=seed,
                groups=groups,
            )
    return cells


def _compute_gain(statistic: Statistic, paired: Floats) -> float:
    """Of (n, 2, 2): the predictions and the baseline's, each with the truth."""
    return statistic(paired[:, 0]) - statistic(paired[:, 1])
