"""Valence and arousal of the names of AudioSet's classes, for sounds that are neither speech nor music.

No sound was rated for it: the text head reads the name of each class. How much things of one name differ is
measured on photos of one theme, which were rated one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import ENCODERS, AffectError, EventClassifier, Rows, write_atomically
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.oasis import load_oasis
from experiments.datasets.warriner import load_word_norms
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
    pair_pearson,
)
from retrieval.features import EVENTS_ROLE, ROLES
from spaces.affect_regression import EVENT_AFFECT_FILE, load_packaged_regressors, predict_mean_and_sd

Floats = npt.NDArray[np.float64]

TEXT_ROLE = "sentiment"
TRAINING_DATA = (
    "the packaged text head (affect-text: EmoBank, CAAV, OASIS' themes), which reads the names of AudioSet's "
    "521 classes (Gemmeke et al. 2017); for what things of one name differ by, the ratings of OASIS' photos "
    "(Kurdi et al. 2017) about the mean of their theme, train and dev. No sound was learnt from. Measured on "
    "sounds of sounds_by_word, animal_sounds and av_clips beside norms of the word for each (Warriner et al. "
    "2013), which are ratings of words and not of sounds."
)
LICENCE = (
    "CC BY-SA 4.0, as the text head; AudioSet's names are CC BY 4.0. The file holds numbers of class names "
    "and no norm of a word."
)


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Write affect-events.json into `out_folder` or the package; nothing is random. Raises AffectError."""
    load_word_norms(data_root)  # without which the card can't be made
    path = EVENT_AFFECT_FILE if out_folder is None else out_folder / EVENT_AFFECT_FILE.name
    classifier = ENCODERS.make(ROLES[EVENTS_ROLE].default_encoder)
    if not isinstance(classifier, EventClassifier):
        raise AffectError(f"{classifier.card.name} has no classes of sound")
    affect = estimate_names([name.lower() for name in classifier.classes])
    classes = {
        name: [round(value, 3) for value in row]
        for name, row in zip(classifier.classes, affect.tolist(), strict=True)
    }
    photos = [image for image in load_oasis(data_root) if image.split != "test"]
    sds = compute_within_group_sd(
        np.array([image.mean for image in photos]), np.array([image.theme for image in photos])
    )
    write_atomically(path, format_table(classes, sds.round(3).tolist()).encode())
    return [path]


def format_table(classes: Mapping[str, Sequence[float]], between_sounds_sd: Sequence[float]) -> str:
    """The content of affect-events.json, a class a line."""
    about = {
        "columns": "valence, arousal and the SD of each, in [-1, 1], of the name of a class",
        "between_sounds_sd": "of valence and arousal of OASIS' photos about the mean of their theme",
        "made by": "python -m experiments.train affect-events",
    }
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in classes.items())
    head = f'"about": {json.dumps(about, indent=2)},\n"between_sounds_sd": {json.dumps(between_sounds_sd)}'
    return f'{{\n{head},\n"classes": {{\n{rows}\n}}\n}}\n'


def estimate_names(names: list[str]) -> Rows:
    """Affect rows (n, 4) of names by the packaged text head. Raises AffectError without it."""
    regressors = load_packaged_regressors().get("text")
    if regressors is None:
        raise AffectError("no text head is here: python -m experiments.train affect-text makes it")
    rows = ENCODERS.make(ROLES[TEXT_ROLE].default_encoder).encode(names)
    return predict_mean_and_sd(regressors["mean"], regressors["log_sd"], {TEXT_ROLE: rows})


def compute_within_group_sd(values: Floats, groups: npt.NDArray[np.str_]) -> Floats:
    """(k,) SD of values (n, k) about the mean of their group, pooled; groups of one count for nothing."""
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, index, values)
    residuals = values - (sums / counts[:, None])[index]
    return np.asarray(np.sqrt((residuals**2).sum(axis=0) / (len(values) - len(counts))))


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """r and CCC of sounds with the norms of their words, by word; only by folds, as all are unseen."""
    if part != "folds":
        return []
    from experiments.affect_scale.agreement import compute_coverage
    from experiments.affect_scale.sound_estimates import load_sound_estimates

    items = load_sound_estimates(data_root, seed)
    results = []
    for column, name in enumerate(DIMENSIONS):
        rows = items.stack_columns(column)
        results += [
            measure_metric(
                "word norms", f"{name} {metric}", rows, statistic, part="folds", seed=seed,
                groups=items.groups.tolist(), ceiling=ceiling,
            )
            for metric, statistic, ceiling in (
                ("r", pair_pearson, ""),
                ("CCC", pair_ccc, ""),
                ("share within 1 SD", compute_coverage, "0.68 is right"),
            )
        ]  # fmt: skip
    return results
