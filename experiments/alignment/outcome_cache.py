"""Outcomes of maps as files, so that no map is evaluated twice on the same set with the same settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from encoders import MALFORMED_FILE_ERRORS, read_safetensors, write_safetensors
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.map_evaluation import MapOutcome
from experiments.alignment.study_config import StudyConfig

STUDY_VERSION = 2  # part of the key: raise it when the same study would give other numbers
NOTES_KEY = "fits"  # of the header, under which the notes of the fits are stored

STORED_ARRAYS: Mapping[str, str] = {
    "mapped": "mapped",
    "mapped_swapped": "swapped",
    "precision": "hits",
    "precision_without_pair": "others",
    "ndcg": "graded",
    "permuted_disparities": "permuted",
    "null_disparities": "null",
    "learning_curve": "curve",
}
"""Arrays of an outcome: attribute, and name in the file."""


def compute_outcome_key(map_name: str, data: FoldedPairs, config: StudyConfig) -> str:
    """The file name of a map's outcome: a digest of the map's name, the data and the settings."""
    content = json.dumps(
        {"rule": STUDY_VERSION, "map": map_name, "set": data.compute_digest(), "plan": config.to_json()},
        sort_keys=True,
    )
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def save_outcome(path: Path, outcome: MapOutcome) -> None:
    """Write an outcome, whole or not at all."""
    arrays = {
        key: np.ascontiguousarray(np.atleast_1d(getattr(outcome, name)), np.float64)
        for name, key in {**STORED_ARRAYS, "half_disparity": "halved"}.items()
    }
    fit_notes: Any = outcome.fit_notes  # stored as a JSON array with an entry for each fold
    write_safetensors(path, arrays, NOTES_KEY, fit_notes)


def load_outcome(path: Path) -> MapOutcome | None:
    """Read what `save_outcome` wrote; None where there is no such file or it is damaged."""
    try:
        stored = read_safetensors(path, NOTES_KEY)
        fit_notes: Any = stored.metadata
        return MapOutcome(
            **{name: stored.tensors[key] for name, key in STORED_ARRAYS.items()},
            half_disparity=float(stored.tensors["halved"][0]),
            fit_notes=tuple(fit_notes),
        )
    except MALFORMED_FILE_ERRORS:
        return None
