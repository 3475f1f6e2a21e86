"""Pictures with a face in them: is the mood of both together nearer to what people said than the picture's?

The one set here in which two of our own senses meet people's ratings. Picture heads are of other themes
(experiments/heads/image.py); the face head never saw OASIS.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import is_missing_row
from experiments.datasets.data_root import DATA_ROOT
from experiments.features.extraction import encode_items
from experiments.heads.image.evaluation import predict_held_out
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from retrieval.evaluation.affect_metrics import ccc
from retrieval.features.affect import fuse_affect
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from spaces.affect_regression import estimate_face_affect

Floats = npt.NDArray[np.float64]
FACES_CONFIG = PipelineConfig(objects="", activity="", sound="", tone="", text="", sentiment="")


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """CCC of the picture, the face and both on OASIS' photos that show a readable face; none but by folds."""
    if part != "folds":
        return []
    pictures, image = predict_held_out(data_root, seed=seed)
    rows = encode_items(
        FeaturePipeline(FACES_CONFIG), [(one.path,) for one in pictures], quiet=True
    ).mean_pool(len(pictures))
    face = estimate_face_affect(rows["faces"])
    both = fuse_affect({"image": image.astype(np.float32), "face": face}, len(image)).fused
    here = np.flatnonzero(~is_missing_row(face))
    truth = np.array([one.mean for one in pictures])
    groups = [pictures[at].theme for at in here]
    ways: dict[str, npt.NDArray[np.floating]] = {"picture": image, "face": face, "both": both}
    return [
        measure_metric(
            "oasis with faces", f"{name} CCC of {way}",
            np.stack([found[here, column], truth[here, column]], axis=1),
            lambda pairs: float(ccc(pairs[:, 0], pairs[:, 1])), part="folds", seed=seed, groups=groups,
        )
        for column, name in enumerate(DIMENSIONS)
        for way, found in ways.items()
    ] + [_measure_gain(image[here], both[here], truth[here], groups, seed)]  # fmt: skip


def _measure_gain(
    image_affect: Floats,
    fused_affect: npt.NDArray[np.floating],
    ratings: Floats,
    groups: list[str],
    seed: int,
) -> MetricResult:
    """How much the face adds to the picture's valence."""
    stack = np.stack([fused_affect[:, 0], image_affect[:, 0], ratings[:, 0]], axis=1)
    return measure_metric(
        "oasis with faces", "valence CCC, both less picture", stack,
        lambda some: float(ccc(some[:, 0], some[:, 2]) - ccc(some[:, 1], some[:, 2])),
        part="folds", seed=seed, groups=groups,
    )  # fmt: skip
