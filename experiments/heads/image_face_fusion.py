"""Pictures with a face in them: is the mood of both together nearer to what people said than the picture's?

The one set here in which two of our own senses meet people's ratings. Picture heads are of other themes
(experiments/heads/image.py); the face head never saw OASIS.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import missing
from experiments.datasets.records import DATA
from experiments.features.extraction import encoded
from experiments.heads.image import held_out
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from retrieval.evaluation.affect_metrics import ccc
from retrieval.features.affect import felt
from retrieval.features.pipeline import Experts, Recipe
from spaces.affect_regression import of_faces

Floats = npt.NDArray[np.float64]
FACES = Recipe(objects="", activity="", sound="", tone="", text="", sentiment="")


def figures(data: Path = DATA, *, seed: int, part: Part = "folds") -> list[Line]:
    """CCC of the picture, the face and both on OASIS' photos that show a readable face; none but by folds."""
    if part != "folds":
        return []
    pictures, image = held_out(data, seed=seed)
    rows = encoded(Experts(FACES), [(one.path,) for one in pictures], quiet=True).pooled(len(pictures))
    face = of_faces(rows["faces"])
    both = felt({"image": image.astype(np.float32), "face": face}, len(image)).rows
    here = np.flatnonzero(~missing(face))
    truth = np.array([one.mean for one in pictures])
    groups = [pictures[at].group for at in here]
    ways: dict[str, npt.NDArray[np.floating]] = {"picture": image, "face": face, "both": both}
    return [
        line(
            "oasis with faces", f"{name} CCC of {way}",
            np.stack([found[here, column], truth[here, column]], axis=1),
            lambda pairs: float(ccc(pairs[:, 0], pairs[:, 1])), part="folds", seed=seed, groups=groups,
        )
        for column, name in enumerate(DIMENSIONS)
        for way, found in ways.items()
    ] + [_gain(image[here], both[here], truth[here], groups, seed)]  # fmt: skip


def _gain(image: Floats, both: npt.NDArray[np.floating], truth: Floats, groups: list[str], seed: int) -> Line:
    """How much the face adds to the picture's valence."""
    stack = np.stack([both[:, 0], image[:, 0], truth[:, 0]], axis=1)
    return line(
        "oasis with faces", "valence CCC, both less picture", stack,
        lambda some: float(ccc(some[:, 0], some[:, 2]) - ccc(some[:, 1], some[:, 2])),
        part="folds", seed=seed, groups=groups,
    )  # fmt: skip
