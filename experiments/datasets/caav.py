"""CAAV: phrases for filmed actions with ratings of valence and arousal (Di Crosta et al. 2020)."""

from __future__ import annotations

from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import RatedText, average_ratings, parse_affect, read_table

FOLDER = "caav_action_norms"


def load_caav_actions(data_root: Path = DATA_ROOT) -> list[RatedText]:
    """Action phrases with the mean rating of their four videos, 1 to 9 rescaled to [-1, 1].

    Raises AffectError where the table is missing.
    """
    return average_ratings(
        (
            row["action_description"],
            row["split"],
            parse_affect(row["valence_mean"], row["arousal_mean"], "caav"),
        )
        for row in read_table(data_root / FOLDER / "caav_norms.csv")
    )
