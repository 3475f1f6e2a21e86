"""Clips of speech, music and other sounds as features, plain and augmented, with their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import ENCODERS, Audio, Encoder, Rows, encode_all, is_missing_row
from encoders.logmel import is_audible
from encoders.media import Sampling
from experiments.background import decode_audio
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.heads.audio_affect.augmentation import AUGMENTATION_VERSION, AUGMENTATIONS, crop_excerpt
from experiments.heads.audio_affect.clip_sources import EXCERPT_SECONDS, ClipSource, list_clip_sources
from experiments.heads.audio_affect.synthetic_noise import N_NOISES, make_noises
from retrieval.progress_reporter import ProgressReporter

ENCODER_NAME, ROLE = "tone", "tone"
KINDS = ("speech", "music", "other")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
FRAGMENT_SECONDS = 0.06, 0.3  # shortest and longest
N_COPIES = 1 + max(map(len, AUGMENTATIONS.values()))  # of a clip, the plain one included

Strings = npt.NDArray[np.str_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class AudioClips:
    """n clips.

    features: (n, v, d) raw rows of the encoder, the plain clip first; NaN where there is no such copy
    kinds:  (n,) one of KINDS
    labels: (n,) one of EMOTIONS for speech, else empty
    affect: (n, 2) valence and arousal of rated music, else NaN
    groups: (n,) kept whole by a split: an actor, a game series, a track, a kind of sample
    splits: (n,) "train", "dev" or "test"
    """

    features: Rows
    kinds: Strings
    labels: Strings
    affect: Floats
    groups: Strings
    splits: Strings

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.kinds)

    def select(self, indices: npt.ArrayLike) -> AudioClips:
        """The clips at these indices, or where a mask is true."""
        selected = np.asarray(indices)
        return replace(self, **{name: rows[selected] for name, rows in vars(self).items()})


def select_speech(clips: AudioClips) -> AudioClips:
    """The clips labelled with an acted emotion."""
    return clips.select(clips.labels != "")


def select_rated_music(clips: AudioClips) -> AudioClips:
    """The music with ratings."""
    return clips.select(~np.isnan(clips.affect[:, 0]))


def select_unrated_music(clips: AudioClips) -> AudioClips:
    """The music without ratings."""
    return clips.select((clips.kinds == "music") & np.isnan(clips.affect[:, 0]))


def load_clips(
    data_root: Path,
    *,
    seed: int,
    splits: Sequence[str] = ("train", "dev"),
    quiet: bool = False,
    include_packages: bool = True,
) -> AudioClips:
    """Clips of these splits of RAVDESS speech, VGMIDI and the animal sounds.

    With "train" also synthetic noises, Sonic Pi's samples, Wesnoth's tracks and, with `include_packages`,
    recordings of Debian packages. Silent clips are left out. Test clips have no augmented copies. Rows are
    cached on disk.

    Raises AffectError where a set is missing, PackageUnavailable (one of its kinds) where a package can't be
    downloaded, MediaError where a file can't be decoded.
    """
    in_train = "train" in splits
    sources = [
        source
        for source in list_clip_sources(data_root, in_train, in_train and include_packages)
        if source.split in splits
    ]
    noises = make_noises(N_NOISES, seed) if in_train else []
    rows = _encode_clips(sources, noises, seed, quiet)
    clips = AudioClips(
        features=rows,
        kinds=np.array([source.kind for source in sources] + ["other"] * len(noises)),
        labels=np.array([source.label for source in sources] + [""] * len(noises)),
        affect=np.array([source.affect for source in sources] + [(np.nan, np.nan)] * len(noises)),
        groups=np.array([source.group for source in sources] + [f"noise {i}" for i in range(len(noises))]),
        splits=np.array([source.split for source in sources] + ["train"] * len(noises)),
    )
    return clips.select(~is_missing_row(rows[:, 0]))


def _encode_clips(sources: Sequence[ClipSource], noises: Sequence[Audio], seed: int, quiet: bool) -> Rows:
    """(n, v, d) of the sources, then of the noises."""
    encoder = ENCODERS.make(ENCODER_NAME)
    rows = np.full((len(noises), N_COPIES, encoder.card.dim), np.nan, np.float32)
    rows[:, 0] = encode_all(encoder, noises)
    return np.concatenate([encode_sources(encoder, sources, seed, quiet=quiet), rows])


def encode_sources(
    encoder: Encoder, sources: Sequence[ClipSource], seed: int, *, quiet: bool = False
) -> Rows:
    """(n, v, d) of the sources, plain and augmented; the copies do not depend on the encoder."""
    sampling = Sampling(sample_rate=encoder.card.sample_rate or 0)
    cache = FeatureCache(encoder.card, sampling, all_segments=False)
    rows = np.full((len(sources), N_COPIES, encoder.card.dim), np.nan, np.float32)
    with ProgressReporter("features", unit="clips", quiet=quiet) as report:
        report.update("encoding sound", 0, len(sources))
        for index, source in enumerate(sources):
            copies = _encode_clip(encoder, cache, source, seed)
            rows[index, : len(copies)] = copies
            report.update("encoding sound", index + 1, len(sources))
    return rows


def _encode_clip(encoder: Encoder, cache: FeatureCache, source: ClipSource, seed: int) -> Rows:
    """(copies, d) of one clip, from the cache where it has them."""
    chains = () if source.split == "test" else AUGMENTATIONS[source.augmentation or source.kind]
    description = (
        f"{compute_content_digest((source.path,))} from {source.start_seconds}, "
        f"{len(chains)} versions of rule {AUGMENTATION_VERSION}, seed {seed}"
    )
    description += " fragment" * source.is_fragment + f" {source.augmentation}" * bool(source.augmentation)
    key = hashlib.sha256(description.encode()).hexdigest()
    if (entry := cache.get(key)) is not None:
        return entry.features
    rng = np.random.default_rng(int(key[:16], 16))
    plain = _decode_source(source, rng)
    copies = [plain]
    for chain in chains if is_audible(plain) else ():
        augmented = plain
        for augment in chain:
            augmented = augment(augmented, rng)
        copies.append(augmented)
    rows = encode_all(encoder, copies)
    cache.put(key, ItemFeatures(rows, np.full((len(rows), 2), np.nan)))
    return rows


def _decode_source(source: ClipSource, rng: np.random.Generator) -> Audio:
    audio = decode_audio(source.path)
    if source.start_seconds is not None:
        first = round(source.start_seconds * audio.sample_rate)
        last = first + round(EXCERPT_SECONDS * audio.sample_rate)
        audio = replace(audio, samples=audio.samples[first:last])
    return crop_excerpt(audio, rng, *FRAGMENT_SECONDS) if source.is_fragment else audio
