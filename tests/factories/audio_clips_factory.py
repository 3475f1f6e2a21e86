"""Made-up clips whose features tell of emotion, kind and affect, and a tone."""

import numpy as np

from encoders.base import Audio
from experiments.heads.audio_affect.clips import EMOTIONS, KINDS, AudioClips
from experiments.heads.audio_affect.networks import NetworkConfig

RATE = 16000
QUICK = NetworkConfig(
    n_networks=1, hidden_size=16, epochs=40, learning_rate=2e-2, batch_size=16, dropout=(0.0, 0.1)
)


def tone(seconds=2.0):
    return Audio(samples=np.sin(np.arange(round(seconds * RATE)) / 10).astype(np.float32), sample_rate=RATE)


def heard(each=40, width=6, seed=0):
    """Speech whose first column is its emotion's number, music whose second is its arousal, other sounds."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 0.3, (3 * each, 3, width)).astype(np.float32)
    kinds = np.repeat(KINDS, each)
    labels = np.where(kinds == "speech", np.resize(EMOTIONS, 3 * each), "")
    moods = np.where((kinds == "music")[:, None], rng.uniform(-0.5, 0.5, (3 * each, 2)), np.nan)
    for at in range(3 * each):
        rows[at, :, 0] += EMOTIONS.index(labels[at]) if labels[at] else 0
        rows[at, :, 1] += 4 * np.nan_to_num(moods[at, 1])
        rows[at, :, 2] += 8 * KINDS.index(kinds[at])
    rows[::4, 2] = np.nan  # some have a version less
    groups = np.array([f"{kind} {at % 10}" for at, kind in enumerate(kinds)])
    return AudioClips(features=rows, kinds=kinds, labels=labels, affect=moods, groups=groups, splits=kinds)
