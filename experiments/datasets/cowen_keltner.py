"""Cowen and Keltner's videos: shares of judges who chose each emotion, and ratings (2017, PNAS)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import parse_text_file
from spaces.circumplex import RATING_SCALES, rescale

Floats = npt.NDArray[np.float64]

RATINGS_FILE = Path("cowen_keltner_ratings") / "CowenKeltnerEmotionalVideos.csv"
RATINGS_DESCRIPTION = "Cowen and Keltner's table of 34 emotions and 14 dimensions"
N_EMOTIONS = 34


@dataclass(frozen=True, eq=False, kw_only=True)
class VideoRatings:
    """n videos: shares (n, 34) of judges by `emotion_names`, valence and arousal (n, 2) in [-1, 1]."""

    emotion_names: tuple[str, ...]
    shares: Floats
    affect: Floats


def load_ratings(data_root: Path = DATA_ROOT) -> VideoRatings:
    """All videos. Raises AffectError where the table is missing or malformed."""
    path = data_root / RATINGS_FILE
    lines = parse_text_file(
        path, lambda text: list(csv.reader(io.StringIO(text, newline=""))), RATINGS_DESCRIPTION
    )
    try:
        header, rows = lines[0], lines[1:]
        # "arousal" occurs twice: first as a dimension, then as a word in free responses
        ratings = [[row[header.index(name)] for name in ("valence", "arousal")] for row in rows]
        shares = np.array([row[1 : 1 + N_EMOTIONS] for row in rows], np.float64)
        affect = rescale(np.array(ratings, np.float64), *RATING_SCALES["cowen-keltner"])
    except (ValueError, IndexError) as bad:
        raise AffectError(f"{to_printable(path)}: not {RATINGS_DESCRIPTION}") from bad
    return VideoRatings(emotion_names=tuple(header[1 : 1 + N_EMOTIONS]), shares=shares, affect=affect)
