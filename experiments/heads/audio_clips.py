"""Clips of speech, music and other sounds with how they feel, plain and altered.

Altered copies stand for rooms, microphones and speakers that were not recorded: speed (Ko et al. 2015, "Audio
augmentation for speech recognition"), an equaliser, an echo, noise, a telephone, a part alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from encoders.base import AffectError, Encoder, Rows, Sound, encode_all, missing
from encoders.logmel import audible
from encoders.media import Sampling
from encoders.registry import ENCODERS
from experiments.background import decode
from experiments.datasets import vgmidi
from experiments.datasets.debian_voices import gather
from experiments.datasets.records import table
from experiments.features.cache import Entry, Shelf, digest_of
from retrieval.progress_reporter import ProgressReporter

ENCODER, ROLE = "tone", "tone"
KINDS = ("speech", "music", "other")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
MELODIC = re.compile("guit_|ambi_(choir|piano)|loop_(compus|garzul|mehackit|mika|safari|tabla)")
UNCLEAR = re.compile("loop_(?!3d|drone|weirdo)|arovane|bass_|tbd_(highkey|pad)|tabla_")  # music to some
NOISES, EVERY, FRAGMENT = (
    90,
    6,
    (0.06, 0.3),
)  # drawn noises; every sixth clip has a fragment of so many seconds
RULE = 1  # raise it when the same seed would make other versions
PIECES, PIECE = 3, 10.0  # of a track: how many, seconds
APART = 20.0  # seconds between pieces of a whole track
TELEPHONE = 300.0, 3400.0  # Hz
FAST, SLIGHT = (0.875, 0.90625, 0.9375, 1.0625, 1.09375, 1.125), (0.96875, 0.984375, 1.015625, 1.03125)

Names = npt.NDArray[np.str_]
Floats = npt.NDArray[np.float64]
Alter = Callable[[Sound, np.random.Generator], Sound]


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """n clips.

    rows:   (n, v, d) raw rows of the encoder, the plain clip first; NaN where there is no such version
    kinds:  (n,) one of KINDS
    labels: (n,) one of EMOTIONS for speech, else empty
    moods:  (n, 2) valence and arousal of rated music, else NaN
    groups: (n,) what a split must not tear apart: an actor, a game series, a track, a kind of sample
    splits: (n,) "train", "dev" or "test"
    """

    rows: Rows
    kinds: Names
    labels: Names
    moods: Floats
    groups: Names
    splits: Names

    def __len__(self) -> int:
        """Of clips."""
        return len(self.kinds)

    def part(self, items: npt.ArrayLike) -> Heard:
        """Some of them, in the order given or where it is true."""
        kept = np.asarray(items)
        return replace(self, **{name: rows[kept] for name, rows in vars(self).items()})


# ---------------------------------------------------------------- alterations


def faster(sound: Sound, rng: np.random.Generator) -> Sound:
    """As a tape plays it faster or slower, by up to an eighth; pitch goes along."""
    return Sound(samples=sound.samples, rate=round(sound.rate * float(rng.choice(FAST))))


def detuned(sound: Sound, rng: np.random.Generator) -> Sound:
    """The same by up to half a semitone, for music."""
    return Sound(samples=sound.samples, rate=round(sound.rate * float(rng.choice(SLIGHT))))


def equalised(sound: Sound, rng: np.random.Generator, spread: float = 4.0) -> Sound:
    """Through a smooth random filter, `spread` dB at each octave."""
    hertz = np.fft.rfftfreq(len(sound.samples), 1 / sound.rate)
    knots = np.linspace(np.log2(60), np.log2(8000), 7)
    gain = np.interp(np.log2(np.maximum(hertz, 1)), knots, rng.normal(0, spread, len(knots)))
    spectrum = np.fft.rfft(sound.samples) * 10 ** (gain / 20)
    return replace(sound, samples=np.fft.irfft(spectrum, len(sound.samples)).astype(np.float32))


def noisy(sound: Sound, rng: np.random.Generator, least: float = 12.0, most: float = 35.0) -> Sound:
    """With noise, white to pink, `least` to `most` dB below."""
    spectrum = np.fft.rfft(rng.normal(size=len(sound.samples)))
    spectrum /= np.maximum(np.fft.rfftfreq(len(sound.samples)), 1e-3) ** rng.uniform(0, 0.5)
    noise = np.fft.irfft(spectrum, len(sound.samples))
    gain = np.std(sound.samples) / np.std(noise) * 10 ** (-rng.uniform(least, most) / 20)
    return replace(sound, samples=(sound.samples + gain * noise).astype(np.float32))


def echoing(sound: Sound, rng: np.random.Generator) -> Sound:
    """In a room: exponentially decaying noise of .15 to .5 s."""
    size = round(sound.rate * rng.uniform(0.15, 0.5))
    tail = rng.normal(size=size) * np.exp(-6.9 * np.arange(size) / size)
    room = fftconvolve(sound.samples, tail / np.sqrt((tail**2).sum()))[: len(sound.samples)]
    return replace(sound, samples=(sound.samples + rng.uniform(0.1, 0.3) * room).astype(np.float32))


def excerpt(sound: Sound, rng: np.random.Generator, least: float = 1.0, most: float = 2.5) -> Sound:
    """A part of `least` to `most` seconds around a place that is not silent."""
    size, step = round(sound.rate * rng.uniform(least, most)), sound.rate // 10
    if len(sound.samples) <= size:
        return sound
    loud = np.add.reduceat(np.abs(sound.samples), np.arange(0, len(sound.samples), step))
    middle = int(rng.choice(np.flatnonzero(loud >= 0.1 * loud.max()))) * step
    start = min(max(middle - size // 2, 0), len(sound.samples) - size)
    return replace(sound, samples=sound.samples[start : start + size])


def drowned(sound: Sound, rng: np.random.Generator) -> Sound:
    """With noise 3 to 15 dB below."""
    return noisy(sound, rng, 3, 15)


def telephoned(sound: Sound, rng: np.random.Generator) -> Sound:
    """Through a band of the telephone's, its edges up to a fifth off, 60 dB down an octave beyond."""
    hertz = np.maximum(np.fft.rfftfreq(len(sound.samples), 1 / sound.rate), 1)
    low, high = np.array(TELEPHONE) * rng.uniform(0.8, 1.2, 2)
    beyond = np.maximum(np.log2(low / hertz), 0) + np.maximum(np.log2(hertz / high), 0)
    spectrum = np.fft.rfft(sound.samples) * 10 ** (-np.minimum(60 * beyond, 60) / 20)
    return replace(sound, samples=np.fft.irfft(spectrum, len(sound.samples)).astype(np.float32))


def passage(sound: Sound, rng: np.random.Generator) -> Sound:
    """A part of 3 to 6 s, for music."""
    return excerpt(sound, rng, 3.0, 6.0)


VERSIONS: dict[str, tuple[tuple[Alter, ...], ...]] = {
    "speech": (
        (faster,), (faster,), (equalised, faster), (equalised, noisy, faster), (echoing, equalised, faster),
        (excerpt, equalised, faster),
    ),
    "music": (
        (equalised, detuned), (echoing, equalised), (passage, equalised, detuned), (passage, equalised),
    ),
    "other": ((equalised, faster), (excerpt,), (telephoned, faster)),
    "voice": (
        (telephoned, faster), (equalised, noisy, faster), (drowned, equalised), (echoing, equalised, faster),
        (excerpt, equalised, drowned), (echoing, telephoned, noisy),
    ),
    "tune": (
        (equalised, detuned), (echoing, telephoned), (passage, equalised, drowned), (passage, telephoned),
    ),
}  # fmt: skip
"""What is done to a clip of each kind, version by version; voices and tunes are the packages'."""


# ---------------------------------------------------------------- clips


@dataclass(frozen=True, kw_only=True)
class _Told:
    """A file, what is known of it, and what is taken: PIECE seconds from `start`, a fragment, or all.

    altered: one of VERSIONS, empty for the kind's own
    """

    path: Path
    kind: str
    group: str
    split: str
    label: str = ""
    mood: tuple[float, float] = (float("nan"), float("nan"))
    start: float | None = None
    fragment: bool = False
    altered: str = ""


def load_heard(
    data: Path,
    *,
    seed: int,
    parts: Sequence[str] = ("train", "dev"),
    quiet: bool = False,
    packages: bool = True,
) -> Heard:
    """Clips of these parts of ravdess_speech, vgmidi and animal_sounds; with "train" also samples and tracks,
    and if wanted recordings from packages.

    Silent clips are left out. Test clips have no altered versions. Rows are kept in the cache folder.
    Raises AffectError where a set is not there, its kind Unreachable where a package can't be had, BadMedia
    where a file can't be read.
    """
    told = list(_everything(data, "train" in parts, "train" in parts and packages))
    told = [one for one in told if one.split in parts]
    encoder = ENCODERS.make(ENCODER)
    shelf = Shelf(encoder.card, Sampling(rate=encoder.card.rate or 0), every=False)
    drawn = noises(NOISES, seed) if "train" in parts else []
    most = 1 + max(map(len, VERSIONS.values()))
    rows = np.full((len(told) + len(drawn), most, encoder.card.dim), np.nan, np.float32)
    rows[len(told) :, 0] = encode_all(encoder, drawn)
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("encoding sound", 0, len(told))
        for at, one in enumerate(told):
            found = _rows(encoder, shelf, one, seed)
            rows[at, : len(found)] = found
            report.update("encoding sound", at + 1, len(told))
    heard = Heard(
        rows=rows,
        kinds=np.array([one.kind for one in told] + ["other"] * len(drawn)),
        labels=np.array([one.label for one in told] + [""] * len(drawn)),
        moods=np.array([one.mood for one in told] + [(np.nan, np.nan)] * len(drawn)),
        groups=np.array([one.group for one in told] + [f"noise {at}" for at in range(len(drawn))]),
        splits=np.array([one.split for one in told] + ["train"] * len(drawn)),
    )
    return heard.part(~missing(rows[:, 0]))


def _rows(encoder: Encoder, shelf: Shelf, one: _Told, seed: int) -> Rows:
    """(versions, d) of one clip, from the shelf if it is there."""
    recipes = () if one.split == "test" else VERSIONS[one.altered or one.kind]
    told = f"{digest_of((one.path,))} from {one.start}, {len(recipes)} versions of rule {RULE}, seed {seed}"
    told += " fragment" * one.fragment + f" {one.altered}" * bool(one.altered)
    name = hashlib.sha256(told.encode()).hexdigest()
    if (entry := shelf.get(name)) is not None:
        return entry.rows
    plain = decode(one.path)
    if one.start is not None:
        first = round(one.start * plain.rate)
        plain = replace(plain, samples=plain.samples[first : first + round(PIECE * plain.rate)])
    rng = np.random.default_rng(int(name[:16], 16))
    if one.fragment:
        plain = excerpt(plain, rng, *FRAGMENT)
    sounds = [plain]
    for recipe in recipes if audible(plain) else ():
        altered = plain
        for alter in recipe:
            altered = alter(altered, rng)
        sounds.append(altered)
    rows = encode_all(encoder, sounds)
    shelf.put(name, Entry(rows, np.full((len(rows), 2), np.nan)))
    return rows


def noises(count: int, seed: int) -> list[Sound]:
    """Noise of .1 to 4 s, from blue to brown, a third of it swelling and a third clipped; hums among it."""
    rng, found = np.random.default_rng(seed), []
    for number in range(count):
        size = round(16000 * 2 ** rng.uniform(-3.3, 2))
        slope = rng.uniform(-0.5, 2)
        spectrum = np.fft.rfft(rng.normal(size=size)) / np.maximum(np.fft.rfftfreq(size), 1e-3) ** slope
        samples = np.fft.irfft(spectrum, size)
        at = np.arange(size) / 16000
        if number % 4 == 0:
            samples = np.sin(2 * np.pi * 2 ** rng.uniform(5.5, 12) * at) + rng.uniform(0, 0.2) * samples
        if number % 3 == 0:
            samples = samples * (1.05 + np.sin(2 * np.pi * 2 ** rng.uniform(-1, 4) * at))
        samples = samples / np.abs(samples).max()
        if number % 3 == 1:
            samples = np.clip(samples * rng.uniform(2, 20), -1, 1)
        found.append(Sound(samples=(0.3 * samples).astype(np.float32), rate=16000))
    return found


def _everything(data: Path, samples: bool, packages: bool) -> Iterator[_Told]:
    told = [*_named(data), *(_samples(data) if samples else ()), *(_packaged() if packages else ())]
    yield from told
    for at, one in enumerate(told):
        if (
            one.kind != "other" and at % EVERY == 0
        ):  # what lasts a tenth of a second is neither speech nor music
            yield replace(
                one, kind="other", label="", mood=(float("nan"), float("nan")), fragment=True, altered=""
            )


def _named(data: Path) -> Iterator[_Told]:
    folder = data / "ravdess_speech"
    for row in table(folder / "labels.csv"):
        path, actor = folder / "audio" / f"{row['clip']}.ogg", f"actor {row['actor']}"
        yield _Told(path=path, kind="speech", group=actor, split=row["split"], label=row["emotion"])
    for piece in vgmidi(data):
        mood = (piece.valence, piece.arousal)
        yield _Told(
            path=piece.path, kind="music", group=f"series {piece.group}", split=piece.split, mood=mood
        )
    folder = data / "animal_sounds"
    for row in table(folder / "labels.csv"):
        path = folder / row["file"]
        yield _Told(
            path=path, kind="other", group=row["folder"].split("-")[0] + path.stem, split=row["split"]
        )


def _samples(data: Path) -> Iterator[_Told]:
    for path in _sounds(data / "sonicpi_samples_cc0" / "ogg"):
        kind = "music" if MELODIC.match(path.stem) else "other"
        if kind == "other" and UNCLEAR.match(path.stem):
            continue
        group = "sample " + "_".join(path.stem.split("_")[:2]).rstrip("0123456789")
        yield _Told(path=path, kind=kind, group=group, split="train")
    for path in _sounds(data / "wesnoth_music" / "excerpts_20s_ogg"):
        group = f"track {re.split('[-_0-9]', path.stem)[0]}"
        for start in range(PIECES):
            yield _Told(path=path, kind="music", group=group, split="train", start=start * PIECE / 2)


def _packaged() -> Iterator[_Told]:
    for one in gather():
        kind, group = one.package.kind, one.package.group
        if kind == "music":
            group += f" {one.path.stem}"
            for at in range(PIECES):
                start = at * APART
                yield _Told(path=one.path, kind=kind, group=group, split="train", start=start, altered="tune")
        else:
            altered = "voice" if kind == "speech" else ""
            yield _Told(path=one.path, kind=kind, group=group, split="train", start=0.0, altered=altered)


def _sounds(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.ogg"))
    if not found:
        raise AffectError(f"{folder}: no sounds there; name the folder of the data sets with --data")
    return found
