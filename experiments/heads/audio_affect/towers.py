"""The towers of the audio head: networks for emotion and kind, ridge for music, shared cues for the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from encoders import is_missing_row
from experiments.heads.audio_affect.clips import (
    EMOTIONS,
    KINDS,
    ROLE,
    AudioClips,
    Floats,
    select_rated_music,
    select_speech,
)
from experiments.heads.audio_affect.networks import MAX_ABS_Z, NetworkConfig, train_networks
from experiments.heads.classification import compute_balanced_weights, one_hot
from spaces import solve_ridge
from spaces.circumplex import PRIOR_SD, map_emotions_to_affect
from spaces.joint import Tower
from spaces.joint.kernel_ridge import to_float32
from spaces.joint.space import Layer, LinearInput

SPEECH_CONFIG = NetworkConfig(n_networks=8, hidden_size=192)
KIND_CONFIG = NetworkConfig(n_networks=3, hidden_size=32, epochs=20)
MUSIC_RIDGE_STRENGTH = 1.5  # of music's penalty, see `spaces.joint.ridge`
IN_DOMAIN_QUANTILE = 0.99  # share of the rated pieces and their copies that counts as in domain
MIN_SD = 1e-6  # below it a column counts as constant


def fit_speech_towers(clips: AudioClips, *, seed: int) -> tuple[Tower, ...]:
    """Logits of EMOTIONS, from the speech among these clips."""
    speech = select_speech(clips)
    targets = one_hot(speech.labels, EMOTIONS)
    return train_networks(speech.features, targets, SPEECH_CONFIG, role=ROLE, seed=seed)


def fit_kind_towers(clips: AudioClips, *, seed: int) -> tuple[Tower, ...]:
    """Logits of KINDS; each kind weighs the same, however many clips it has."""
    targets, weights = one_hot(clips.kinds, KINDS), compute_balanced_weights(clips.kinds)
    return train_networks(clips.features, targets, KIND_CONFIG, role=ROLE, seed=seed, weights=weights)


def fit_music_towers(rated: AudioClips, unrated: AudioClips | None = None) -> tuple[Tower, ...]:
    """Valence and arousal from rated music and its augmented copies: ridge regression.

    unrated: other music, assumed to be as moderate on average as the rated. Without it an orchestra is .6
             more aroused than a piano, by its timbre alone. A second ridge regression states how far a
             piece is out of the domain of the rated ones, and in proportion the mean of the unrated is
             subtracted.
    """
    plain, width = rated.features[:, 0].astype(np.float64), rated.features.shape[2]
    mean, scale = plain.mean(axis=0), plain.std(axis=0) + MIN_SD

    def standardise(features: npt.NDArray[np.floating]) -> Floats:
        flat = features.reshape(-1, width)
        return np.clip((flat[~is_missing_row(flat)] - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z)

    rated_rows, middle = standardise(rated.features), rated.affect.mean(axis=0)
    is_present = ~is_missing_row(rated.features.reshape(-1, width))
    targets = np.repeat(rated.affect - middle, rated.features.shape[1], axis=0)[is_present]
    slopes = solve_ridge(rated_rows, targets, MUSIC_RIDGE_STRENGTH)
    if unrated is None or not len(unrated):
        return (make_linear_tower(mean, scale, slopes, middle),)
    unrated_rows = standardise(unrated.features)
    ramp, start = _fit_domain_ramp(rated_rows, unrated_rows)
    surplus = standardise(unrated.features[:, :1]).mean(axis=0) @ slopes
    return (_make_ramped_tower(mean, scale, slopes, middle, ramp, start, surplus),)


def _fit_domain_ramp(rated_rows: Floats, unrated_rows: Floats) -> tuple[Floats, float]:
    """Slopes (d, 1) and intercept of a score: 0 at the edge of the rated music, 1 at the unrated's median."""
    both = np.concatenate([rated_rows, unrated_rows])
    targets = np.repeat([-0.5, 0.5], [len(rated_rows), len(unrated_rows)])[:, None]
    unlike = solve_ridge(both - both.mean(axis=0), targets - targets.mean(), MUSIC_RIDGE_STRENGTH)
    near, far = np.quantile(rated_rows @ unlike, IN_DOMAIN_QUANTILE), np.median(unrated_rows @ unlike)
    return unlike / (far - near), -near / (far - near)


def _make_ramped_tower(
    mean: Floats, scale: Floats, slopes: Floats, middle: Floats, ramp: Floats, start: float, surplus: Floats
) -> Tower:
    """The linear model less `surplus` (2,) times the domain score, limited to [0, 1].

    ReLU of a number less ReLU of its negative is the number; ReLU of a score less ReLU of the score less 1
    is a ramp from 0 to 1.
    """
    weight = np.concatenate([slopes, -slopes, ramp, ramp], axis=1)
    bias = np.array([0, 0, 0, 0, start, start - 1])
    last = np.concatenate([np.eye(2), -np.eye(2), [-surplus], [surplus]])
    reader = LinearInput(
        mean=to_float32(mean), scale=to_float32(scale), weight=to_float32(weight),
        absent=np.zeros(6, np.float32),
    )  # fmt: skip
    layer = Layer(weight=to_float32(last), bias=to_float32(middle))
    return Tower(inputs={ROLE: reader}, bias=to_float32(bias), layers=(layer,))


def fit_other_tower(clips: AudioClips) -> Tower:
    """Arousal of any sound from cues correlated with it in speech and in music alike; valence 0.

    The weight of a cue is the smaller of its two correlations with arousal, and 0 where their signs differ
    (Weninger et al. 2013, "On the acoustics of emotion in audio: what speech, music, and sound have in
    common": loudness, spectral flux). The arousal of speech is that of its acted emotion on the plane.
    Predictions vary over the other sounds by their prior SD times the mean r on speech and music.
    """
    speech, music = select_speech(clips), select_rated_music(clips)
    acted_arousal = map_emotions_to_affect(one_hot(speech.labels, EMOTIONS), "ravdess")[:, 1]
    sets = [(speech.features[:, 0], acted_arousal), (music.features[:, 0], music.affect[:, 1])]
    scales = [rows.std(axis=0, dtype=np.float64) for rows, _ in sets]
    scale = np.sqrt(np.mean(np.square(scales), axis=0)) + MIN_SD
    mean = np.mean([clips.features[clips.kinds == kind, 0].mean(axis=0) for kind in KINDS], axis=0)
    r = np.stack([correlate_columns(rows, values) for rows, values in sets])
    weight = np.where(r[0] * r[1] > 0, np.sign(r[0]) * np.abs(r).min(axis=0), 0)
    achieved = [
        float(correlate_columns((rows / scale @ weight)[:, None], values)[0]) for rows, values in sets
    ]
    spread = float(((clips.features[clips.kinds == "other", 0] - mean) / scale @ weight).std())
    slopes = weight * np.mean(achieved) * PRIOR_SD[1] / spread
    return make_linear_tower(mean, scale, np.stack([0 * slopes, slopes], axis=1), np.zeros(2))


def correlate_columns(features: npt.NDArray[np.floating], values: Floats) -> Floats:
    """(d,) r of each column of (n, d) with values (n,); 0 for a nearly constant one."""
    spread = features.std(axis=0, dtype=np.float64)
    centred = (features - features.mean(axis=0)) * (values - values.mean())[:, None]
    return np.where(spread > MIN_SD, centred.mean(axis=0) / np.maximum(spread * values.std(), 1e-12), 0)


def make_linear_tower(mean: Floats, scale: Floats, weight: Floats, bias: Floats) -> Tower:
    """Standardised rows (n, d) times weights (d, k), plus a bias (k,)."""
    absent = np.zeros(weight.shape[1], np.float32)
    reader = LinearInput(
        mean=to_float32(mean), scale=to_float32(scale), weight=to_float32(weight), absent=absent
    )
    return Tower(inputs={ROLE: reader}, bias=to_float32(bias))


def make_constant_tower(clips: AudioClips, values: npt.ArrayLike) -> Tower:
    """The same numbers (k,) for every clip."""
    constants = np.asarray(values, np.float32)
    width = clips.features.shape[2]
    ones, weight = np.ones(width, np.float32), np.zeros((width, len(constants)), np.float32)
    reader = LinearInput(mean=0 * ones, scale=ones, weight=weight, absent=0 * constants)
    return Tower(inputs={ROLE: reader}, bias=constants)
