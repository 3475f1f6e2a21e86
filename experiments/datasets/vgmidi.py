"""VGMIDI: piano pieces of game music with ratings of valence and arousal (Ferreira & Whitehead 2019)."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import RatedFile, read_table

FOLDER = "vgmidi"


def load_vgmidi(data_root: Path = DATA_ROOT) -> list[RatedFile]:
    """Pieces with the rating of their first 15 s, which the audio holds; the group is the game series.

    Raises AffectError where the table is missing.
    """
    return [
        RatedFile(
            path=data_root / FOLDER / "audio" / f"{row['clip']}.ogg",
            valence=float(row["valence_first15s"]),
            arousal=float(row["arousal_first15s"]),
            group=row["midi"].split("_")[0],
            split=row["split"],
        )
        for row in read_table(data_root / FOLDER / "piece_va.csv")
    ]
