"""How a sound feels, in measurements: pitch, voice, loudness, timbre, rhythm and harmony of 16 kHz sound.

What listeners read arousal and valence from in voices and in music (Juslin & Laukka 2003, "Communication of
emotions in vocal expression and music performance"), and the voice parameters of Eyben et al. 2016 ("The
Geneva minimalistic acoustic parameter set"). None depends on the gain.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import Audio, EncoderCard, Rows
from encoders.logmel import ACTIVE_POWER_RATIO, is_audible, resample

if TYPE_CHECKING:
    import torch

SAMPLE_RATE_HZ = 16000  # Hz
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SIZE = (
    640,
    320,
    1024,
)  # samples: 40 ms, two periods of the lowest voice, every 20 ms
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES  # Hz
CHROMA_WINDOW_SAMPLES, CHROMA_HOP_SAMPLES = 4096, 4096  # samples: 256 ms tell semitones apart
BLOCK_FRAMES = 3000  # frames, a minute: a spectrum of hours at once would take gigabytes
MEL_BANDS, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 40, 50.0, 7600.0
FLOOR_DB = -60.0  # dB under the loudest mel cell
ACTIVE_LEVEL_DB = 10 * np.log10(ACTIVE_POWER_RATIO)  # dB: frames below it are pauses
MFCC_COUNT = 13
PITCH_RANGE_HZ = 62.5, 700.0  # Hz: acted fear and joy shout at 600
VOICING_THRESHOLD = 0.5  # of the normalised autocorrelation (Boersma 1993 takes .45)
OCTAVE_COST = 0.04  # an octave down must be that much more regular
PITCH_RETRY_FACTORS = 0.7, 1.6  # of the clip's lower and upper quartile: where its pitch is looked for again
CONTOUR_PARTS = 6  # parts of the sounding stretch
QUANTILES = (0.1, 0.5, 0.9)
MODULATION_EDGES_HZ = (0.5, 1, 2, 4, 8, 16, 25)  # Hz, of the loudness envelope
ROUGHNESS_EDGES_HZ = (
    20,
    40,
    75,
    150,
    300,
)  # Hz, of the amplitude (Arnal et al. 2015 hear screams at 30 to 150)
MIDI_NOTES = np.arange(33, 97)  # MIDI: 55 to 2093 Hz
BEAT_PERIOD_RANGE_SECONDS = 0.25, 1.5  # seconds a beat
# Krumhansl & Kessler 1982: how well each tone fits a major and a minor key
MAJOR_KEY_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_KEY_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
EPSILON = 1e-10
CHANGE_LAG_FRAMES = 1, 3, 10  # frames over which bands change: 20, 60, 200 ms
TIMBRE_EDGES_HZ = (
    60.0,
    250.0,
    500.0,
    1000.0,
    2000.0,
    3500.0,
    5000.0,
    MAX_FREQUENCY_HZ,
)  # Hz between bands that are compared
DIM = 442
_WINDOW_OFFSET = (FFT_SIZE - WINDOW_SAMPLES) // 2

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class LowLevelDescriptors:
    """What is measured every 20 ms of n frames, 0 dB being the loudest frame.

    mel_levels: (n, 40) dB under the loudest cell
    loudness: (n,) dB
    pitch:   (n,) semitones above 1 Hz; NaN where there is no voice
    clarity: (n,) the autocorrelation at the pitch, 0 to 1
    timbre:  (n, k) see `_compute_timbre`
    voice_quality: (n, k) see `_compute_voice_quality`; NaN where there is no voice
    """

    mel_levels: Array
    loudness: Array
    pitch: Array
    clarity: Array
    timbre: Array
    voice_quality: Array

    def select_frames(self, frame_slice: slice) -> LowLevelDescriptors:
        """Some frames."""
        return LowLevelDescriptors(**{name: track[frame_slice] for name, track in vars(self).items()})


def compute_feature_groups(audio: Audio) -> dict[str, Array]:
    """The measurements of audible sound by kind, each (d,), from where it begins to where it ends.

    Silence before and after is the recording's and not the speaker's.
    """
    samples = resample(audio, SAMPLE_RATE_HZ)
    tracks = _compute_descriptors(samples)
    first, last = np.flatnonzero(tracks.loudness >= ACTIVE_LEVEL_DB)[[0, -1]]
    start = max(
        min(first * HOP_SAMPLES, len(samples) - HOP_SAMPLES), 0
    )  # the last frame lies half beyond the end
    samples, tracks = samples[start : (last + 1) * HOP_SAMPLES], tracks.select_frames(slice(first, last + 1))
    here = tracks.loudness >= ACTIVE_LEVEL_DB
    return {
        "bands": _compute_band_features(tracks, here),
        "cepstra": _compute_cepstral_features(tracks, here),
        "pitch": _compute_pitch_features(tracks, here),
        "voice": _summarise_known(tracks.voice_quality[here]),
        "timbre": _summarise(tracks.timbre[here]).ravel(),
        "loudness": _compute_loudness_features(tracks, here),
        "rhythm": _compute_rhythm_features(tracks),
        "roughness": _compute_roughness_features(samples),
        "harmony": _compute_harmony_features(samples),
        "course": _compute_contour_features(tracks),
    }


def compute_acoustic_features(audio: Audio) -> Array:
    """All measurements (DIM,) of audible sound."""
    return np.concatenate(list(compute_feature_groups(audio).values())).astype(np.float32)


@dataclass(frozen=True)
class AcousticEncoder:
    """Measurements (n, 442), raw. Silence abstains."""

    card: EncoderCard

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 442); NaN where `is_audible` is False."""
        nothing = np.full(DIM, np.nan, np.float32)
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # one a core: a sound is too short to share out
            rows = list(
                threads.map(
                    lambda sound: compute_acoustic_features(sound) if is_audible(sound) else nothing, items
                )
            )
        return np.stack(rows) if rows else np.empty((0, DIM), np.float32)


def tone() -> AcousticEncoder:
    """Measurements by formula: no weights."""
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
    """Stretches of at most `window_seconds` seconds around each `hop_seconds` seconds of sound, and where
    those begin (n,).

    Entry i is to tell of the time from starts[i] to starts[i] + hop. At the ends a stretch is shorter.
    """
    count = max(int(np.ceil(audio.duration / hop_seconds - 1e-6)), 1)
    starts = np.arange(count, dtype=np.float64) * hop_seconds
    sides = [
        ((middle - window_seconds / 2), (middle + window_seconds / 2)) for middle in starts + hop_seconds / 2
    ]
    places = [(max(round(one * audio.sample_rate), 0), round(two * audio.sample_rate)) for one, two in sides]
    return [
        Audio(samples=audio.samples[one:two], sample_rate=audio.sample_rate) for one, two in places
    ], starts


# ---------------------------------------------------------------- frames


def _compute_descriptors(samples: Array) -> LowLevelDescriptors:
    import torch

    samples, side = _pad_to_length(samples, FFT_SIZE), FFT_SIZE // 2
    frames = 1 + len(samples) // HOP_SAMPLES
    mirrored = np.concatenate([samples[side:0:-1], samples, samples[-2 : -side - 2 : -1]])
    centred = torch.from_numpy(mirrored)
    parts = []
    for start in range(0, frames, BLOCK_FRAMES):
        stop = min(start + BLOCK_FRAMES, frames)
        pieces = centred[start * HOP_SAMPLES : (stop - 1) * HOP_SAMPLES + FFT_SIZE].unfold(
            0, FFT_SIZE, HOP_SAMPLES
        )[:, _WINDOW_OFFSET : _WINDOW_OFFSET + WINDOW_SAMPLES]
        spectrum = torch.fft.rfft(pieces * _make_hann_window(WINDOW_SAMPLES), FFT_SIZE)
        power = _compute_power(spectrum)
        regular = torch.fft.irfft(power)[:, : _get_pitch_lag_range()[1] + 2]
        parts.append(_measure_frames(power.numpy(), regular.numpy()))
    mel, energy, *rest = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    return LowLevelDescriptors(
        mel_levels=np.maximum(_to_decibels(mel / max(mel.max(), EPSILON)), FLOOR_DB),
        loudness=np.maximum(_to_decibels(energy / max(energy.max(), EPSILON)), FLOOR_DB),
        pitch=rest[0],
        clarity=rest[1],
        timbre=rest[2],
        voice_quality=rest[3],
    )


def _compute_power(spectrum: torch.Tensor) -> torch.Tensor:
    """Squared magnitude; `abs` takes three times as long."""
    return spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)


def _multiply_matrices(left: Array, right: Array) -> Array:
    """Of matrices, by torch: numpy's threads and torch's, each awake for a while after work, get in each
    other's way, which takes ten times as long on a busy machine.
    """
    import torch

    return np.asarray((torch.from_numpy(left) @ torch.from_numpy(right)).numpy())


def _pad_to_length(samples: Array, min_length: int) -> Array:
    """With silence at the end of what is too short."""
    return np.pad(samples, (0, min_length - len(samples))) if len(samples) < min_length else samples


def _measure_frames(power: Array, autocorrelation: Array) -> tuple[Array, ...]:
    sums = _multiply_matrices(power, _make_band_weights())
    mel, energy, shape = sums[:, :MEL_BANDS], sums[:, MEL_BANDS], sums[:, MEL_BANDS + 1 :]
    pitch, clarity = _estimate_pitch(autocorrelation, energy)
    return (
        mel,
        energy,
        pitch,
        clarity,
        _compute_timbre(power, shape, EPSILON * energy.max()),
        _compute_voice_quality(power, pitch),
    )


def _estimate_pitch(autocorrelation: Array, energy: Array) -> tuple[Array, Array]:
    """Semitones (NaN unvoiced) and clarity of frames' autocorrelation (n, lags), looked for twice.

    The second time near the first's quartiles, against jumps of an octave (De Looze & Hirst 2008).
    """
    shortest, longest = _get_pitch_lag_range()
    normal = autocorrelation * (1 / np.maximum(autocorrelation[:, :1], EPSILON))
    normal *= _compute_window_correction()
    inside = normal[:, shortest : longest + 1]
    rising = normal[:, shortest : longest + 2] >= normal[:, shortest - 1 : longest + 1]
    falling = normal[:, shortest : longest + 1] >= normal[:, shortest + 1 : longest + 2]
    lags = np.arange(shortest, longest + 1)
    cost = (OCTAVE_COST * np.log2(lags / shortest)).astype(np.float32)
    score = np.where(rising[:, :-1] & falling, inside - cost, np.float32(-1))
    rows = np.arange(len(score))
    loud = energy >= energy.max() * ACTIVE_POWER_RATIO
    best = score.argmax(axis=1)
    sure = (inside[rows, best] >= VOICING_THRESHOLD) & loud
    if sure.any():
        low, high = _compute_quantiles(SAMPLE_RATE_HZ / lags[best[sure]], (0.25, 0.75))
        near = np.flatnonzero(
            (SAMPLE_RATE_HZ / lags >= PITCH_RETRY_FACTORS[0] * low)
            & (SAMPLE_RATE_HZ / lags <= PITCH_RETRY_FACTORS[1] * high)
        )
        best = near[0] + score[:, near[0] : near[-1] + 1].argmax(axis=1)
    clarity = np.clip(inside[rows, best], 0, 1)
    left, middle, right = (normal[rows, best + shortest + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -EPSILON), 0)
    hertz = SAMPLE_RATE_HZ / (lags[best] + np.clip(shift, -0.5, 0.5))
    found = (clarity >= VOICING_THRESHOLD) & loud & (score[rows, best] > -1)
    return (np.where(found, 12 * np.log2(hertz), np.nan).astype(np.float32), clarity.astype(np.float32))


def _compute_timbre(power: Array, weighted_sums: Array, floor: float) -> Array:
    """Centroid and spread (octaves), flatness, roll-off, and tilts (dB) of each frame (n, 513).

    weighted_sums: (n, 9) of power times octaves and their squares, and of bands between TIMBRE
    floor: added to each bin
    """
    import torch

    edges = _find_timbre_bins()
    inside = power[:, edges[0] : edges[-1]]
    octave = np.log2(_get_bin_frequencies()[edges[0] : edges[-1]])
    bands = weighted_sums[:, 2:] + floor * np.diff(edges)
    whole = bands.sum(axis=1)
    centroid = (weighted_sums[:, 0] + floor * octave.sum()) / whole
    square = (weighted_sums[:, 1] + floor * (octave**2).sum()) / whole
    spread = np.sqrt(np.maximum(square - centroid**2, 0))
    every_second = torch.from_numpy(inside)[:, ::2]  # the window blurs neighbours into one
    logs = (every_second + floor).log_().mean(dim=1).numpy()
    flatness = logs - np.log(whole / inside.shape[1])
    level = _to_decibels(bands)
    alpha = _to_decibels(bands[:, :3].sum(axis=1)) - _to_decibels(bands[:, 3:6].sum(axis=1))
    places = ((edges[0], edges[4]), (edges[4], edges[6]))
    peaks = [_to_decibels(_compute_row_maxima(power[:, one:two]) + floor) for one, two in places]
    tilts = np.diff(level, axis=1)
    return np.column_stack([centroid, spread, flatness, alpha, peaks[0] - peaks[1], tilts]).astype(np.float32)


def _compute_voice_quality(power: Array, pitch: Array) -> Array:
    """dB of harmonics 1 - 2, 1 - 3, 1 - the strongest at 1 to 2 and 2 to 4 kHz; (n, 4), NaN unvoiced."""
    out = np.full((len(power), 4), np.nan, np.float32)
    here = np.flatnonzero(~np.isnan(pitch))
    if len(here):
        bins = 2 ** (pitch[here] / 12) * FFT_SIZE / SAMPLE_RATE_HZ
        first, *others = (_find_peak_power(power, here, bins * number) for number in (1, 2, 3))
        others += [_compute_row_maxima(power[here, one:two]) for one, two in ((64, 128), (128, 256))]
        out[here] = _to_decibels(first)[:, None] - _to_decibels(np.stack(others, axis=1))
    return out


def _find_peak_power(
    power: Array, frame_indices: npt.NDArray[np.int64], bins: npt.NDArray[np.floating]
) -> Array:
    """The most of the three bins around a place (n,) in some rows (n,) of spectra."""
    middle = np.clip(np.round(bins).astype(int), 1, power.shape[1] - 2)
    return np.asarray(power[frame_indices[:, None], middle[:, None] + np.arange(-1, 2)].max(axis=1))


def _compute_row_maxima(values: Array) -> Array:
    """(n,) the most of each row; numpy takes four times as long."""
    import torch

    return np.asarray(torch.from_numpy(values).amax(dim=1).numpy())


# ---------------------------------------------------------------- statistics


def _summarise(values: Array) -> Array:
    """Mean, spread and three quantiles (5, k) of (n, k), n > 0."""
    return np.concatenate([[values.mean(axis=0), values.std(axis=0)], _compute_quantiles(values, QUANTILES)])


def _compute_quantiles(
    values: npt.NDArray[np.floating], probabilities: Sequence[float]
) -> npt.NDArray[np.floating]:
    """As np.quantile along the first axis, without its checks, which take longer than the work."""
    ordered = np.sort(values, axis=0)
    place = (len(ordered) - 1) * np.array(probabilities)
    below = place.astype(int)
    part = (place - below).reshape(-1, *[1] * (values.ndim - 1))
    return ordered[below] * (1 - part) + ordered[np.minimum(below + 1, len(ordered) - 1)] * part


def _summarise_known(values: Array) -> Array:
    """The summary of the rows (n, k) without a NaN, flat; zeros where there is none."""
    known = values[~np.isnan(values).any(axis=1)]
    return _summarise(known).ravel() if len(known) else np.zeros(5 * values.shape[1], np.float32)


def _compute_mean_change(values: Array, lag: int) -> Array:
    """Mean absolute change (k,) of (n, k) over `lag` rows."""
    if len(values) <= lag:
        return np.zeros(values.shape[1], np.float32)
    return np.asarray(np.abs(values[lag:] - values[:-lag]).mean(axis=0))


def _compute_band_features(descriptors: LowLevelDescriptors, active: npt.NDArray[np.bool_]) -> Array:
    """Of each mel band: mean under the clip's own, spread, change over 20, 60 and 200 ms."""
    level = descriptors.mel_levels[active]
    mean = level.mean(axis=0)
    parts = [mean - mean.mean(), level.std(axis=0), _compute_mean_change(level, CHANGE_LAG_FRAMES[0])]
    return np.concatenate(
        [*parts, *(_compute_mean_change(descriptors.mel_levels, lag) for lag in CHANGE_LAG_FRAMES[1:])]
    )


def _compute_cepstral_features(descriptors: LowLevelDescriptors, active: npt.NDArray[np.bool_]) -> Array:
    """Spread, change, and change of the change of the mel cepstrum; its mean is in the bands."""
    cepstrum = _multiply_matrices(descriptors.mel_levels, _make_dct_matrix())
    step = _compute_deltas(cepstrum)
    bend = _compute_deltas(step)
    inside = cepstrum[active]
    return np.concatenate(
        [
            inside.mean(axis=0),
            inside.std(axis=0),
            _compute_skewness(inside),
            step[active].std(axis=0),
            bend[active].std(axis=0),
        ]
    )


def _compute_deltas(values: Array) -> Array:
    """Half of what lies between the rows before and after, of (n, k); 0 at the ends."""
    found = np.zeros_like(values)
    found[1:-1] = (values[2:] - values[:-2]) / 2
    return found


def _smooth(values: Array, weights: npt.NDArray[np.float64]) -> Array:
    """Running mean (n,) of (n,) with an odd number of weights."""
    side = len(weights) // 2
    return np.convolve(np.pad(values, side, mode="edge"), weights / weights.sum(), mode="valid")


def _compute_skewness(values: Array) -> Array:
    centred = values - values.mean(axis=0)
    square = centred * centred
    return np.asarray((square * centred).mean(axis=0) / (square.mean(axis=0) ** 1.5 + EPSILON))


def _compute_pitch_features(descriptors: LowLevelDescriptors, active: npt.NDArray[np.bool_]) -> Array:
    """Pitch: height, spread, quantiles, slopes, unevenness; share, number and length of voiced stretches."""
    pitch = descriptors.pitch
    voiced = ~np.isnan(pitch)
    clear = _summarise(descriptors.clarity[active, None]).ravel()
    seconds = max(active.sum() / FRAME_RATE_HZ, 0.1)
    starts = np.flatnonzero(np.diff(np.concatenate([[False], voiced]).astype(int)) == 1)
    shape = np.array(
        [voiced[active].mean(), len(starts) / seconds, voiced.sum() / max(len(starts), 1) / FRAME_RATE_HZ]
    )
    steps = np.diff(pitch)
    steps = steps[~np.isnan(steps)]
    bends = np.diff(pitch, n=2)
    bends = np.abs(bends[~np.isnan(bends)])
    told = np.zeros(16, np.float32)
    if voiced.sum() > 3:
        known, when = pitch[voiced], np.flatnonzero(voiced) / FRAME_RATE_HZ
        spots = _compute_quantiles(known, (0.05, 0.25, 0.5, 0.75, 0.95))
        late = when - when.mean()
        slope = late @ known / (late @ late) if np.ptp(when) > 0.2 else 0.0
        third = np.array_split(known, 3)
        told[:10] = [
            known.mean(), known.std(), *spots, np.clip(slope, -20, 20),
            third[0].mean() - known.mean(), third[2].mean() - known.mean(),
        ]  # fmt: skip
        if len(steps):
            rising, falling = steps[steps > 0], -steps[steps < 0]
            told[10:14] = [
                rising.mean() if len(rising) else 0, falling.mean() if len(falling) else 0,
                len(rising) / len(steps), np.abs(steps).mean(),
            ]  # fmt: skip
        if len(bends):
            told[14:] = [np.median(bends), bends.mean()]
    return np.concatenate([told, shape, clear])


def _compute_loudness_features(descriptors: LowLevelDescriptors, active: npt.NDArray[np.bool_]) -> Array:
    """Loudness: spread, quantiles, rise and fall, pauses, peaks a second, modulation by frequency band."""
    loud = descriptors.loudness
    inside = loud[active]
    seconds = len(loud) / FRAME_RATE_HZ
    steps = np.diff(loud, prepend=loud[:1])
    smooth = _smooth(loud, np.hanning(5))
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > -25)
    rise, fall = steps[steps > 0], -steps[steps < 0]
    basic = [
        inside.mean(),
        inside.std(),
        *_compute_quantiles(inside, QUANTILES),
        *_compute_quantiles(loud, (0.05, 0.2)),
        rise.mean() if len(rise) else 0,
        fall.mean() if len(fall) else 0,
        active.mean(),
        peaks.sum() / max(seconds, 0.1),
        np.log2(max(seconds, 0.05)),
    ]
    third = np.array_split(loud, 3)
    basic += [third[0].mean() - loud.mean(), third[2].mean() - loud.mean()] if len(loud) > 3 else [0, 0]
    return np.concatenate(
        [basic, _compute_modulation_spectrum(10 ** (loud[None] / 20), FRAME_RATE_HZ, MODULATION_EDGES_HZ)[0]]
    )


def _compute_modulation_spectrum(
    envelopes: npt.NDArray[np.floating], sample_rate: float, edges: Sequence[float]
) -> Array:
    """ln of the power of envelopes (n, t) between consecutive Hz (n, bands), by their squared means."""
    mean, count = envelopes.mean(axis=1, keepdims=True), envelopes.shape[1]
    size = max(count, 64)
    spectrum = np.fft.rfft((envelopes - mean) * np.hanning(count), size)
    power = spectrum.real**2 + spectrum.imag**2
    bounds = np.searchsorted(np.fft.rfftfreq(size, 1 / sample_rate), edges)
    sums = np.stack([power[:, one:two].sum(axis=1) for one, two in pairwise(bounds)], axis=1)
    return np.log(sums / (count**2 * np.maximum(mean**2, EPSILON)) + 1e-7)


def _compute_roughness_features(samples: Array) -> Array:
    """ln of the amplitude's power at 20 to 300 Hz, half a second at a time; mean and spread."""
    size, piece = 16, SAMPLE_RATE_HZ // 2
    filled = np.pad(samples, (0, -len(samples) % piece)) if len(samples) < piece else samples
    count = len(filled) // piece
    envelope = np.abs(filled[: count * piece]).reshape(-1, size) @ np.full(size, 1 / size, np.float32)
    envelope = envelope.reshape(count, piece // size)
    level = envelope.mean(axis=1)
    told = _compute_modulation_spectrum(
        envelope[level >= level.mean() * 0.3], SAMPLE_RATE_HZ / size, ROUGHNESS_EDGES_HZ
    )
    return np.concatenate([told.mean(axis=0), told.std(axis=0)])


def _compute_rhythm_features(descriptors: LowLevelDescriptors) -> Array:
    """Onsets: strength, spread, number a second; pulse clarity and tempo by autocorrelation."""
    rises = np.maximum(np.diff(descriptors.mel_levels, axis=0), 0).mean(axis=1)
    if len(rises) < 10:
        return np.zeros(11, np.float32)
    local = _smooth(rises, np.ones(15))
    top = (rises[1:-1] > rises[:-2]) & (rises[1:-1] >= rises[2:]) & (rises[1:-1] > 1.5 * local[1:-1] + 1)
    centred = rises - rises.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    again = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2)[: len(centred)]
    again = again / max(float(again[0]), EPSILON)
    first, last = (round(second * FRAME_RATE_HZ) for second in BEAT_PERIOD_RANGE_SECONDS)
    part = again[first : last + 1]
    clear, beat = (
        (float(part.max()), (int(part.argmax()) + first) / FRAME_RATE_HZ) if len(part) else (0.0, 0.5)
    )
    strength = rises[1:-1][top]
    return np.array(
        [
            rises.mean(),
            rises.std(),
            *_compute_quantiles(rises, (0.5, 0.9, 0.98)),
            top.sum() / (len(rises) / FRAME_RATE_HZ),
            strength.mean() if len(strength) else 0,
            strength.std() if len(strength) else 0,
            clear,
            np.log2(beat),
            float(_compute_skewness(rises[:, None])[0]),
        ]
    )


def _compute_harmony_features(samples: Array) -> Array:
    """Key clarity, major against minor, the twelve tones' evenness and change, register, dissonance."""
    import torch

    filled = torch.from_numpy(_pad_to_length(samples, CHROMA_WINDOW_SAMPLES))
    notes = []
    for start in range(0, len(filled) - CHROMA_WINDOW_SAMPLES + 1, CHROMA_HOP_SAMPLES * BLOCK_FRAMES):
        pieces = filled[
            start : start + CHROMA_HOP_SAMPLES * (BLOCK_FRAMES - 1) + CHROMA_WINDOW_SAMPLES
        ].unfold(0, CHROMA_WINDOW_SAMPLES, CHROMA_HOP_SAMPLES)
        power = _compute_power(
            torch.fft.rfft(pieces * _make_hann_window(CHROMA_WINDOW_SAMPLES))[
                :, : len(_make_note_filterbank())
            ]
        )
        notes.append(_multiply_matrices(power.sqrt_().numpy(), _make_note_filterbank()))
    tones = np.concatenate(notes) + EPSILON
    whole = tones.sum(axis=1)
    shares = tones / whole[:, None]
    weight = np.sqrt(whole)
    weight = weight / weight.sum()
    chroma = shares @ _make_octave_folding()
    mean = weight @ chroma
    even = mean - mean.mean()
    fits = (_make_key_profiles() @ even / (np.sqrt(even @ even) + EPSILON)).reshape(2, 12)
    best = fits.max(axis=1)
    evenness = -(mean * np.log(mean + EPSILON)).sum()
    own = -(chroma * np.log(chroma + EPSILON)).sum(axis=1) @ weight
    height = shares @ MIDI_NOTES
    rough = (_multiply_matrices(shares, _make_dissonance_matrix()) * shares).sum(axis=1) / (shares**2).sum(
        axis=1
    )
    spread = np.sqrt(np.maximum(shares @ MIDI_NOTES**2 - height**2, 0))
    flux = np.abs(np.diff(shares, axis=0)).sum(axis=1).mean() if len(shares) > 1 else 0.0
    peaky = np.log(shares.max(axis=1)) @ weight
    return np.array(
        [
            best.max(), best[0], best[1], best[0] - best[1], fits.mean(axis=1)[0], evenness, own, flux, peaky,
            weight @ height, weight @ spread, np.sqrt(weight @ (height - weight @ height) ** 2),
            weight @ rough, shares[:, :15].sum(axis=1) @ weight, shares[:, -24:].sum(axis=1) @ weight,
        ]
    )  # fmt: skip


def _compute_contour_features(descriptors: LowLevelDescriptors) -> Array:
    """Loudness, pitch, clarity and centroid in six equal parts, less their mean."""
    known = ~np.isnan(descriptors.pitch)
    middle = float(np.median(descriptors.pitch[known])) if known.any() else 0.0
    melody = np.where(known, descriptors.pitch - middle, 0)
    lines = np.stack([descriptors.loudness, melody, descriptors.clarity, descriptors.timbre[:, 0]], axis=1)
    parts = [part if len(part) else lines[-1:] for part in np.array_split(lines, CONTOUR_PARTS)]
    means = np.stack([part.mean(axis=0) for part in parts])
    return np.asarray(means - means.mean(axis=0)).ravel()


# ---------------------------------------------------------------- tables


def _to_decibels(power: npt.NDArray[np.floating]) -> Array:
    return np.asarray(10 * np.log10(np.maximum(power, EPSILON)), np.float32)


def _get_pitch_lag_range() -> tuple[int, int]:
    """Samples of the shortest and the longest period."""
    return int(SAMPLE_RATE_HZ / PITCH_RANGE_HZ[1]), int(SAMPLE_RATE_HZ / PITCH_RANGE_HZ[0])


@cache
def _make_hann_window(size: int) -> torch.Tensor:
    import torch

    return torch.hann_window(size)


@cache
def _compute_window_correction() -> Array:
    """One by that of the window at each lag: what the frames' own is multiplied by (Boersma 1993)."""
    window = _make_hann_window(WINDOW_SAMPLES).numpy().astype(np.float64)
    power = np.abs(np.fft.rfft(window, 2 * FFT_SIZE)) ** 2
    own = np.fft.irfft(power)[: _get_pitch_lag_range()[1] + 2]
    return (1 / np.maximum(own / own[0], 0.02)).astype(np.float32)


@cache
def _get_bin_frequencies() -> Array:
    return np.asarray(np.fft.rfftfreq(FFT_SIZE, 1 / SAMPLE_RATE_HZ), np.float32)


@cache
def _find_timbre_bins() -> npt.NDArray[np.int64]:
    """Bins between the bands of TIMBRE."""
    return np.searchsorted(_get_bin_frequencies(), TIMBRE_EDGES_HZ)


@cache
def _make_band_weights() -> Array:
    """(513, 50) from power to mel bands, energy, power times octaves and their squares, bands of TIMBRE."""
    from torchaudio.functional import melscale_fbanks

    mel = melscale_fbanks(
        FFT_SIZE // 2 + 1, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ, MEL_BANDS, SAMPLE_RATE_HZ
    ).numpy()
    edges, bins = _find_timbre_bins(), np.arange(FFT_SIZE // 2 + 1)
    octave = np.log2(np.maximum(_get_bin_frequencies(), 1)) * ((bins >= edges[0]) & (bins < edges[-1]))
    bands = [(bins >= one) & (bins < two) for one, two in pairwise(edges)]
    return np.column_stack([mel, np.ones(len(bins)), octave, octave**2, *bands]).astype(np.float32)


@cache
def _make_dct_matrix() -> Array:
    """(40, 13) of the discrete cosine transform, without the first."""
    place = (np.arange(MEL_BANDS) + 0.5) / MEL_BANDS
    return np.asarray(
        np.sqrt(2 / MEL_BANDS) * np.cos(np.pi * place[:, None] * np.arange(1, MFCC_COUNT + 1)), np.float32
    )


@cache
def _make_note_filterbank() -> Array:
    """(k, 64) how far a bin belongs to a semitone, up to two semitones above the highest."""
    hertz = np.fft.rfftfreq(CHROMA_WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)
    height = 69 + 12 * np.log2(np.maximum(hertz, 1) / 440)
    height = height[height < MIDI_NOTES[-1] + 2]
    return np.asarray(np.exp(-0.5 * ((height[:, None] - MIDI_NOTES) / 0.35) ** 2), np.float32)


@cache
def _make_octave_folding() -> Array:
    """(64, 12) the same tone of all octaves."""
    return (np.arange(len(MIDI_NOTES))[:, None] % 12 == np.arange(12)).astype(np.float32)


@cache
def _make_key_profiles() -> Array:
    """(24, 12) profiles of the major keys, then the minor ones, of mean 0 and length 1."""
    turned = np.array(
        [np.roll(key, turn) for key in (MAJOR_KEY_PROFILE, MINOR_KEY_PROFILE) for turn in range(12)]
    )
    centred = turned - turned.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=1, keepdims=True)), np.float32)


@cache
def _make_dissonance_matrix() -> Array:
    """(64, 64) of two notes by their distance in critical bands (Plomp & Levelt 1965, as Sethares 1993)."""
    hertz = 440 * 2 ** ((MIDI_NOTES - 69) / 12)
    low = np.minimum(hertz[:, None], hertz)
    gap = np.abs(hertz[:, None] - hertz) * 0.24 / (0.021 * low + 19)
    return np.asarray(np.exp(-3.5 * gap) - np.exp(-5.75 * gap), np.float32)
