"""faces_muxspace: photos labelled with expressions (github.com/muxspace/facial_expressions)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import LabelledFile, read_table

FOLDER = "faces_muxspace"


@dataclass(frozen=True, kw_only=True)
class FaceImage(LabelledFile):
    """A picture of a face, labelled with its expression; `is_film`: a film still, not a press photo."""

    is_film: bool


def load_face_images(data_root: Path = DATA_ROOT) -> list[FaceImage]:
    """All pictures, in the order of the table. Raises AffectError where it is missing."""
    folder = data_root / FOLDER
    return [
        FaceImage(
            path=folder / row["file"],
            labels=(row["emotion"],),
            split=row["split"],
            is_film=row["orig_mode"] == "RGB",  # the press photos are grey
        )
        for row in read_table(folder / "labels.csv")
    ]
