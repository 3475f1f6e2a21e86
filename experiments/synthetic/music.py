"""The sound of a clip: a tune whose tempo, register, brightness, roughness, key and level tell the mood.

Directions are those found in listening studies (Juslin & Laukka 2003; Gabrielsson & Lindström 2010): arousal
quickens, brightens and loudens; valence chooses major or minor and smooths the tone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.synthetic.frames import SECONDS
from experiments.synthetic.world import Clip

RATE = 16000  # Hz
MAJOR, MINOR = (0, 2, 4, 7, 9, 12), (0, 2, 3, 7, 8, 12)  # semitones
PARTIALS = 8

Wave = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a mood is played.

    tempo: notes a second; root: Hz; tilt: partial k has amplitude k ** -tilt
    rough: depth of a 40 Hz tremble; level: root mean square of the whole
    """

    tempo: float
    root: float
    tilt: float
    rough: float
    level: float
    scale: tuple[int, ...]


def manner(valence: float, arousal: float) -> Manner:
    """The way to play a point of the mood plane, each coordinate in [-1, 1]."""
    lift = (arousal + 1) / 2
    return Manner(
        tempo=1.5 + 5.5 * lift,
        root=147.0 * 2 ** (0.9 * lift + 0.35 * valence),
        tilt=2.6 - 1.7 * lift,
        rough=0.9 * max(0.0, -valence) * (0.3 + 0.7 * lift),
        level=0.03 * 7**lift,
        scale=MAJOR if valence > 0 else MINOR,
    )


def samples(clip: Clip) -> Wave | None:
    """(48000,) mono at 16 kHz, the same for the same clip; None where it is silent."""
    if clip.valence is None or clip.arousal is None:
        return None
    how, rng = manner(clip.valence, clip.arousal), clip.rng(3)
    clock = np.arange(SECONDS * RATE) / RATE
    since = clock * how.tempo % 1 / how.tempo  # seconds since the note began
    count = int(clock[-1] * how.tempo) + 1
    steps = np.abs(np.cumsum(rng.integers(-2, 3, count)) + rng.integers(len(how.scale)))
    notes = np.array(how.scale)[steps % len(how.scale)]
    pitch = how.root * 2 ** (notes[(clock * how.tempo).astype(int)] / 12)
    turn = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * turn) * k**-how.tilt for k in range(1, PARTIALS + 1))
    swell = np.minimum(since / 0.02, 1) * np.exp(-since * how.tempo * 1.2)
    tremble = 1 - how.rough * (0.5 + 0.5 * np.sin(2 * np.pi * 40 * clock))
    wave = tone * swell * tremble
    return np.asarray((wave * how.level / np.sqrt(np.mean(wave**2))).clip(-1, 1), np.float32)
