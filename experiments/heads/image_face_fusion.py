"""Evaluation of image and face fused, on pictures with a face: is the fused affect nearer to the ratings?

Of our sets, OASIS alone has ratings of items in which two of our modalities are present. The image head is
evaluated on other themes than it was trained on (`experiments.heads.image`); the face head was not trained on
OASIS.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import is_missing_row
from experiments.datasets.data_root import DATA_ROOT
from experiments.features.extraction import encode_items
from experiments.heads.image.evaluation import predict_held_out
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
)
from retrieval.evaluation import ccc
from retrieval.features import FeaturePipeline, PipelineConfig, fuse_affect
from spaces.affect_regression import estimate_face_affect

Floats = npt.NDArray[np.float64]
FACES_CONFIG = PipelineConfig(objects="", activity="", sound="", events="", tone="", text="", sentiment="")


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """CCC of the image, the face and both on OASIS' pictures with a readable face; only by folds."""
    if part != "folds":
        return []
    images, image_affect = predict_held_out(data_root, seed=seed)
    features = encode_items(
        FeaturePipeline(FACES_CONFIG), [(image.path,) for image in images], quiet=True
    ).mean_pool(len(images))
    face_affect = estimate_face_affect(features["faces"])
    by_modality = {"image": image_affect.astype(np.float32), "face": face_affect}
    fused = fuse_affect(by_modality, len(images)).fused
    rows = np.flatnonzero(~is_missing_row(face_affect))
    ratings = np.array([image.mean for image in images])[rows]
    groups = [images[row].theme for row in rows]
    measure = partial(measure_metric, "oasis with faces", part="folds", seed=seed, groups=groups)
    methods: dict[str, npt.NDArray[np.floating]] = {
        "picture": image_affect, "face": face_affect, "both": fused,
    }  # fmt: skip
    results = [
        measure(
            f"{name} CCC of {method}",
            np.stack([affect[rows, column], ratings[:, column]], axis=1),
            pair_ccc,
        )
        for column, name in enumerate(DIMENSIONS)
        for method, affect in methods.items()
    ]
    valence = np.stack([fused[rows, 0], image_affect[rows, 0], ratings[:, 0]], axis=1)
    return [*results, measure("valence CCC, both less picture", valence, _ccc_difference)]


def _ccc_difference(triples: Floats) -> float:
    """CCC of the first column less that of the second, both with the third."""
    return float(ccc(triples[:, 0], triples[:, 2]) - ccc(triples[:, 1], triples[:, 2]))
