"""Acoustic features of affect: 442 statistics of pitch, voice, loudness, timbre, rhythm and harmony.

The cues from which listeners judge arousal and valence of voices and music (Juslin & Laukka 2003,
"Communication of emotions in vocal expression and music performance"), and the voice parameters of Eyben et
al. 2016 ("The Geneva minimalistic acoustic parameter set"). None depends on the gain.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.acoustic.descriptors import LowLevelDescriptors, compute_contour_features, compute_descriptors
from encoders.acoustic.functionals import summarise, summarise_present
from encoders.acoustic.harmony import compute_harmony_features
from encoders.acoustic.loudness import compute_loudness_features, compute_roughness_features
from encoders.acoustic.pitch import compute_pitch_features
from encoders.acoustic.rhythm import compute_rhythm_features
from encoders.acoustic.spectrum import HOP_SAMPLES, SAMPLE_RATE_HZ, Array
from encoders.acoustic.timbre import compute_band_features, compute_cepstral_features
from encoders.base import Audio, EncoderCard, Rows
from encoders.logmel import is_audible, resample

DIM = 442


def compute_feature_groups(audio: Audio) -> dict[str, Array]:
    """Features (d,) of audible sound by group, from its first active frame to its last.

    Silence before and after belongs to the recording and not to the speaker.
    """
    samples, descriptors = _trim_silence(resample(audio, SAMPLE_RATE_HZ))
    active = descriptors.active
    return {
        "bands": compute_band_features(descriptors.mel_levels, active),
        "cepstra": compute_cepstral_features(descriptors.mel_levels, active),
        "pitch": compute_pitch_features(descriptors.pitch, descriptors.clarity, active),
        "voice": summarise_present(descriptors.voice_quality[active]),
        "timbre": summarise(descriptors.spectral_shape[active]).ravel(),
        "loudness": compute_loudness_features(descriptors.loudness, active),
        "rhythm": compute_rhythm_features(descriptors.mel_levels),
        "roughness": compute_roughness_features(samples),
        "harmony": compute_harmony_features(samples),
        "course": compute_contour_features(descriptors),
    }


def _trim_silence(samples: Array) -> tuple[Array, LowLevelDescriptors]:
    """Samples (n,) and their descriptors from the first active frame to the last."""
    descriptors = compute_descriptors(samples)
    first, last = np.flatnonzero(descriptors.active)[[0, -1]]
    # the last frame lies half beyond the end
    start = max(min(first * HOP_SAMPLES, len(samples) - HOP_SAMPLES), 0)
    return samples[start : (last + 1) * HOP_SAMPLES], descriptors.select_frames(slice(first, last + 1))


def compute_acoustic_features(audio: Audio) -> Array:
    """All features (442,) of audible sound."""
    return np.concatenate(list(compute_feature_groups(audio).values())).astype(np.float32)


@dataclass(frozen=True)
class AcousticEncoder:
    """Acoustic features (n, 442), raw. Silence abstains."""

    card: EncoderCard

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 442); NaN where `is_audible` is False."""
        missing = np.full(DIM, np.nan, np.float32)
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # one thread a core, each for a whole sound
            rows = list(
                threads.map(
                    lambda audio: compute_acoustic_features(audio) if is_audible(audio) else missing, items
                )
            )
        return np.stack(rows) if rows else np.empty((0, DIM), np.float32)


def tone() -> AcousticEncoder:
    """The encoder "tone": features by formula, no weights."""
    return AcousticEncoder(
        EncoderCard(
            name="tone",
            modality="sound",
            dim=DIM,
            version="2",
            licence="Apache-2.0",
            weights_source="none",
            training_data="none: measurements by formula",
            sample_rate=SAMPLE_RATE_HZ,
        )
    )


def split_sliding_windows(
    audio: Audio, hop_seconds: float = 0.5, window_seconds: float = 3.0
) -> tuple[list[Audio], npt.NDArray[np.float64]]:
    """Overlapping windows of at most `window_seconds`, and the starts (n,) in seconds of the hops they cover.

    Window i is centred on the time from starts[i] to starts[i] + hop; at the ends windows are shorter.
    """
    count = max(int(np.ceil(audio.duration / hop_seconds - 1e-6)), 1)
    starts = np.arange(count, dtype=np.float64) * hop_seconds
    windows = [
        Audio(
            samples=audio.samples[
                max(round((centre - window_seconds / 2) * audio.sample_rate), 0) : round(
                    (centre + window_seconds / 2) * audio.sample_rate
                )
            ],
            sample_rate=audio.sample_rate,
        )
        for centre in starts + hop_seconds / 2
    ]
    return windows, starts
