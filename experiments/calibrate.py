"""`python -m experiments.calibrate`: calibration of the cosines of the packaged encoders.

Matching pairs: two photos of a theme (oasis), two clips of an animal (animal_sounds), train splits only.
Background: pairs of the same files that do not match. Calibrations of words are not fitted here, but with the
heads of a space (`experiments.train`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders import Rows
from experiments.datasets import DATA_ROOT, LabelledFile, load_animal_sounds, load_oasis
from experiments.experiment_command import ExperimentCommand
from experiments.features.extraction import encode_first_segments
from fusion import fit_calibration
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search import MATCH_PRIOR
from retrieval.search.calibration import make_calibration_key

ENCODERS_BY_VIEW = {
    "object.words": ("objects", "text", "object space"),
    "object.looks": ("objects",),
    "audio.sounds": ("sound",),
}

CALIBRATION_FILE = Path(str(files("retrieval.search") / "calibration.json"))

PairMask = npt.NDArray[np.bool_]


@click.command("calibrate", cls=ExperimentCommand)
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=CALIBRATION_FILE)
def main(data: Path, out: Path) -> None:
    """Fit every packaged calibration and write them."""
    pipeline = FeaturePipeline(PipelineConfig())
    table = {
        **calibrate_same_label(
            pipeline, _select_train_split(load_oasis(data)), ("object.words", "object.looks"), "frames"
        ),
        **calibrate_same_label(
            pipeline, _select_train_split(load_animal_sounds(data)), ("audio.sounds",), "sound"
        ),
    }
    out.write_text(json.dumps(table, indent=1) + "\n")
    for name, entry in table.items():
        click.echo(f"{name:<24} {entry['calibration']}")


def _select_train_split(labelled: Sequence[LabelledFile]) -> list[LabelledFile]:
    return [file for file in labelled if file.split == "train"]


def calibrate_same_label(
    pipeline: FeaturePipeline, labelled: Sequence[LabelledFile], views: Sequence[str], query_modality: str
) -> dict[str, Any]:
    """Entries of views that compare media with media: pairs with the same label match."""
    projected = pipeline.project(encode_first_segments(pipeline, labelled))
    labels = np.array([file.labels[0] for file in labelled])
    upper = np.triu_indices(len(labelled), 1)
    is_match = (labels[:, None] == labels)[upper]
    entries: dict[str, Any] = {}
    for view in views:
        similarities = (projected[view] @ projected[view].T)[upper]
        entries |= _make_entry(pipeline, view, query_modality, similarities, is_match)
    return entries


def _make_entry(
    pipeline: FeaturePipeline, view: str, query_modality: str, similarities: Rows, is_match: PairMask
) -> dict[str, Any]:
    fitted = fit_calibration(similarities[~is_match], similarities[is_match], MATCH_PRIOR)
    roles = json.loads(pipeline.make_signature())
    return {
        make_calibration_key(view, query_modality): {
            "encoders": {role: roles[role] for role in ENCODERS_BY_VIEW[view]},
            "calibration": {name: round(value, 4) for name, value in fitted.to_dict().items()},
            "pairs": {"matching": int(is_match.sum()), "background": int((~is_match).sum())},
        }
    }


if __name__ == "__main__":
    main()
