"""Affect of acted speech by networks that learnt from other actors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from encoders import Rows
from experiments.datasets.ravdess import RavdessClip
from experiments.heads.audio_affect.clips import EMOTIONS, AudioClips
from experiments.heads.audio_affect.regressors import predict_held_out, split_folds
from experiments.heads.audio_affect.towers import fit_speech_towers
from experiments.heads.classification import fit_temperature, one_hot
from spaces.circumplex import map_emotions_to_affect


def estimate_held_out_speech(clips: Sequence[RavdessClip], tone_rows: Rows, *, seed: int) -> Rows:
    """(n, 4) affect of each clip from its raw rows (n, d), whole actors held out in turn.

    As the packaged head estimates it, but learnt from plain clips alone, without altered copies. The
    temperature of a fold is fitted on the others.
    """
    count = len(clips)
    speech = AudioClips(
        features=tone_rows[:, None],
        kinds=np.full(count, "speech"),
        labels=np.array([clip.emotion for clip in clips]),
        affect=np.full((count, 2), np.nan),
        groups=np.array([clip.actor for clip in clips]),
        splits=np.array([clip.split for clip in clips]),
    )
    logits = predict_held_out(speech, lambda part: fit_speech_towers(part, seed=seed), seed=seed)
    targets = one_hot(speech.labels, EMOTIONS)
    calibrated = np.empty_like(logits)
    for held_out, rest in split_folds(speech, seed):
        calibrated[held_out] = logits[held_out] / fit_temperature(logits[rest], targets[rest])
    probabilities = softmax(calibrated, axis=1)
    return map_emotions_to_affect(probabilities, "ravdess", "expressed").astype(np.float32)
