"""`python -m experiments.calibrate`: how to read the cosines of the packaged encoders.

Matching pairs: two photos of a theme (oasis), two clips of an animal (animal_sounds), train splits only.
Background: pairs of the same files that do not belong together. Words are not here: whoever trained a space
to read them tells how to read its cosines (`experiments.train`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders.base import Rows
from experiments.datasets import DATA, Labelled, animal_sounds, oasis
from experiments.features.extraction import features_of
from fusion.late_fusion import fit_calibration
from retrieval.features.pipeline import Experts, Recipe
from retrieval.search.calibration import PRIOR, key

MADE_BY = {
    "object.words": ("objects", "text", "object space"),
    "object.looks": ("objects",),
    "audio.sounds": ("sound",),
}

Pairs = npt.NDArray[np.bool_]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("retrieval/calibration.json"))
def main(data: Path, out: Path) -> None:
    """Fit every packaged calibration and write them."""
    experts = Experts(Recipe())
    table = {
        **same_label(experts, _train(oasis(data)), ("object.words", "object.looks"), "frames"),
        **same_label(experts, _train(animal_sounds(data)), ("audio.sounds",), "sound"),
    }
    out.write_text(json.dumps(table, indent=1) + "\n")
    for name, entry in table.items():
        click.echo(f"{name:<24} {entry['calibration']}")


def _train(found: Sequence[Labelled]) -> list[Labelled]:
    return [one for one in found if one.split == "train"]


def same_label(
    experts: Experts, files: Sequence[Labelled], views: Sequence[str], source: str
) -> dict[str, Any]:
    """Media against media: pairs that share their label match."""
    projected = experts.project(features_of(experts, files))
    labels = np.array([one.labels[0] for one in files])
    upper = np.triu_indices(len(files), 1)
    matching = (labels[:, None] == labels)[upper]
    entries: dict[str, Any] = {}
    for view in views:
        entries |= _entry(experts, view, source, (projected[view] @ projected[view].T)[upper], matching)
    return entries


def _entry(experts: Experts, view: str, source: str, cosines: Rows, matching: Pairs) -> dict[str, Any]:
    fitted = fit_calibration(cosines[~matching], cosines[matching], PRIOR)
    roles = json.loads(experts.signature())
    return {
        key(view, source): {
            "encoders": {role: roles[role] for role in MADE_BY[view]},
            "calibration": {name: round(value, 4) for name, value in fitted.to_dict().items()},
            "pairs": {"matching": int(matching.sum()), "background": int((~matching).sum())},
        }
    }


if __name__ == "__main__":
    main()
