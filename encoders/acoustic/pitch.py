"""Fundamental frequency by normalised autocorrelation (Boersma 1993), and statistics of the pitch contour."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from encoders.acoustic.functionals import compute_quantiles, summarise
from encoders.acoustic.spectrum import (
    EPSILON,
    FFT_SIZE,
    FRAME_RATE_HZ,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    Array,
    make_hann_window,
)
from encoders.logmel import ACTIVE_POWER_RATIO

PITCH_RANGE_HZ = 62.5, 700.0  # Hz: acted fear and joy reach 600
VOICING_THRESHOLD = 0.5  # of the normalised autocorrelation (Boersma 1993: 0.45)
OCTAVE_COST = 0.04  # added autocorrelation that a candidate one octave lower must have to be preferred
# Times the lower and the upper quartile of a clip's first estimates: the range of the second search
SECOND_PASS_FACTORS = 0.7, 1.6
CONTOUR_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MIN_SLOPE_SECONDS = 0.2  # seconds of voice, below which the slope is taken for 0
MAX_SLOPE = 20.0  # semitones a second


def estimate_pitch(autocorrelation: Array, energy: Array) -> tuple[Array, Array]:
    """Pitch (n,) in semitones above 1 Hz, NaN unvoiced, and clarity (n,) in [0, 1] of frames.

    Two passes: the second searches near the quartiles of the first, against octave errors (De Looze & Hirst
    2008).

    autocorrelation: (n, lags) of the windowed frames, at least up to the longest period + 1
    energy:          (n,)
    """
    shortest, longest = get_pitch_lag_range()
    normalised = np.asarray(autocorrelation * (1 / np.maximum(autocorrelation[:, :1], EPSILON)), np.float32)
    normalised *= _compute_window_correction()
    candidates = normalised[:, shortest : longest + 1]
    score = _score_lags(normalised)
    rows = np.arange(len(score))
    loud = energy >= energy.max() * ACTIVE_POWER_RATIO
    best = score.argmax(axis=1)
    reliable = (candidates[rows, best] >= VOICING_THRESHOLD) & loud
    if reliable.any():
        best = _search_near_quartiles(score, best[reliable])
    clarity = np.clip(candidates[rows, best], 0, 1)
    hertz = SAMPLE_RATE_HZ / _interpolate_lag(normalised, best + shortest)
    voiced = (clarity >= VOICING_THRESHOLD) & loud & (score[rows, best] > -1)
    return np.where(voiced, 12 * np.log2(hertz), np.nan).astype(np.float32), clarity.astype(np.float32)


def get_pitch_lag_range() -> tuple[int, int]:
    """Samples of the shortest and the longest period."""
    return int(SAMPLE_RATE_HZ / PITCH_RANGE_HZ[1]), int(SAMPLE_RATE_HZ / PITCH_RANGE_HZ[0])


def _get_lags() -> npt.NDArray[np.int64]:
    shortest, longest = get_pitch_lag_range()
    return np.arange(shortest, longest + 1)


def _score_lags(normalised: Array) -> Array:
    """Autocorrelation less the octave cost at its local maxima, -1 elsewhere; (n, candidate lags)."""
    shortest, longest = get_pitch_lag_range()
    rising = normalised[:, shortest : longest + 2] >= normalised[:, shortest - 1 : longest + 1]
    falling = normalised[:, shortest : longest + 1] >= normalised[:, shortest + 1 : longest + 2]
    cost = (OCTAVE_COST * np.log2(_get_lags() / shortest)).astype(np.float32)
    candidates = normalised[:, shortest : longest + 1]
    return np.where(rising[:, :-1] & falling, candidates - cost, np.float32(-1))


def _search_near_quartiles(score: Array, reliable_choices: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Best candidate (n,) of each frame in the range that the first pass's reliable choices suggest."""
    frequencies = SAMPLE_RATE_HZ / _get_lags()
    low, high = compute_quantiles(frequencies[reliable_choices], (0.25, 0.75))
    near = np.flatnonzero(
        (frequencies >= SECOND_PASS_FACTORS[0] * low) & (frequencies <= SECOND_PASS_FACTORS[1] * high)
    )
    return np.asarray(near[0] + score[:, near[0] : near[-1] + 1].argmax(axis=1))


def _interpolate_lag(normalised: Array, lags: npt.NDArray[np.intp]) -> npt.NDArray[np.floating]:
    """Lags (n,) in fractions of a sample: the peak of a parabola through each maximum's neighbours."""
    rows = np.arange(len(normalised))
    left, middle, right = (normalised[rows, lags + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < 0, 0.5 * (left - right) / np.minimum(curvature, -EPSILON), 0)
    return np.asarray(lags + np.clip(shift, -0.5, 0.5))


@cache
def _compute_window_correction() -> Array:
    """Reciprocal of the window's own normalised autocorrelation at each lag (Boersma 1993)."""
    window = make_hann_window(WINDOW_SAMPLES).numpy().astype(np.float64)
    power = np.abs(np.fft.rfft(window, 2 * FFT_SIZE)) ** 2
    autocorrelation = np.fft.irfft(power)[: get_pitch_lag_range()[1] + 2]
    return (1 / np.maximum(autocorrelation / autocorrelation[0], 0.02)).astype(np.float32)


def compute_pitch_features(pitch: Array, clarity: Array, active: npt.NDArray[np.bool_]) -> Array:
    """Statistics (24,) of the contour (16), of voiced stretches (3: share, number a second, seconds), of
    clarity (5).

    pitch:   (n,) semitones, NaN unvoiced
    clarity: (n,)
    active:  (n,) frames that are no pause
    """
    voiced = ~np.isnan(pitch)
    clarity_summary = summarise(clarity[active, None]).ravel()
    seconds = max(active.sum() / FRAME_RATE_HZ, 0.1)
    onsets = np.flatnonzero(np.diff(np.concatenate([[False], voiced]).astype(int)) == 1)
    voicing = np.array(
        [voiced[active].mean(), len(onsets) / seconds, voiced.sum() / max(len(onsets), 1) / FRAME_RATE_HZ]
    )
    contour = np.zeros(16, np.float32)
    if voiced.sum() > 3:
        contour[:10] = _summarise_height(pitch, voiced)
        _summarise_movement(pitch, contour[10:])
    return np.concatenate([contour, voicing, clarity_summary])


def _summarise_height(pitch: Array, voiced: npt.NDArray[np.bool_]) -> list[np.floating]:
    """Mean, spread, five quantiles, slope, and the first and last third against the mean."""
    heights, seconds = pitch[voiced], np.flatnonzero(voiced) / FRAME_RATE_HZ
    centred = seconds - seconds.mean()
    slope = centred @ heights / (centred @ centred) if np.ptp(seconds) > MIN_SLOPE_SECONDS else 0.0
    thirds = np.array_split(heights, 3)
    return [
        heights.mean(), heights.std(), *compute_quantiles(heights, CONTOUR_QUANTILES),
        np.clip(slope, -MAX_SLOPE, MAX_SLOPE),
        thirds[0].mean() - heights.mean(), thirds[2].mean() - heights.mean(),
    ]  # fmt: skip


def _summarise_movement(pitch: Array, out: Array) -> None:
    """Mean rise, mean fall, share of rises, mean step; median and mean of the change of step; into (6,)."""
    steps = np.diff(pitch)
    steps = steps[~np.isnan(steps)]
    step_changes = np.diff(pitch, n=2)
    step_changes = np.abs(step_changes[~np.isnan(step_changes)])
    if len(steps):
        rises, falls = steps[steps > 0], -steps[steps < 0]
        out[:4] = [
            rises.mean() if len(rises) else 0, falls.mean() if len(falls) else 0,
            len(rises) / len(steps), np.abs(steps).mean(),
        ]  # fmt: skip
    if len(step_changes):
        out[4:] = [np.median(step_changes), step_changes.mean()]
