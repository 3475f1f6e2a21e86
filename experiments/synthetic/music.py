"""The sound of a clip: a tune whose tempo, register, brightness, roughness, key and level tell the mood.

Directions are those found in listening studies (Juslin & Laukka 2003; Gabrielsson & Lindström 2010): arousal
quickens, brightens and loudens; valence chooses major or minor and smooths the tone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.synthetic.frames import CLIP_SECONDS
from experiments.synthetic.world import SyntheticClip

SAMPLE_RATE_HZ = 16000  # Hz
MAJOR_SCALE, MINOR_SCALE = (0, 2, 4, 7, 9, 12), (0, 2, 3, 7, 8, 12)  # semitones
N_PARTIALS = 8

Waveform = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class MusicParameters:
    """How a mood is played.

    notes_per_second: notes a second; root: Hz; tilt: partial k has amplitude k ** -tilt
    roughness: depth of a 40 Hz tremble; level: root mean square of the whole
    """

    notes_per_second: float
    root_hz: float
    spectral_tilt: float
    roughness: float
    rms_level: float
    scale: tuple[int, ...]


def compute_music_parameters(valence: float, arousal: float) -> MusicParameters:
    """The way to play a point of the mood plane, each coordinate in [-1, 1]."""
    lift = (arousal + 1) / 2
    return MusicParameters(
        notes_per_second=1.5 + 5.5 * lift,
        root_hz=147.0 * 2 ** (0.9 * lift + 0.35 * valence),
        spectral_tilt=2.6 - 1.7 * lift,
        roughness=0.9 * max(0.0, -valence) * (0.3 + 0.7 * lift),
        rms_level=0.03 * 7**lift,
        scale=MAJOR_SCALE if valence > 0 else MINOR_SCALE,
    )


def render_audio(clip: SyntheticClip) -> Waveform | None:
    """(48000,) mono at 16 kHz, the same for the same clip; None where it is silent."""
    if clip.valence is None or clip.arousal is None:
        return None
    how, rng = compute_music_parameters(clip.valence, clip.arousal), clip.make_rng(3)
    clock = np.arange(CLIP_SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    since = clock * how.notes_per_second % 1 / how.notes_per_second  # seconds since the note began
    count = int(clock[-1] * how.notes_per_second) + 1
    steps = np.abs(np.cumsum(rng.integers(-2, 3, count)) + rng.integers(len(how.scale)))
    notes = np.array(how.scale)[steps % len(how.scale)]
    pitch = how.root_hz * 2 ** (notes[(clock * how.notes_per_second).astype(int)] / 12)
    turn = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    tone = sum(np.sin(k * turn) * k**-how.spectral_tilt for k in range(1, N_PARTIALS + 1))
    swell = np.minimum(since / 0.02, 1) * np.exp(-since * how.notes_per_second * 1.2)
    tremble = 1 - how.roughness * (0.5 + 0.5 * np.sin(2 * np.pi * 40 * clock))
    wave = tone * swell * tremble
    return np.asarray((wave * how.rms_level / np.sqrt(np.mean(wave**2))).clip(-1, 1), np.float32)
