"""Speed perturbation of audio (Ko et al. 2015, "Audio augmentation for speech recognition")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoders import Audio


def perturb_speed(audio: Audio, rng: np.random.Generator, factors: Sequence[float]) -> Audio:
    """The same samples at a sample rate times one of `factors`: pitch and formants change with the speed."""
    return Audio(samples=audio.samples, sample_rate=round(audio.sample_rate * float(rng.choice(factors))))
