"""av_clips: short videos from several sources, about half of them with sound."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import CaptionDataset, DatasetItem, read_table

FOLDER = "av_clips"


def load_av_clips(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """Videos by the words of their file or folder name; those without a word are left out.

    Raises AffectError where the table is missing.
    """
    folder = data_root / FOLDER
    items = [
        DatasetItem(
            id=row["file"], captions=(row["label"],), split=row["split"], media=(folder / row["file"],)
        )
        for row in read_table(folder / "clips.csv")
        if row["label"]
    ]
    return CaptionDataset(name="av_clips", items=tuple(items), query_rule="label")
