"""Valence and arousal of emotion labels."""

from __future__ import annotations

import numpy as np

from experiments.alignment.pairs import Floats, Strings
from spaces.circumplex import EMOTION_SCHEMES, map_emotions_to_affect


def look_up_affect(labels: Strings, scheme: str) -> Floats:
    """(n, 2) valence and arousal of emotion labels (n,) by the hand-made table of a scheme."""
    one_hot = (labels[:, None] == np.array(EMOTION_SCHEMES[scheme])).astype(np.float64)
    return map_emotions_to_affect(one_hot, scheme, "hand")[:, :2]
