"""Estimates the reliabilities of modalities: `python -m experiments.train affect-senses`.

Three sets have pairs: performances of RAVDESS by face (action units) and voice (acoustic features)
(Livingstone & Russo 2018), CREMA-D by raters who only saw or only heard them (Cao et al. 2014), and
excerpts of LIRIS-ACCEDE by visual and audio features (Baveye et al. 2015). On each, every modality has a
regressor of its own, which states its SD as measured by inner folds; then `fusion.affect_fusion` predicts
the held-out ratings.

No set pairs texts, or our image model in videos, with another modality: their factor is 1. On LIRIS-ACCEDE
the modalities are only compared: its features are not those of our encoders, and so weak that the errors of
both are what neither can predict (they correlate by .95 and more).
"""

from __future__ import annotations

import json
from pathlib import Path

from encoders import write_atomically
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.modality_reliability.paired_modalities import load_cremad_pairs, load_ravdess_pairs
from experiments.heads.modality_reliability.reliability import (
    PRIOR_LOG_SD,
    JsonDict,
    estimate_reliability,
    pool_reliability,
    round_pair,
)
from spaces.circumplex import EMOTIONS_FILE

RELIABILITY_FILE = EMOTIONS_FILE.with_name("affect-senses.json")

TRAINING_DATA = (
    "pairs of senses: 300 performances of RAVDESS (voice and face features; truth: where the acted emotion "
    "lies on the plane; without a model's columns anger_mean .. neutral_mean) and 7442 of CREMA-D (votes "
    "of people by voice alone and by face alone; truth: the acted emotion). Reliabilities are factors on the "
    "precisions that senses state, drawn towards 1; image and text are 1 because nothing here tells of them."
)
LICENCE = (
    "RAVDESS CC BY-NC-SA 4.0, CREMA-D ODbL 1.0; LIRIS-ACCEDE (academic use) is measured on, not learnt from. "
    "The file holds a dozen numbers, no item of any set."
)


def fit_and_save(
    data_root: Path = DATA_ROOT, out_folder: Path | None = None, *, seed: int, quiet: bool = False
) -> list[Path]:
    """Fit and write affect-senses.json into `out_folder` (default: the package). Raises AffectError."""
    content = fit(data_root, seed=seed)
    if not quiet:
        print(json.dumps({name: content[name] for name in ("reliability", "correlation")}))
    path = (out_folder or RELIABILITY_FILE.parent) / RELIABILITY_FILE.name
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
    return [path]


def fit(data_root: Path = DATA_ROOT, *, seed: int) -> JsonDict:
    """The content of spaces/weights/affect-senses.json: reliabilities, correlation, and their evidence."""
    estimates = [
        estimate_reliability(pairs, pairs.find_rows("train", "dev"), seed=seed)
        for pairs in (load_ravdess_pairs(data_root), load_cremad_pairs(data_root))
    ]
    reliability, correlation = pool_reliability(estimates)
    return {
        "reliability": {modality: round_pair(pair) for modality, pair in reliability.items()},
        "correlation": round_pair(correlation),
        "about": {
            "order": "valence, arousal",
            "reliability": "factor on the precision 1 / SD^2 that a sense states",
            "correlation": "of two senses' errors",
            "from": {
                "sound": "ravdess: voice features; cremad: people who heard",
                "face": "ravdess: action units; cremad: people who saw",
                "image": "1: no set pairs our picture features with another sense",
                "text": "1: no set pairs text with another sense",
            },
            "prior": f"log reliability N(0, {PRIOR_LOG_SD}^2), and {PRIOR_LOG_SD} more between sets",
            "made by": f"python -m experiments.train affect-senses --seed {seed}",
        },
        "evidence": [estimate.to_json() for estimate in estimates],
    }
