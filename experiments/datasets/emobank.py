"""EmoBank: sentences with readers' and writers' ratings of valence and arousal (Buechel & Hahn 2017)."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import RatedText, parse_affect, read_table

FOLDER = "emobank"


def load_emobank(data_root: Path = DATA_ROOT) -> list[RatedText]:
    """Sentences, ratings of 1 to 5 rescaled to [-1, 1]; the group is the document.

    Raises AffectError where the table is missing.
    """
    return [
        RatedText(
            text=row["text"],
            affect=parse_affect(row["V"], row["A"], "emobank"),
            split=row["split"],
            group=row["id"] if row["id"].startswith("SemEval") else row["id"].rsplit("_", 2)[0],
        )
        for row in read_table(data_root / FOLDER / "emobank.csv")
    ]
