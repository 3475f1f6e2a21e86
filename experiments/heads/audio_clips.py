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

from encoders.base import AffectError, Audio, Encoder, Rows, encode_all, is_missing_row
from encoders.logmel import is_audible
from encoders.media import Sampling
from encoders.registry import ENCODERS
from experiments.background import decode_audio
from experiments.datasets import load_vgmidi
from experiments.datasets.debian_voices import fetch_recordings
from experiments.datasets.records import read_table
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from retrieval.progress_reporter import ProgressReporter

ENCODER_NAME, ROLE = "tone", "tone"
KINDS = ("speech", "music", "other")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
MUSIC_SAMPLE_PATTERN = re.compile("guit_|ambi_(choir|piano)|loop_(compus|garzul|mehackit|mika|safari|tabla)")
AMBIGUOUS_SAMPLE_PATTERN = re.compile(
    "loop_(?!3d|drone|weirdo)|arovane|bass_|tbd_(highkey|pad)|tabla_"
)  # music to some
N_NOISES, FRAGMENT_INTERVAL, FRAGMENT_SECONDS = (
    90,
    6,
    (0.06, 0.3),
)  # drawn noises; every sixth clip has a fragment of so many seconds
AUGMENTATION_VERSION = 1  # raise it when the same seed would make other versions
EXCERPTS_PER_TRACK, EXCERPT_SECONDS = 3, 10.0  # of a track: how many, seconds
EXCERPT_SPACING_SECONDS = 20.0  # seconds between pieces of a whole track
TELEPHONE_BAND_HZ = 300.0, 3400.0  # Hz
SPEED_FACTORS, DETUNE_FACTORS = (
    (0.875, 0.90625, 0.9375, 1.0625, 1.09375, 1.125),
    (0.96875, 0.984375, 1.015625, 1.03125),
)

Strings = npt.NDArray[np.str_]
Floats = npt.NDArray[np.float64]
Augmentation = Callable[[Audio, np.random.Generator], Audio]


@dataclass(frozen=True, kw_only=True, eq=False)
class AudioClips:
    """n clips.

    features: (n, v, d) raw rows of the encoder, the plain clip first; NaN where there is no such version
    kinds:  (n,) one of KINDS
    labels: (n,) one of EMOTIONS for speech, else empty
    affect: (n, 2) valence and arousal of rated music, else NaN
    groups: (n,) what a split must not tear apart: an actor, a game series, a track, a kind of sample
    splits: (n,) "train", "dev" or "test"
    """

    features: Rows
    kinds: Strings
    labels: Strings
    affect: Floats
    groups: Strings
    splits: Strings

    def __len__(self) -> int:
        """Of clips."""
        return len(self.kinds)

    def select(self, items: npt.ArrayLike) -> AudioClips:
        """Some of them, in the order given or where it is true."""
        kept = np.asarray(items)
        return replace(self, **{name: rows[kept] for name, rows in vars(self).items()})


# ---------------------------------------------------------------- alterations


def change_speed(audio: Audio, rng: np.random.Generator) -> Audio:
    """As a tape plays it faster or slower, by up to an eighth; pitch goes along."""
    return Audio(
        samples=audio.samples, sample_rate=round(audio.sample_rate * float(rng.choice(SPEED_FACTORS)))
    )


def detune(audio: Audio, rng: np.random.Generator) -> Audio:
    """The same by up to half a semitone, for music."""
    return Audio(
        samples=audio.samples, sample_rate=round(audio.sample_rate * float(rng.choice(DETUNE_FACTORS)))
    )


def equalise(audio: Audio, rng: np.random.Generator, spread_db: float = 4.0) -> Audio:
    """Through a smooth random filter, `spread_db` dB at each octave."""
    hertz = np.fft.rfftfreq(len(audio.samples), 1 / audio.sample_rate)
    knots = np.linspace(np.log2(60), np.log2(8000), 7)
    gain = np.interp(np.log2(np.maximum(hertz, 1)), knots, rng.normal(0, spread_db, len(knots)))
    spectrum = np.fft.rfft(audio.samples) * 10 ** (gain / 20)
    return replace(audio, samples=np.fft.irfft(spectrum, len(audio.samples)).astype(np.float32))


def add_noise(
    audio: Audio, rng: np.random.Generator, min_snr_db: float = 12.0, max_snr_db: float = 35.0
) -> Audio:
    """With noise, white to pink, `min_snr_db` to `max_snr_db` dB below."""
    spectrum = np.fft.rfft(rng.normal(size=len(audio.samples)))
    spectrum /= np.maximum(np.fft.rfftfreq(len(audio.samples)), 1e-3) ** rng.uniform(0, 0.5)
    noise = np.fft.irfft(spectrum, len(audio.samples))
    gain = np.std(audio.samples) / np.std(noise) * 10 ** (-rng.uniform(min_snr_db, max_snr_db) / 20)
    return replace(audio, samples=(audio.samples + gain * noise).astype(np.float32))


def add_reverb(audio: Audio, rng: np.random.Generator) -> Audio:
    """In a room: exponentially decaying noise of .15 to .5 s."""
    size = round(audio.sample_rate * rng.uniform(0.15, 0.5))
    tail = rng.normal(size=size) * np.exp(-6.9 * np.arange(size) / size)
    room = fftconvolve(audio.samples, tail / np.sqrt((tail**2).sum()))[: len(audio.samples)]
    return replace(audio, samples=(audio.samples + rng.uniform(0.1, 0.3) * room).astype(np.float32))


def crop_excerpt(
    audio: Audio, rng: np.random.Generator, min_seconds: float = 1.0, max_seconds: float = 2.5
) -> Audio:
    """A part of `min_seconds` to `max_seconds` seconds around a place that is not silent."""
    size, step = round(audio.sample_rate * rng.uniform(min_seconds, max_seconds)), audio.sample_rate // 10
    if len(audio.samples) <= size:
        return audio
    loud = np.add.reduceat(np.abs(audio.samples), np.arange(0, len(audio.samples), step))
    middle = int(rng.choice(np.flatnonzero(loud >= 0.1 * loud.max()))) * step
    start = min(max(middle - size // 2, 0), len(audio.samples) - size)
    return replace(audio, samples=audio.samples[start : start + size])


def add_loud_noise(audio: Audio, rng: np.random.Generator) -> Audio:
    """With noise 3 to 15 dB below."""
    return add_noise(audio, rng, 3, 15)


def filter_telephone_band(audio: Audio, rng: np.random.Generator) -> Audio:
    """Through a band of the telephone's, its edges up to a fifth off, 60 dB down an octave beyond."""
    hertz = np.maximum(np.fft.rfftfreq(len(audio.samples), 1 / audio.sample_rate), 1)
    low, high = np.array(TELEPHONE_BAND_HZ) * rng.uniform(0.8, 1.2, 2)
    beyond = np.maximum(np.log2(low / hertz), 0) + np.maximum(np.log2(hertz / high), 0)
    spectrum = np.fft.rfft(audio.samples) * 10 ** (-np.minimum(60 * beyond, 60) / 20)
    return replace(audio, samples=np.fft.irfft(spectrum, len(audio.samples)).astype(np.float32))


def crop_passage(audio: Audio, rng: np.random.Generator) -> Audio:
    """A part of 3 to 6 s, for music."""
    return crop_excerpt(audio, rng, 3.0, 6.0)


AUGMENTATIONS: dict[str, tuple[tuple[Augmentation, ...], ...]] = {
    "speech": (
        (change_speed,),
        (change_speed,),
        (equalise, change_speed),
        (equalise, add_noise, change_speed),
        (add_reverb, equalise, change_speed),
        (crop_excerpt, equalise, change_speed),
    ),
    "music": (
        (equalise, detune),
        (add_reverb, equalise),
        (crop_passage, equalise, detune),
        (crop_passage, equalise),
    ),
    "other": ((equalise, change_speed), (crop_excerpt,), (filter_telephone_band, change_speed)),
    "voice": (
        (filter_telephone_band, change_speed),
        (equalise, add_noise, change_speed),
        (add_loud_noise, equalise),
        (add_reverb, equalise, change_speed),
        (crop_excerpt, equalise, add_loud_noise),
        (add_reverb, filter_telephone_band, add_noise),
    ),
    "tune": (
        (equalise, detune),
        (add_reverb, filter_telephone_band),
        (crop_passage, equalise, add_loud_noise),
        (crop_passage, filter_telephone_band),
    ),
}
"""What is done to a clip of each kind, version by version; voices and tunes are the packages'."""


# ---------------------------------------------------------------- clips


@dataclass(frozen=True, kw_only=True)
class _ClipSource:
    """A file, what is known of it, and what is taken: PIECE seconds from `start_seconds`, a fragment, or all.

    augmentation: one of VERSIONS, empty for the kind's own
    """

    path: Path
    kind: str
    group: str
    split: str
    label: str = ""
    affect: tuple[float, float] = (float("nan"), float("nan"))
    start_seconds: float | None = None
    is_fragment: bool = False
    augmentation: str = ""


def load_clips(
    data_root: Path,
    *,
    seed: int,
    splits: Sequence[str] = ("train", "dev"),
    quiet: bool = False,
    include_packages: bool = True,
) -> AudioClips:
    """Clips of these parts of ravdess_speech, vgmidi and animal_sounds; with "train" also samples and tracks,
    and if wanted recordings from packages.

    Silent clips are left out. Test clips have no altered versions. Rows are kept in the cache folder.
    Raises AffectError where a set is not there, its kind Unreachable where a package can't be had, MediaError
    where a file can't be read.
    """
    told = list(_list_sources(data_root, "train" in splits, "train" in splits and include_packages))
    told = [one for one in told if one.split in splits]
    encoder = ENCODERS.make(ENCODER_NAME)
    shelf = FeatureCache(
        encoder.card, Sampling(sample_rate=encoder.card.sample_rate or 0), all_segments=False
    )
    drawn = make_noises(N_NOISES, seed) if "train" in splits else []
    most = 1 + max(map(len, AUGMENTATIONS.values()))
    rows = np.full((len(told) + len(drawn), most, encoder.card.dim), np.nan, np.float32)
    rows[len(told) :, 0] = encode_all(encoder, drawn)
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("encoding sound", 0, len(told))
        for at, one in enumerate(told):
            found = _encode_clip(encoder, shelf, one, seed)
            rows[at, : len(found)] = found
            report.update("encoding sound", at + 1, len(told))
    heard = AudioClips(
        features=rows,
        kinds=np.array([one.kind for one in told] + ["other"] * len(drawn)),
        labels=np.array([one.label for one in told] + [""] * len(drawn)),
        affect=np.array([one.affect for one in told] + [(np.nan, np.nan)] * len(drawn)),
        groups=np.array([one.group for one in told] + [f"noise {at}" for at in range(len(drawn))]),
        splits=np.array([one.split for one in told] + ["train"] * len(drawn)),
    )
    return heard.select(~is_missing_row(rows[:, 0]))


def _encode_clip(encoder: Encoder, cache: FeatureCache, source: _ClipSource, seed: int) -> Rows:
    """(versions, d) of one clip, from the shelf if it is there."""
    recipes = () if source.split == "test" else AUGMENTATIONS[source.augmentation or source.kind]
    told = (
        f"{compute_content_digest((source.path,))} from {source.start_seconds}, "
        f"{len(recipes)} versions of rule {AUGMENTATION_VERSION}, seed {seed}"
    )
    told += " fragment" * source.is_fragment + f" {source.augmentation}" * bool(source.augmentation)
    name = hashlib.sha256(told.encode()).hexdigest()
    if (entry := cache.get(name)) is not None:
        return entry.features
    plain = decode_audio(source.path)
    if source.start_seconds is not None:
        first = round(source.start_seconds * plain.sample_rate)
        plain = replace(
            plain, samples=plain.samples[first : first + round(EXCERPT_SECONDS * plain.sample_rate)]
        )
    rng = np.random.default_rng(int(name[:16], 16))
    if source.is_fragment:
        plain = crop_excerpt(plain, rng, *FRAGMENT_SECONDS)
    sounds = [plain]
    for recipe in recipes if is_audible(plain) else ():
        altered = plain
        for alter in recipe:
            altered = alter(altered, rng)
        sounds.append(altered)
    rows = encode_all(encoder, sounds)
    cache.put(name, ItemFeatures(rows, np.full((len(rows), 2), np.nan)))
    return rows


def make_noises(count: int, seed: int) -> list[Audio]:
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
        found.append(Audio(samples=(0.3 * samples).astype(np.float32), sample_rate=16000))
    return found


def _list_sources(data_root: Path, include_samples: bool, include_packages: bool) -> Iterator[_ClipSource]:
    told = [
        *_list_dataset_clips(data_root),
        *(_list_samples_and_tracks(data_root) if include_samples else ()),
        *(_list_package_recordings() if include_packages else ()),
    ]
    yield from told
    for at, one in enumerate(told):
        if (
            one.kind != "other" and at % FRAGMENT_INTERVAL == 0
        ):  # what lasts a tenth of a second is neither speech nor music
            yield replace(
                one,
                kind="other",
                label="",
                affect=(float("nan"), float("nan")),
                is_fragment=True,
                augmentation="",
            )


def _list_dataset_clips(data_root: Path) -> Iterator[_ClipSource]:
    folder = data_root / "ravdess_speech"
    for row in read_table(folder / "labels.csv"):
        path, actor = folder / "audio" / f"{row['clip']}.ogg", f"actor {row['actor']}"
        yield _ClipSource(path=path, kind="speech", group=actor, split=row["split"], label=row["emotion"])
    for piece in load_vgmidi(data_root):
        mood = (piece.valence, piece.arousal)
        yield _ClipSource(
            path=piece.path, kind="music", group=f"series {piece.group}", split=piece.split, affect=mood
        )
    folder = data_root / "animal_sounds"
    for row in read_table(folder / "labels.csv"):
        path = folder / row["file"]
        yield _ClipSource(
            path=path, kind="other", group=row["folder"].split("-")[0] + path.stem, split=row["split"]
        )


def _list_samples_and_tracks(data_root: Path) -> Iterator[_ClipSource]:
    for path in _list_ogg_files(data_root / "sonicpi_samples_cc0" / "ogg"):
        kind = "music" if MUSIC_SAMPLE_PATTERN.match(path.stem) else "other"
        if kind == "other" and AMBIGUOUS_SAMPLE_PATTERN.match(path.stem):
            continue
        group = "sample " + "_".join(path.stem.split("_")[:2]).rstrip("0123456789")
        yield _ClipSource(path=path, kind=kind, group=group, split="train")
    for path in _list_ogg_files(data_root / "wesnoth_music" / "excerpts_20s_ogg"):
        group = f"track {re.split('[-_0-9]', path.stem)[0]}"
        for start in range(EXCERPTS_PER_TRACK):
            yield _ClipSource(
                path=path, kind="music", group=group, split="train", start_seconds=start * EXCERPT_SECONDS / 2
            )


def _list_package_recordings() -> Iterator[_ClipSource]:
    for one in fetch_recordings():
        kind, group = one.package.kind, one.package.group
        if kind == "music":
            group += f" {one.path.stem}"
            for at in range(EXCERPTS_PER_TRACK):
                start = at * EXCERPT_SPACING_SECONDS
                yield _ClipSource(
                    path=one.path,
                    kind=kind,
                    group=group,
                    split="train",
                    start_seconds=start,
                    augmentation="tune",
                )
        else:
            altered = "voice" if kind == "speech" else ""
            yield _ClipSource(
                path=one.path, kind=kind, group=group, split="train", start_seconds=0.0, augmentation=altered
            )


def _list_ogg_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.ogg"))
    if not found:
        raise AffectError(f"{folder}: no sounds there; name the folder of the data sets with --data")
    return found
