"""From the tables of corpora to arrays: numbers, test rows, and valence and arousal of emotion labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from experiments.alignment.pairs import Floats, Ints, Strings
from spaces.circumplex import EMOTION_SCHEMES, map_emotions_to_affect

MAX_PAIRS = 1000  # pairs studied of a set, drawn evenly: keeps a study to minutes

Record = Mapping[str, str]


def parse_columns(records: Sequence[Record], column_names: Sequence[str]) -> Floats:
    """(n, k) numbers; NaN where a cell is empty or NA."""
    return np.array(
        [
            [float(record[name]) if record[name] not in ("", "NA") else np.nan for name in column_names]
            for record in records
        ]
    )


def find_test_rows(records: Sequence[Record]) -> npt.NDArray[np.bool_]:
    """(n,) whether a record belongs to the split "test"."""
    return np.array([record.get("split") == "test" for record in records])


def draw_evenly(count: int) -> Ints:
    """Up to MAX_PAIRS indices of `count` rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(MAX_PAIRS, count)).astype(int))


def look_up_affect(labels: Strings, scheme: str) -> Floats:
    """(n, 2) valence and arousal of emotion labels (n,) by the hand-made table of a scheme."""
    one_hot = (labels[:, None] == np.array(EMOTION_SCHEMES[scheme])).astype(np.float64)
    return map_emotions_to_affect(one_hot, scheme, "hand")[:, :2]
