"""free-exercise-db: exercises by name, with a photo of their start and of their end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import CaptionDataset, DatasetItem, read_table

FOLDER = "exercise_activity"
ATTRIBUTE_COLUMNS = ("equipment", "primary_muscles", "secondary_muscles", "category", "force")


def load_exercises(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """Exercises, start and end frame, by name.

    Descriptions are the instructions, where there are some, and a list of equipment, muscles, category and
    force. The group is the series: the name before a dash, comma or bracket ("Bench Press" of "Bench Press -
    With Bands"). The set's own split does not keep series together. Raises AffectError where the table is
    missing.
    """
    folder = data_root / FOLDER
    items = tuple(_parse_exercise(folder, row) for row in read_table(folder / "exercises.csv"))
    return CaptionDataset(name="exercise_activity", items=items, query_rule="every")


def _parse_exercise(folder: Path, row: Mapping[str, str]) -> DatasetItem:
    name = row["name"]
    attributes = ", ".join(row[column] for column in ATTRIBUTE_COLUMNS if row[column])
    return DatasetItem(
        id=name,
        captions=(name,),
        split=row["split"],
        media=(folder / row["file"], folder / row["file1"]),
        descriptions=tuple(text for text in (row["instructions"], attributes) if text),
        group=re.split(r" - |[,(]", name)[0].strip().lower(),
    )
