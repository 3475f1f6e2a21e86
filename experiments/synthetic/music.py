"""The music of a clip: tempo, register, brightness, roughness, mode and level follow valence and arousal.

The directions are those of listening studies (Juslin & Laukka 2003; Gabrielsson & Lindström 2010): arousal
raises tempo, brightness and level; valence determines major or minor and lowers roughness.
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
    """Parameters of a melody.

    spectral_tilt: partial k has amplitude k ** -spectral_tilt
    roughness: depth of a 40 Hz amplitude modulation, 0 to 1
    rms_level: root mean square of the samples
    scale: semitones above the root
    """

    notes_per_second: float
    root_hz: float
    spectral_tilt: float
    roughness: float
    rms_level: float
    scale: tuple[int, ...]


def compute_music_parameters(valence: float, arousal: float) -> MusicParameters:
    """Parameters for valence and arousal, each in [-1, 1]."""
    activation = (arousal + 1) / 2
    return MusicParameters(
        notes_per_second=1.5 + 5.5 * activation,
        root_hz=147.0 * 2 ** (0.9 * activation + 0.35 * valence),
        spectral_tilt=2.6 - 1.7 * activation,
        roughness=0.9 * max(0.0, -valence) * (0.3 + 0.7 * activation),
        rms_level=0.03 * 7**activation,
        scale=MAJOR_SCALE if valence > 0 else MINOR_SCALE,
    )


def render_audio(clip: SyntheticClip) -> Waveform | None:
    """(48000,) mono at 16 kHz, the same for the same clip; None where it is silent."""
    if clip.valence is None or clip.arousal is None:
        return None
    music, rng = compute_music_parameters(clip.valence, clip.arousal), clip.make_rng(3)
    seconds = np.arange(CLIP_SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    note_seconds = seconds * music.notes_per_second % 1 / music.notes_per_second  # since the note's onset
    note_count = int(seconds[-1] * music.notes_per_second) + 1
    steps = np.abs(np.cumsum(rng.integers(-2, 3, note_count)) + rng.integers(len(music.scale)))
    notes = np.array(music.scale)[steps % len(music.scale)]
    frequency = music.root_hz * 2 ** (notes[(seconds * music.notes_per_second).astype(int)] / 12)
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE_HZ
    tone = sum(np.sin(k * phase) * k**-music.spectral_tilt for k in range(1, N_PARTIALS + 1))
    envelope = np.minimum(note_seconds / 0.02, 1) * np.exp(-note_seconds * music.notes_per_second * 1.2)
    modulation = 1 - music.roughness * (0.5 + 0.5 * np.sin(2 * np.pi * 40 * seconds))
    wave = tone * envelope * modulation
    return np.asarray((wave * music.rms_level / np.sqrt(np.mean(wave**2))).clip(-1, 1), np.float32)
