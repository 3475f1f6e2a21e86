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

from encoders.base import Card, Rows, Sound
from encoders.logmel import ACTIVE, at_rate, audible

if TYPE_CHECKING:
    import torch

RATE = 16000  # Hz
WINDOW, HOP, FFT = 640, 320, 1024  # samples: 40 ms, two periods of the lowest voice, every 20 ms
FRAME_RATE = RATE / HOP  # Hz
LONG, LONG_HOP = 4096, 4096  # samples: 256 ms tell semitones apart
BLOCK = 3000  # frames, a minute: a spectrum of hours at once would take gigabytes
MELS, LOWEST, HIGHEST = 40, 50.0, 7600.0
FLOOR = -60.0  # dB under the loudest mel cell
SOUNDING = 10 * np.log10(ACTIVE)  # dB: frames below it are pauses
CEPSTRA = 13
PITCHES = 62.5, 700.0  # Hz: acted fear and joy shout at 600
VOICED = 0.5  # of the normalised autocorrelation (Boersma 1993 takes .45)
OCTAVE_COST = 0.04  # an octave down must be that much more regular
NEAR = 0.7, 1.6  # of the clip's lower and upper quartile: where its pitch is looked for again
COURSE = 6  # parts of the sounding stretch
QUANTILES = (0.1, 0.5, 0.9)
MODULATIONS = (0.5, 1, 2, 4, 8, 16, 25)  # Hz, of the loudness envelope
ROUGHNESS = (20, 40, 75, 150, 300)  # Hz, of the amplitude (Arnal et al. 2015 hear screams at 30 to 150)
NOTES = np.arange(33, 97)  # MIDI: 55 to 2093 Hz
TEMPO = 0.25, 1.5  # seconds a beat
# Krumhansl & Kessler 1982: how well each tone fits a major and a minor key
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
TINY = 1e-10
LAGS = 1, 3, 10  # frames over which bands change: 20, 60, 200 ms
TIMBRE = 60.0, 250.0, 500.0, 1000.0, 2000.0, 3500.0, 5000.0, HIGHEST  # Hz between bands that are compared
DIM = 442
_EDGE = (FFT - WINDOW) // 2

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """What is measured every 20 ms of n frames, 0 dB being the loudest frame.

    mel:     (n, 40) dB under the loudest cell
    loud:    (n,) dB
    pitch:   (n,) semitones above 1 Hz; NaN where there is no voice
    clarity: (n,) the autocorrelation at the pitch, 0 to 1
    timbre:  (n, k) see `_timbre`
    voice:   (n, k) see `_voice`; NaN where there is no voice
    """

    mel: Array
    loud: Array
    pitch: Array
    clarity: Array
    timbre: Array
    voice: Array

    def part(self, frames: slice) -> Tracks:
        """Some frames."""
        return Tracks(**{name: track[frames] for name, track in vars(self).items()})


def measurements(sound: Sound) -> dict[str, Array]:
    """The measurements of audible sound by kind, each (d,), from where it begins to where it ends.

    Silence before and after is the recording's and not the speaker's.
    """
    samples = at_rate(sound, RATE)
    tracks = _tracks(samples)
    first, last = np.flatnonzero(tracks.loud >= SOUNDING)[[0, -1]]
    start = max(min(first * HOP, len(samples) - HOP), 0)  # the last frame lies half beyond the end
    samples, tracks = samples[start : (last + 1) * HOP], tracks.part(slice(first, last + 1))
    here = tracks.loud >= SOUNDING
    return {
        "bands": _bands(tracks, here),
        "cepstra": _cepstra(tracks, here),
        "pitch": _melody(tracks, here),
        "voice": _known_summary(tracks.voice[here]),
        "timbre": _summary(tracks.timbre[here]).ravel(),
        "loudness": _loudness(tracks, here),
        "rhythm": _rhythm(tracks),
        "roughness": _roughness(samples),
        "harmony": _harmony(samples),
        "course": _course(tracks),
    }


def describe(sound: Sound) -> Array:
    """All measurements (DIM,) of audible sound."""
    return np.concatenate(list(measurements(sound).values())).astype(np.float32)


@dataclass(frozen=True)
class Tone:
    """Measurements (n, 442), raw. Silence abstains."""

    card: Card

    def encode(self, items: Sequence[Sound]) -> Rows:
        """Rows (n, 442); NaN where `audible` is False."""
        nothing = np.full(DIM, np.nan, np.float32)
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # one a core: a sound is too short to share out
            rows = list(threads.map(lambda sound: describe(sound) if audible(sound) else nothing, items))
        return np.stack(rows) if rows else np.empty((0, DIM), np.float32)


def tone() -> Tone:
    """Measurements by formula: no weights."""
    return Tone(
        Card(
            name="tone",
            sense="sound",
            dim=DIM,
            version="2",
            licence="Apache-2.0",
            weights="none",
            data="none: measurements by formula",
            rate=RATE,
        )
    )


def windows(
    sound: Sound, hop: float = 0.5, width: float = 3.0
) -> tuple[list[Sound], npt.NDArray[np.float64]]:
    """Stretches of at most `width` seconds around each `hop` seconds of sound, and where those begin (n,).

    Entry i is to tell of the time from starts[i] to starts[i] + hop. At the ends a stretch is shorter.
    """
    count = max(int(np.ceil(sound.seconds / hop - 1e-6)), 1)
    starts = np.arange(count, dtype=np.float64) * hop
    sides = [((middle - width / 2), (middle + width / 2)) for middle in starts + hop / 2]
    places = [(max(round(one * sound.rate), 0), round(two * sound.rate)) for one, two in sides]
    return [Sound(samples=sound.samples[one:two], rate=sound.rate) for one, two in places], starts


# ---------------------------------------------------------------- frames


def _tracks(samples: Array) -> Tracks:
    import torch

    samples, side = _lasting(samples, FFT), FFT // 2
    frames = 1 + len(samples) // HOP
    mirrored = np.concatenate([samples[side:0:-1], samples, samples[-2 : -side - 2 : -1]])
    centred = torch.from_numpy(mirrored)
    parts = []
    for start in range(0, frames, BLOCK):
        stop = min(start + BLOCK, frames)
        pieces = centred[start * HOP : (stop - 1) * HOP + FFT].unfold(0, FFT, HOP)[:, _EDGE : _EDGE + WINDOW]
        spectrum = torch.fft.rfft(pieces * _window(WINDOW), FFT)
        power = _power(spectrum)
        regular = torch.fft.irfft(power)[:, : _lags()[1] + 2]
        parts.append(_measured(power.numpy(), regular.numpy()))
    mel, energy, *rest = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    return Tracks(
        mel=np.maximum(_decibels(mel / max(mel.max(), TINY)), FLOOR),
        loud=np.maximum(_decibels(energy / max(energy.max(), TINY)), FLOOR),
        pitch=rest[0],
        clarity=rest[1],
        timbre=rest[2],
        voice=rest[3],
    )


def _power(spectrum: torch.Tensor) -> torch.Tensor:
    """Squared magnitude; `abs` takes three times as long."""
    return spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)


def _product(left: Array, right: Array) -> Array:
    """Of matrices, by torch: numpy's threads and torch's, each awake for a while after work, get in each
    other's way, which takes ten times as long on a busy machine.
    """
    import torch

    return np.asarray((torch.from_numpy(left) @ torch.from_numpy(right)).numpy())


def _lasting(samples: Array, least: int) -> Array:
    """With silence at the end of what is too short."""
    return np.pad(samples, (0, least - len(samples))) if len(samples) < least else samples


def _measured(power: Array, regular: Array) -> tuple[Array, ...]:
    sums = _product(power, _sums())
    mel, energy, shape = sums[:, :MELS], sums[:, MELS], sums[:, MELS + 1 :]
    pitch, clarity = _pitch(regular, energy)
    return mel, energy, pitch, clarity, _timbre(power, shape, TINY * energy.max()), _voice(power, pitch)


def _pitch(regular: Array, energy: Array) -> tuple[Array, Array]:
    """Semitones (NaN unvoiced) and clarity of frames' autocorrelation (n, lags), looked for twice.

    The second time near the first's quartiles, against jumps of an octave (De Looze & Hirst 2008).
    """
    shortest, longest = _lags()
    normal = regular * (1 / np.maximum(regular[:, :1], TINY))
    normal *= _own_correlation()
    inside = normal[:, shortest : longest + 1]
    rising = normal[:, shortest : longest + 2] >= normal[:, shortest - 1 : longest + 1]
    falling = normal[:, shortest : longest + 1] >= normal[:, shortest + 1 : longest + 2]
    lags = np.arange(shortest, longest + 1)
    cost = (OCTAVE_COST * np.log2(lags / shortest)).astype(np.float32)
    score = np.where(rising[:, :-1] & falling, inside - cost, np.float32(-1))
    rows = np.arange(len(score))
    loud = energy >= energy.max() * ACTIVE
    best = score.argmax(axis=1)
    sure = (inside[rows, best] >= VOICED) & loud
    if sure.any():
        low, high = _quantiles(RATE / lags[best[sure]], (0.25, 0.75))
        near = np.flatnonzero((RATE / lags >= NEAR[0] * low) & (RATE / lags <= NEAR[1] * high))
        best = near[0] + score[:, near[0] : near[-1] + 1].argmax(axis=1)
    clarity = np.clip(inside[rows, best], 0, 1)
    left, middle, right = (normal[rows, best + shortest + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -TINY), 0)
    hertz = RATE / (lags[best] + np.clip(shift, -0.5, 0.5))
    found = (clarity >= VOICED) & loud & (score[rows, best] > -1)
    return (np.where(found, 12 * np.log2(hertz), np.nan).astype(np.float32), clarity.astype(np.float32))


def _timbre(power: Array, sums: Array, floor: float) -> Array:
    """Centroid and spread (octaves), flatness, roll-off, and tilts (dB) of each frame (n, 513).

    sums:  (n, 9) of power times octaves and their squares, and of bands between TIMBRE
    floor: added to each bin
    """
    import torch

    edges = _edges()
    inside = power[:, edges[0] : edges[-1]]
    octave = np.log2(_hertz()[edges[0] : edges[-1]])
    bands = sums[:, 2:] + floor * np.diff(edges)
    whole = bands.sum(axis=1)
    centroid = (sums[:, 0] + floor * octave.sum()) / whole
    square = (sums[:, 1] + floor * (octave**2).sum()) / whole
    spread = np.sqrt(np.maximum(square - centroid**2, 0))
    every_second = torch.from_numpy(inside)[:, ::2]  # the window blurs neighbours into one
    logs = (every_second + floor).log_().mean(dim=1).numpy()
    flatness = logs - np.log(whole / inside.shape[1])
    level = _decibels(bands)
    alpha = _decibels(bands[:, :3].sum(axis=1)) - _decibels(bands[:, 3:6].sum(axis=1))
    places = ((edges[0], edges[4]), (edges[4], edges[6]))
    peaks = [_decibels(_highest(power[:, one:two]) + floor) for one, two in places]
    tilts = np.diff(level, axis=1)
    return np.column_stack([centroid, spread, flatness, alpha, peaks[0] - peaks[1], tilts]).astype(np.float32)


def _voice(power: Array, pitch: Array) -> Array:
    """dB of harmonics 1 - 2, 1 - 3, 1 - the strongest at 1 to 2 and 2 to 4 kHz; (n, 4), NaN unvoiced."""
    out = np.full((len(power), 4), np.nan, np.float32)
    here = np.flatnonzero(~np.isnan(pitch))
    if len(here):
        bins = 2 ** (pitch[here] / 12) * FFT / RATE
        first, *others = (_at(power, here, bins * number) for number in (1, 2, 3))
        others += [_highest(power[here, one:two]) for one, two in ((64, 128), (128, 256))]
        out[here] = _decibels(first)[:, None] - _decibels(np.stack(others, axis=1))
    return out


def _at(power: Array, rows: npt.NDArray[np.int64], bins: npt.NDArray[np.floating]) -> Array:
    """The most of the three bins around a place (n,) in some rows (n,) of spectra."""
    middle = np.clip(np.round(bins).astype(int), 1, power.shape[1] - 2)
    return np.asarray(power[rows[:, None], middle[:, None] + np.arange(-1, 2)].max(axis=1))


def _highest(values: Array) -> Array:
    """(n,) the most of each row; numpy takes four times as long."""
    import torch

    return np.asarray(torch.from_numpy(values).amax(dim=1).numpy())


# ---------------------------------------------------------------- statistics


def _summary(values: Array) -> Array:
    """Mean, spread and three quantiles (5, k) of (n, k), n > 0."""
    return np.concatenate([[values.mean(axis=0), values.std(axis=0)], _quantiles(values, QUANTILES)])


def _quantiles(values: npt.NDArray[np.floating], shares: Sequence[float]) -> npt.NDArray[np.floating]:
    """As np.quantile along the first axis, without its checks, which take longer than the work."""
    ordered = np.sort(values, axis=0)
    place = (len(ordered) - 1) * np.array(shares)
    below = place.astype(int)
    part = (place - below).reshape(-1, *[1] * (values.ndim - 1))
    return ordered[below] * (1 - part) + ordered[np.minimum(below + 1, len(ordered) - 1)] * part


def _known_summary(values: Array) -> Array:
    """The summary of the rows (n, k) without a NaN, flat; zeros where there is none."""
    known = values[~np.isnan(values).any(axis=1)]
    return _summary(known).ravel() if len(known) else np.zeros(5 * values.shape[1], np.float32)


def _change(values: Array, lag: int) -> Array:
    """Mean absolute change (k,) of (n, k) over `lag` rows."""
    if len(values) <= lag:
        return np.zeros(values.shape[1], np.float32)
    return np.asarray(np.abs(values[lag:] - values[:-lag]).mean(axis=0))


def _bands(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Of each mel band: mean under the clip's own, spread, change over 20, 60 and 200 ms."""
    level = tracks.mel[here]
    mean = level.mean(axis=0)
    parts = [mean - mean.mean(), level.std(axis=0), _change(level, LAGS[0])]
    return np.concatenate([*parts, *(_change(tracks.mel, lag) for lag in LAGS[1:])])


def _cepstra(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Spread, change, and change of the change of the mel cepstrum; its mean is in the bands."""
    cepstrum = _product(tracks.mel, _cosines())
    step = _slopes(cepstrum)
    bend = _slopes(step)
    inside = cepstrum[here]
    return np.concatenate(
        [
            inside.mean(axis=0),
            inside.std(axis=0),
            _skew(inside),
            step[here].std(axis=0),
            bend[here].std(axis=0),
        ]
    )


def _slopes(values: Array) -> Array:
    """Half of what lies between the rows before and after, of (n, k); 0 at the ends."""
    found = np.zeros_like(values)
    found[1:-1] = (values[2:] - values[:-2]) / 2
    return found


def _smooth(values: Array, weights: npt.NDArray[np.float64]) -> Array:
    """Running mean (n,) of (n,) with an odd number of weights."""
    side = len(weights) // 2
    return np.convolve(np.pad(values, side, mode="edge"), weights / weights.sum(), mode="valid")


def _skew(values: Array) -> Array:
    centred = values - values.mean(axis=0)
    square = centred * centred
    return np.asarray((square * centred).mean(axis=0) / (square.mean(axis=0) ** 1.5 + TINY))


def _melody(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Pitch: height, spread, quantiles, slopes, unevenness; share, number and length of voiced stretches."""
    pitch = tracks.pitch
    voiced = ~np.isnan(pitch)
    clear = _summary(tracks.clarity[here, None]).ravel()
    seconds = max(here.sum() / FRAME_RATE, 0.1)
    starts = np.flatnonzero(np.diff(np.concatenate([[False], voiced]).astype(int)) == 1)
    shape = np.array(
        [voiced[here].mean(), len(starts) / seconds, voiced.sum() / max(len(starts), 1) / FRAME_RATE]
    )
    steps = np.diff(pitch)
    steps = steps[~np.isnan(steps)]
    bends = np.diff(pitch, n=2)
    bends = np.abs(bends[~np.isnan(bends)])
    told = np.zeros(16, np.float32)
    if voiced.sum() > 3:
        known, when = pitch[voiced], np.flatnonzero(voiced) / FRAME_RATE
        spots = _quantiles(known, (0.05, 0.25, 0.5, 0.75, 0.95))
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


def _loudness(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Loudness: spread, quantiles, rise and fall, pauses, peaks a second, modulation by frequency band."""
    loud = tracks.loud
    inside = loud[here]
    seconds = len(loud) / FRAME_RATE
    steps = np.diff(loud, prepend=loud[:1])
    smooth = _smooth(loud, np.hanning(5))
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > -25)
    rise, fall = steps[steps > 0], -steps[steps < 0]
    basic = [
        inside.mean(), inside.std(), *_quantiles(inside, QUANTILES), *_quantiles(loud, (0.05, 0.2)),
        rise.mean() if len(rise) else 0, fall.mean() if len(fall) else 0, here.mean(),
        peaks.sum() / max(seconds, 0.1), np.log2(max(seconds, 0.05)),
    ]  # fmt: skip
    third = np.array_split(loud, 3)
    basic += [third[0].mean() - loud.mean(), third[2].mean() - loud.mean()] if len(loud) > 3 else [0, 0]
    return np.concatenate([basic, _modulation(10 ** (loud[None] / 20), FRAME_RATE, MODULATIONS)[0]])


def _modulation(envelopes: npt.NDArray[np.floating], rate: float, edges: Sequence[float]) -> Array:
    """ln of the power of envelopes (n, t) between consecutive Hz (n, bands), by their squared means."""
    mean, count = envelopes.mean(axis=1, keepdims=True), envelopes.shape[1]
    size = max(count, 64)
    spectrum = np.fft.rfft((envelopes - mean) * np.hanning(count), size)
    power = spectrum.real**2 + spectrum.imag**2
    bounds = np.searchsorted(np.fft.rfftfreq(size, 1 / rate), edges)
    sums = np.stack([power[:, one:two].sum(axis=1) for one, two in pairwise(bounds)], axis=1)
    return np.log(sums / (count**2 * np.maximum(mean**2, TINY)) + 1e-7)


def _roughness(samples: Array) -> Array:
    """ln of the amplitude's power at 20 to 300 Hz, half a second at a time; mean and spread."""
    size, piece = 16, RATE // 2
    filled = np.pad(samples, (0, -len(samples) % piece)) if len(samples) < piece else samples
    count = len(filled) // piece
    envelope = np.abs(filled[: count * piece]).reshape(-1, size) @ np.full(size, 1 / size, np.float32)
    envelope = envelope.reshape(count, piece // size)
    level = envelope.mean(axis=1)
    told = _modulation(envelope[level >= level.mean() * 0.3], RATE / size, ROUGHNESS)
    return np.concatenate([told.mean(axis=0), told.std(axis=0)])


def _rhythm(tracks: Tracks) -> Array:
    """Onsets: strength, spread, number a second; pulse clarity and tempo by autocorrelation."""
    rises = np.maximum(np.diff(tracks.mel, axis=0), 0).mean(axis=1)
    if len(rises) < 10:
        return np.zeros(11, np.float32)
    local = _smooth(rises, np.ones(15))
    top = (rises[1:-1] > rises[:-2]) & (rises[1:-1] >= rises[2:]) & (rises[1:-1] > 1.5 * local[1:-1] + 1)
    centred = rises - rises.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    again = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2)[: len(centred)]
    again = again / max(float(again[0]), TINY)
    first, last = (round(second * FRAME_RATE) for second in TEMPO)
    part = again[first : last + 1]
    clear, beat = (float(part.max()), (int(part.argmax()) + first) / FRAME_RATE) if len(part) else (0.0, 0.5)
    strength = rises[1:-1][top]
    return np.array(
        [
            rises.mean(), rises.std(), *_quantiles(rises, (0.5, 0.9, 0.98)),
            top.sum() / (len(rises) / FRAME_RATE), strength.mean() if len(strength) else 0,
            strength.std() if len(strength) else 0, clear, np.log2(beat), float(_skew(rises[:, None])[0]),
        ]
    )  # fmt: skip


def _harmony(samples: Array) -> Array:
    """Key clarity, major against minor, the twelve tones' evenness and change, register, dissonance."""
    import torch

    filled = torch.from_numpy(_lasting(samples, LONG))
    notes = []
    for start in range(0, len(filled) - LONG + 1, LONG_HOP * BLOCK):
        pieces = filled[start : start + LONG_HOP * (BLOCK - 1) + LONG].unfold(0, LONG, LONG_HOP)
        power = _power(torch.fft.rfft(pieces * _window(LONG))[:, : len(_note_bank())])
        notes.append(_product(power.sqrt_().numpy(), _note_bank()))
    tones = np.concatenate(notes) + TINY
    whole = tones.sum(axis=1)
    shares = tones / whole[:, None]
    weight = np.sqrt(whole)
    weight = weight / weight.sum()
    chroma = shares @ _octaves()
    mean = weight @ chroma
    even = mean - mean.mean()
    fits = (_keys() @ even / (np.sqrt(even @ even) + TINY)).reshape(2, 12)
    best = fits.max(axis=1)
    evenness = -(mean * np.log(mean + TINY)).sum()
    own = -(chroma * np.log(chroma + TINY)).sum(axis=1) @ weight
    height = shares @ NOTES
    rough = (_product(shares, _dissonance()) * shares).sum(axis=1) / (shares**2).sum(axis=1)
    spread = np.sqrt(np.maximum(shares @ NOTES**2 - height**2, 0))
    flux = np.abs(np.diff(shares, axis=0)).sum(axis=1).mean() if len(shares) > 1 else 0.0
    peaky = np.log(shares.max(axis=1)) @ weight
    return np.array(
        [
            best.max(), best[0], best[1], best[0] - best[1], fits.mean(axis=1)[0], evenness, own, flux, peaky,
            weight @ height, weight @ spread, np.sqrt(weight @ (height - weight @ height) ** 2),
            weight @ rough, shares[:, :15].sum(axis=1) @ weight, shares[:, -24:].sum(axis=1) @ weight,
        ]
    )  # fmt: skip


def _course(tracks: Tracks) -> Array:
    """Loudness, pitch, clarity and centroid in six equal parts, less their mean."""
    known = ~np.isnan(tracks.pitch)
    middle = float(np.median(tracks.pitch[known])) if known.any() else 0.0
    melody = np.where(known, tracks.pitch - middle, 0)
    lines = np.stack([tracks.loud, melody, tracks.clarity, tracks.timbre[:, 0]], axis=1)
    parts = [part if len(part) else lines[-1:] for part in np.array_split(lines, COURSE)]
    means = np.stack([part.mean(axis=0) for part in parts])
    return np.asarray(means - means.mean(axis=0)).ravel()


# ---------------------------------------------------------------- tables


def _decibels(power: npt.NDArray[np.floating]) -> Array:
    return np.asarray(10 * np.log10(np.maximum(power, TINY)), np.float32)


def _lags() -> tuple[int, int]:
    """Samples of the shortest and the longest period."""
    return int(RATE / PITCHES[1]), int(RATE / PITCHES[0])


@cache
def _window(size: int) -> torch.Tensor:
    import torch

    return torch.hann_window(size)


@cache
def _own_correlation() -> Array:
    """One by that of the window at each lag: what the frames' own is multiplied by (Boersma 1993)."""
    window = _window(WINDOW).numpy().astype(np.float64)
    power = np.abs(np.fft.rfft(window, 2 * FFT)) ** 2
    own = np.fft.irfft(power)[: _lags()[1] + 2]
    return (1 / np.maximum(own / own[0], 0.02)).astype(np.float32)


@cache
def _hertz() -> Array:
    return np.asarray(np.fft.rfftfreq(FFT, 1 / RATE), np.float32)


@cache
def _edges() -> npt.NDArray[np.int64]:
    """Bins between the bands of TIMBRE."""
    return np.searchsorted(_hertz(), TIMBRE)


@cache
def _sums() -> Array:
    """(513, 50) from power to mel bands, energy, power times octaves and their squares, bands of TIMBRE."""
    from torchaudio.functional import melscale_fbanks

    mel = melscale_fbanks(FFT // 2 + 1, LOWEST, HIGHEST, MELS, RATE).numpy()
    edges, bins = _edges(), np.arange(FFT // 2 + 1)
    octave = np.log2(np.maximum(_hertz(), 1)) * ((bins >= edges[0]) & (bins < edges[-1]))
    bands = [(bins >= one) & (bins < two) for one, two in pairwise(edges)]
    return np.column_stack([mel, np.ones(len(bins)), octave, octave**2, *bands]).astype(np.float32)


@cache
def _cosines() -> Array:
    """(40, 13) of the discrete cosine transform, without the first."""
    place = (np.arange(MELS) + 0.5) / MELS
    return np.asarray(
        np.sqrt(2 / MELS) * np.cos(np.pi * place[:, None] * np.arange(1, CEPSTRA + 1)), np.float32
    )


@cache
def _note_bank() -> Array:
    """(k, 64) how far a bin belongs to a semitone, up to two semitones above the highest."""
    hertz = np.fft.rfftfreq(LONG, 1 / RATE)
    height = 69 + 12 * np.log2(np.maximum(hertz, 1) / 440)
    height = height[height < NOTES[-1] + 2]
    return np.asarray(np.exp(-0.5 * ((height[:, None] - NOTES) / 0.35) ** 2), np.float32)


@cache
def _octaves() -> Array:
    """(64, 12) the same tone of all octaves."""
    return (np.arange(len(NOTES))[:, None] % 12 == np.arange(12)).astype(np.float32)


@cache
def _keys() -> Array:
    """(24, 12) profiles of the major keys, then the minor ones, of mean 0 and length 1."""
    turned = np.array([np.roll(key, turn) for key in (MAJOR, MINOR) for turn in range(12)])
    centred = turned - turned.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=1, keepdims=True)), np.float32)


@cache
def _dissonance() -> Array:
    """(64, 64) of two notes by their distance in critical bands (Plomp & Levelt 1965, as Sethares 1993)."""
    hertz = 440 * 2 ** ((NOTES - 69) / 12)
    low = np.minimum(hertz[:, None], hertz)
    gap = np.abs(hertz[:, None] - hertz) * 0.24 / (0.021 * low + 19)
    return np.asarray(np.exp(-3.5 * gap) - np.exp(-5.75 * gap), np.float32)
