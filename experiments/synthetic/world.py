"""The attributes of synthetic clips, and the clips that a seed generates."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from retrieval.evaluation import split_by_group

SHAPES = ("disc", "square", "triangle", "star")
COLOURS = {
    "red": (214, 40, 40), "green": (40, 170, 70), "blue": (45, 85, 220), "yellow": (245, 215, 50),
    "purple": (140, 60, 190), "orange": (245, 140, 30),
}  # fmt: skip
ACTIONS = (
    "slides left", "slides right", "grows", "shrinks", "bounces", "spins", "shakes", "orbits",
)  # fmt: skip
MOODS = {
    "happy": (0.8, 0.4), "excited": (0.5, 0.9), "calm": (0.6, -0.7), "sad": (-0.7, -0.5),
    "angry": (-0.7, 0.8), "uneasy": (-0.5, 0.1),
}  # fmt: skip
"""Mean (valence, arousal) of each mood."""
BACKDROPS = ("dark", "light", "striped")

SPLIT_SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}
SILENT_SHARE = 0.15  # of clips, without a sound track
AFFECT_SD = 0.06  # standard deviation of valence and arousal of clips of one mood

Combination = tuple[str, str, str]  # shape, colour, action


@dataclass(frozen=True, kw_only=True)
class SyntheticClip:
    """Ground truth of a clip; mood, valence and arousal are None where it is silent."""

    number: int
    seed: int
    shape: str
    colour: str
    action: str
    backdrop: str
    mood: str | None
    valence: float | None
    arousal: float | None
    split: str

    @property
    def name(self) -> str:
        """The file name."""
        return f"clip{self.number:05d}.mp4"

    @property
    def group(self) -> str:
        """The combination of shape, colour and action, which is in one split only."""
        return f"{self.colour} {self.shape} {self.action}"

    def make_rng(self, stream: int) -> np.random.Generator:
        """A random generator of this clip for one purpose, seeded by the clip and the stream."""
        return np.random.default_rng((self.seed, self.number, stream))


def generate_clips(count: int, seed: int) -> list[SyntheticClip]:
    """The first `count` clips of a seed; a greater count leaves the first ones as they are.

    Every combination of shape, colour and action (192) occurs once before any occurs twice, and belongs to
    one split: those of test do not occur in training.
    """
    combinations = list(itertools.product(SHAPES, COLOURS, ACTIONS))
    split_by_combination = dict(
        zip(combinations, split_by_group(combinations, SPLIT_SHARES, seed), strict=True)
    )
    clips: list[SyntheticClip] = []
    for cycle in itertools.count():
        for index in np.random.default_rng((seed, cycle, 1)).permutation(len(combinations)):
            if len(clips) == count:
                return clips
            combination = combinations[index]
            clips.append(
                _generate_clip(len(clips), seed, combination, str(split_by_combination[combination]))
            )
    raise AssertionError("unreachable: count is endless")


def _generate_clip(number: int, seed: int, combination: Combination, split: str) -> SyntheticClip:
    rng = np.random.default_rng((seed, number, 0))
    shape, colour, action = combination
    backdrop, mood = str(rng.choice(BACKDROPS)), str(rng.choice(list(MOODS)))
    valence, arousal = np.clip(rng.normal(MOODS[mood], AFFECT_SD), -1, 1).round(3).tolist()
    is_silent = rng.random() < SILENT_SHARE
    return SyntheticClip(
        number=number,
        seed=seed,
        shape=shape,
        colour=colour,
        action=action,
        backdrop=backdrop,
        mood=None if is_silent else mood,
        valence=None if is_silent else valence,
        arousal=None if is_silent else arousal,
        split=split,
    )
