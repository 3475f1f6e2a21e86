"""Clips of animals, voices and music whose rows lie around their class, and texts of bags of words."""

from functools import cache

import numpy as np

from encoders.base import unit_rows
from experiments.heads.audio_text.clips import LabelledClips
from experiments.heads.audio_text.vocabulary import ANIMALS, EMOTIONS
from retrieval.features.config import PipelineConfig

LISTENING = PipelineConfig(objects="", activity="", tone="", faces="")
WIDTH = 12


def clips(each=8, seed=0):
    """`each` clips of every animal and emotion, 3 * each pieces and as many sounds of three instruments.

    Their rows lie around their class.
    """
    rng = np.random.default_rng(seed)
    kinds, labels, speakers, moods, groups = [], [], [], [], []
    for at in range(each):
        for name in ANIMALS:
            kinds, labels, speakers = [*kinds, "animal"], [*labels, name], [*speakers, ""]
            groups.append(f"recording {name} {at}")
        for name in EMOTIONS:
            kinds, labels = [*kinds, "speech"], [*labels, name]
            speakers.append("man" if at % 2 else "woman")
            groups.append(f"actor {at}")
        for part in range(3):
            kinds, labels, speakers = [*kinds, "music"], [*labels, ""], [*speakers, ""]
            groups.append(f"series {at * 3 + part}")
        for name in ("guitar", "orchestra", "bell"):
            kinds, labels, speakers = [*kinds, "instrument"], [*labels, name], [*speakers, ""]
            groups.append(f"track {name} {at}")
    pieces = np.array(kinds) == "music"
    moods = np.full((len(kinds), 2), np.nan)
    moods[pieces] = rng.uniform(-1, 1, (pieces.sum(), 2))
    names = np.strings.add(np.array(kinds), np.array(labels))
    centres = 2 * rng.standard_normal((len(np.unique(names)), WIDTH))
    rows = centres[np.unique(names, return_inverse=True)[1]] + rng.standard_normal((len(kinds), WIDTH))
    rows[pieces, :2] += 3 * moods[pieces]
    versions = rows[:, None] + 0.3 * rng.standard_normal((len(kinds), 2, WIDTH))
    return LabelledClips(
        features={"sound": rows.astype(np.float32)},
        augmented_features={"sound": versions.astype(np.float32)},
        kinds=np.array(kinds),
        labels=np.array(labels),
        speakers=np.array(speakers),
        affect=moods,
        groups=np.array(groups),
    )


@cache
def direction(word):
    return np.random.default_rng(sum(map(ord, word)) * 7919 + len(word)).standard_normal(24)


def bags(texts):
    """Unit rows in which texts with words in common lie near: each word is a random direction."""
    return unit_rows(np.array([sum(map(direction, text.split())) for text in texts], np.float32))
