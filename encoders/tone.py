"""How a sound feels, in measurements: pitch, voice, loudness, timbre, rhythm and harmony of 16 kHz sound.

What listeners read arousal and valence from in voices and in music (Juslin & Laukka 2003, "Communication of
emotions in vocal expression and music performance"), and the voice parameters of Eyben et al. 2016 ("The
Geneva minimalistic acoustic parameter set"). None depends on the gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.audio import ACTIVE, at_rate, audible
from encoders.base import Card, Rows, Sound

if TYPE_CHECKING:
    import torch

RATE = 16000  # Hz
WINDOW, HOP, FFT = 640, 160, 1024  # samples: 40 ms, two periods of the lowest voice, every 10 ms
FRAME_RATE = RATE / HOP  # Hz
LONG, LONG_HOP = 4096, 2048  # samples: 256 ms tell semitones apart
BLOCK = 6000  # frames, a minute: a spectrum of hours at once would take gigabytes
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
MODULATIONS = (0.5, 1, 2, 4, 8, 16, 32)  # Hz, of the loudness envelope
ROUGHNESS = (20, 40, 75, 150, 300)  # Hz, of the amplitude (Arnal et al. 2015 hear screams at 30 to 150)
NOTES = np.arange(33, 97)  # MIDI: 55 to 2093 Hz
TEMPO = 0.25, 1.5  # seconds a beat
# Krumhansl & Kessler 1982: how well each tone fits a major and a minor key
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
TINY = 1e-10
DIM = 442
_EDGE = (FFT - WINDOW) // 2

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """What is measured every 10 ms of n frames, 0 dB being the loudest frame.

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
        rows = np.full((len(items), DIM), np.nan, np.float32)
        for row, sound in zip(rows, items, strict=True):
            if audible(sound):
                row[:] = describe(sound)
        return rows


def tone() -> Tone:
    """Measurements by formula: no weights."""
    return Tone(
        Card(
            name="tone",
            sense="sound",
            dim=DIM,
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

    samples = np.pad(samples, (0, max(FFT - len(samples), 0)))
    frames = 1 + len(samples) // HOP
    centred = torch.from_numpy(np.pad(samples, FFT // 2, mode="reflect"))
    parts = []
    for start in range(0, frames, BLOCK):
        stop = min(start + BLOCK, frames)
        pieces = centred[start * HOP : (stop - 1) * HOP + FFT].unfold(0, FFT, HOP)[:, _EDGE : _EDGE + WINDOW]
        spectrum = torch.fft.rfft(pieces * _window(WINDOW), FFT)
        power = spectrum.real**2 + spectrum.imag**2
        regular = torch.fft.irfft(power)[:, : _lags()[1] + 2]
        parts.append(_measured(power.numpy(), regular.numpy()))
    mel, energy, *rest = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Tracks(
        mel=np.maximum(_decibels(mel / max(mel.max(), TINY)), FLOOR),
        loud=np.maximum(_decibels(energy / max(energy.max(), TINY)), FLOOR),
        pitch=rest[0],
        clarity=rest[1],
        timbre=rest[2],
        voice=rest[3],
    )


def _measured(power: Array, regular: Array) -> tuple[Array, ...]:
    energy = power.sum(axis=1)
    pitch, clarity = _pitch(regular, energy)
    mel = power @ _mel_bank()
    return mel, energy, pitch, clarity, _timbre(power, energy), _voice(power, pitch)


def _pitch(regular: Array, energy: Array) -> tuple[Array, Array]:
    """Semitones (NaN unvoiced) and clarity of frames' autocorrelation (n, lags), looked for twice.

    The second time near the first's quartiles, against jumps of an octave (De Looze & Hirst 2008).
    """
    shortest, longest = _lags()
    normal = regular / (np.maximum(regular[:, :1], TINY) * _own_correlation()[: regular.shape[1]])
    lags = np.arange(shortest, longest + 1)
    inside = normal[:, shortest : longest + 1]
    peak = (inside >= normal[:, shortest - 1 : longest]) & (inside >= normal[:, shortest + 1 : longest + 2])
    score = np.where(peak, inside - OCTAVE_COST * np.log2(lags / shortest), -1)
    rows = np.arange(len(score))
    loud = energy >= energy.max() * ACTIVE
    best = score.argmax(axis=1)
    sure = (inside[rows, best] >= VOICED) & loud
    if sure.any():
        low, high = np.quantile(RATE / lags[best[sure]], (0.25, 0.75))
        hertz = RATE / lags
        score[:, (hertz < NEAR[0] * low) | (hertz > NEAR[1] * high)] = -1
        best = score.argmax(axis=1)
    clarity = np.clip(inside[rows, best], 0, 1)
    left, middle, right = (normal[rows, best + shortest + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -TINY), 0)
    hertz = RATE / (lags[best] + np.clip(shift, -0.5, 0.5))
    found = (clarity >= VOICED) & loud & (score[rows, best] > -1)
    return (np.where(found, 12 * np.log2(hertz), np.nan).astype(np.float32), clarity.astype(np.float32))


def _timbre(power: Array, energy: Array) -> Array:
    """Centroid and spread (octaves), flatness, roll-off, and tilts (dB) of each frame (n, 513)."""
    hertz = _hertz()
    inside = (hertz >= 60) & (hertz <= HIGHEST)
    part, octave = power[:, inside] + TINY * energy.max(), np.log2(hertz[inside])
    whole = part.sum(axis=1)
    centroid = part @ octave / whole
    spread = np.sqrt(np.maximum(part @ octave**2 / whole - centroid**2, 0))
    flatness = np.log(part).mean(axis=1) - np.log(whole / part.shape[1])
    edges = np.searchsorted(hertz[inside], (60, 250, 500, 1000, 2000, 3500, 5000))
    bands = _decibels(np.add.reduceat(part, edges, axis=1))
    alpha = _decibels(part[:, : edges[3]].sum(axis=1)) - _decibels(part[:, edges[3] : edges[6]].sum(axis=1))
    peaks = [_decibels(part[:, one:two].max(axis=1)) for one, two in ((0, edges[4]), (edges[4], edges[6]))]
    tilts = np.diff(bands, axis=1)
    return np.column_stack([centroid, spread, flatness, alpha, peaks[0] - peaks[1], tilts]).astype(np.float32)


def _voice(power: Array, pitch: Array) -> Array:
    """dB of harmonics 1 - 2, 1 - 3, 1 - the strongest at 1 to 2 and 2 to 4 kHz; (n, 4), NaN unvoiced."""
    out = np.full((len(power), 4), np.nan, np.float32)
    here = np.flatnonzero(~np.isnan(pitch))
    if len(here):
        level = _decibels(power[here])
        bins = 2 ** (pitch[here] / 12) * FFT / RATE
        first, second, third = (_at(level, bins * number) for number in (1, 2, 3))
        formants = [level[:, one:two].max(axis=1) for one, two in ((64, 128), (128, 256))]
        out[here] = np.column_stack([first - second, first - third, *(first - top for top in formants)])
    return out


def _at(level: Array, bins: npt.NDArray[np.floating]) -> Array:
    """The loudest of the three bins around a place (n,) in spectra (n, bins)."""
    middle = np.clip(np.round(bins).astype(int), 1, level.shape[1] - 2)
    rows = np.arange(len(level))
    return np.max([level[rows, middle + step] for step in (-1, 0, 1)], axis=0)


# ---------------------------------------------------------------- statistics


def _summary(values: Array) -> Array:
    """Mean, spread and three quantiles (5, k) of (n, k), n > 0."""
    return np.concatenate([[values.mean(axis=0), values.std(axis=0)], np.quantile(values, QUANTILES, axis=0)])


def _known_summary(values: Array) -> Array:
    """The summary of the rows (n, k) without a NaN, flat; zeros where there is none."""
    known = values[~np.isnan(values).any(axis=1)]
    return _summary(known).ravel() if len(known) else np.zeros(5 * values.shape[1], np.float32)


def _change(values: Array, lag: int = 1) -> Array:
    """Mean absolute change (k,) of (n, k) over `lag` rows."""
    if len(values) <= lag:
        return np.zeros(values.shape[1], np.float32)
    return np.asarray(np.abs(values[lag:] - values[:-lag]).mean(axis=0))


def _bands(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Of each mel band: mean under the clip's own, spread, change over 10, 50 and 200 ms."""
    level = tracks.mel[here]
    mean = level.mean(axis=0)
    parts = [mean - mean.mean(), level.std(axis=0), _change(level), _change(tracks.mel, 5)]
    return np.concatenate([*parts, _change(tracks.mel, 20)])


def _cepstra(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Spread, change, and change of the change of the mel cepstrum; its mean is in the bands."""
    cepstrum = tracks.mel @ _cosines()
    step = np.gradient(cepstrum, axis=0) if len(cepstrum) > 1 else np.zeros_like(cepstrum)
    bend = np.gradient(step, axis=0) if len(cepstrum) > 1 else step
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


def _smooth(values: Array, weights: npt.NDArray[np.float64]) -> Array:
    """Running mean (n,) of (n,) with an odd number of weights."""
    side = len(weights) // 2
    return np.convolve(np.pad(values, side, mode="edge"), weights / weights.sum(), mode="valid")


def _skew(values: Array) -> Array:
    centred = values - values.mean(axis=0)
    return np.asarray((centred**3).mean(axis=0) / (values.std(axis=0) ** 3 + TINY))


def _melody(tracks: Tracks, here: npt.NDArray[np.bool_]) -> Array:
    """Pitch: height, spread, quantiles, slopes, unevenness; share, number and length of voiced stretches."""
    pitch = tracks.pitch
    voiced = ~np.isnan(pitch)
    clear = _summary(tracks.clarity[here, None]).ravel()
    seconds = max(here.sum() / FRAME_RATE, 0.1)
    starts = np.flatnonzero(np.diff(np.concatenate([[False], voiced]).astype(int)) == 1)
    shape = np.array([voiced[here].mean(), len(starts) / seconds, voiced.sum() / max(len(starts), 1) / 100])
    steps = np.diff(pitch)
    steps = steps[~np.isnan(steps)]
    bends = np.diff(pitch, n=2)
    bends = np.abs(bends[~np.isnan(bends)])
    told = np.zeros(16, np.float32)
    if voiced.sum() > 3:
        known, when = pitch[voiced], np.flatnonzero(voiced) / FRAME_RATE
        spots = np.quantile(known, (0.05, 0.25, 0.5, 0.75, 0.95))
        slope = np.polyfit(when, known, 1)[0] if np.ptp(when) > 0.2 else 0.0
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
    smooth = _smooth(loud, np.hanning(9))
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > -25)
    rise, fall = steps[steps > 0], -steps[steps < 0]
    basic = [
        inside.mean(), inside.std(), *np.quantile(inside, QUANTILES), *np.quantile(loud, (0.05, 0.2)),
        rise.mean() if len(rise) else 0, fall.mean() if len(fall) else 0, here.mean(),
        peaks.sum() / max(seconds, 0.1), np.log2(max(seconds, 0.05)),
    ]  # fmt: skip
    third = np.array_split(loud, 3)
    basic += [third[0].mean() - loud.mean(), third[2].mean() - loud.mean()] if len(loud) > 3 else [0, 0]
    return np.concatenate([basic, _modulation(10 ** (loud / 20), FRAME_RATE, MODULATIONS)])


def _modulation(envelope: npt.NDArray[np.floating], rate: float, edges: Sequence[float]) -> Array:
    """ln of the power of an envelope (n,) between consecutive Hz, by its squared mean."""
    centred = envelope - envelope.mean()
    size = max(len(centred), 64)
    power = np.abs(np.fft.rfft(centred * np.hanning(len(centred)), size)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / rate)
    scale = len(centred) ** 2 * max(float(envelope.mean()) ** 2, TINY)
    found = [power[(hertz >= one) & (hertz < two)].sum() / scale for one, two in pairwise(edges)]
    return np.log(np.array(found) + 1e-7)


def _roughness(samples: Array) -> Array:
    """ln of the amplitude's power at 20 to 300 Hz, half a second at a time; mean and spread."""
    size, piece = 16, RATE // 2
    filled = np.pad(samples, (0, -len(samples) % piece)) if len(samples) < piece else samples
    count = len(filled) // piece
    envelope = np.abs(filled[: count * piece]).reshape(count, piece // size, size).mean(axis=2)
    loud = envelope.mean(axis=1) >= envelope.mean() * 0.3
    told = np.stack([_modulation(part, RATE / size, ROUGHNESS) for part in envelope[loud]])
    return np.concatenate([told.mean(axis=0), told.std(axis=0)])


def _rhythm(tracks: Tracks) -> Array:
    """Onsets: strength, spread, number a second; pulse clarity and tempo by autocorrelation."""
    rises = np.maximum(tracks.mel[2:] - tracks.mel[:-2], 0).mean(axis=1)
    if len(rises) < 10:
        return np.zeros(11, np.float32)
    local = _smooth(rises, np.ones(31))
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
            rises.mean(), rises.std(), *np.quantile(rises, (0.5, 0.9, 0.98)),
            top.sum() / (len(rises) / FRAME_RATE), strength.mean() if len(strength) else 0,
            strength.std() if len(strength) else 0, clear, np.log2(beat), float(_skew(rises[:, None])[0]),
        ]
    )  # fmt: skip


def _harmony(samples: Array) -> Array:
    """Key clarity, major against minor, the twelve tones' evenness and change, register, dissonance."""
    import torch

    filled = torch.from_numpy(np.pad(samples, (0, max(LONG - len(samples), 0))))
    notes, weights = [], []
    for start in range(0, len(filled) - LONG + 1, LONG_HOP * BLOCK):
        pieces = filled[start : start + LONG_HOP * (BLOCK - 1) + LONG].unfold(0, LONG, LONG_HOP)
        size = torch.fft.rfft(pieces * _window(LONG)).abs().numpy()
        notes.append(size @ _note_bank())
        weights.append(size.sum(axis=1))
    tones = np.concatenate(notes) + TINY
    shares = tones / tones.sum(axis=1, keepdims=True)
    weight = np.sqrt(np.concatenate(weights) + TINY)
    weight = weight / weight.sum()
    chroma = np.stack([shares[:, step::12].sum(axis=1) for step in range(12)], axis=1)
    mean = weight @ chroma
    fits = np.array([[_fit(mean, np.roll(key, turn)) for turn in range(12)] for key in (MAJOR, MINOR)])
    best = fits.max(axis=1)
    evenness = -(mean * np.log(mean + TINY)).sum()
    own = -(chroma * np.log(chroma + TINY)).sum(axis=1) @ weight
    height = shares @ NOTES
    rough = np.einsum("ni,ij,nj->n", shares, _dissonance(), shares) / (shares**2).sum(axis=1)
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


def _fit(tones: npt.NDArray[np.floating], key: npt.NDArray[np.floating]) -> float:
    one, two = tones - tones.mean(), key - key.mean()
    return float(one @ two / (np.sqrt((one @ one) * (two @ two)) + TINY))


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


def _decibels(power: Array) -> Array:
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
    """Of the window, which the frames' own is divided by (Boersma 1993)."""
    window = _window(WINDOW).numpy().astype(np.float64)
    power = np.abs(np.fft.rfft(window, 2 * FFT)) ** 2
    own = np.fft.irfft(power)[:FFT]
    return np.maximum(own / own[0], 0.02).astype(np.float32)


@cache
def _hertz() -> Array:
    return np.asarray(np.fft.rfftfreq(FFT, 1 / RATE), np.float32)


@cache
def _mel_bank() -> Array:
    from torchaudio.functional import melscale_fbanks

    return np.asarray(melscale_fbanks(FFT // 2 + 1, LOWEST, HIGHEST, MELS, RATE).numpy(), np.float32)


@cache
def _cosines() -> Array:
    """(40, 13) of the discrete cosine transform, without the first."""
    place = (np.arange(MELS) + 0.5) / MELS
    return np.asarray(
        np.sqrt(2 / MELS) * np.cos(np.pi * place[:, None] * np.arange(1, CEPSTRA + 1)), np.float32
    )


@cache
def _note_bank() -> Array:
    """(2049, 64) how far a bin belongs to a semitone."""
    hertz = np.fft.rfftfreq(LONG, 1 / RATE)
    height = 69 + 12 * np.log2(np.maximum(hertz, 1) / 440)
    return np.asarray(np.exp(-0.5 * ((height[:, None] - NOTES) / 0.35) ** 2), np.float32)


@cache
def _dissonance() -> Array:
    """(64, 64) of two notes by their distance in critical bands (Plomp & Levelt 1965, as Sethares 1993)."""
    hertz = 440 * 2 ** ((NOTES - 69) / 12)
    low = np.minimum(hertz[:, None], hertz)
    gap = np.abs(hertz[:, None] - hertz) * 0.24 / (0.021 * low + 19)
    return np.asarray(np.exp(-3.5 * gap) - np.exp(-5.75 * gap), np.float32)
