"""Clips of four kinds as features with their labels, and the degree to which each matches each prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from encoders import Rows, is_missing_row, unit_rows
from experiments.datasets.animal_sounds import load_animal_captions
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.vgmidi import load_vgmidi
from experiments.features.extraction import encode_items
from experiments.heads.audio_text.audio_augmentation import ROLES, encode_augmented
from experiments.heads.audio_text.instrument_clips import load_instruments
from experiments.heads.audio_text.prompts import Prompt
from experiments.heads.audio_text.vocabulary import UNRATED_MUSIC_LABELS
from retrieval.evaluation import make_group_folds
from retrieval.features import FeaturePipeline
from spaces import Features

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

MOOD_MATCH_SD = 0.8  # width of the match of a mood prompt, in the training pieces' standard deviations
N_VERSIONS = 3  # augmented copies of each clip
DUPLICATE_COSINE = 0.98  # of log-mel rows, from which two animal clips may be of one recording


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledClips:
    """n clips.

    features: by role, (n, d) raw rows, none missing
    augmented_features: by role, (n, copies, d) of augmented copies, missing for music and instruments
    kinds:    (n,) "animal", "speech", "music" or "instrument"
    labels:   (n,) the animal, the emotion or the instrument; empty for music
    speakers: (n,) "man" or "woman"; empty for other kinds
    affect:   (n, 2) valence and arousal of music; NaN for others
    groups:   (n,) kept whole by a split: a recording, an actor, a game series, a track
    """

    features: Features
    augmented_features: Features
    kinds: Strings
    labels: Strings
    speakers: Strings
    affect: Floats
    groups: Strings

    @property
    def classes(self) -> Strings:
        """(n,) the class of each: an animal, an emotion, an instrument, or music."""
        return np.strings.add(self.kinds, self.labels)

    @property
    def sources(self) -> Strings:
        """(n,) the recording each is part of: for animals the group, for others the clip itself."""
        clip_names = [f"clip {index}" for index in range(len(self.kinds))]
        return np.where(self.kinds == "animal", self.groups, clip_names)

    def select(self, indices: npt.ArrayLike) -> LabelledClips:
        """The clips at these indices, in their order."""
        selected = np.asarray(indices)
        parts: dict[str, Any] = {
            name: {role: rows[selected] for role, rows in part.items()}
            if isinstance(part, Mapping)
            else part[selected]
            for name, part in vars(self).items()
        }
        return replace(self, **parts)


def load_clips(pipeline: FeaturePipeline, data_root: Path, *, seed: int) -> LabelledClips:
    """Train and dev of the animal sounds, RAVDESS speech and VGMIDI, Sonic Pi's samples, Wesnoth's tracks.

    Silent clips are left out.

    seed: of the augmented copies; music has none, as its tempo and pitch are part of its mood, and
          instruments need none: they serve to separate the other kinds from the rest

    Raises AffectError where a set is missing.
    """
    animals, speech = load_animal_captions(data_root).items, load_ravdess_speech(data_root)
    music, instruments = load_vgmidi(data_root), load_instruments(pipeline, data_root)
    paths = [item.media[0] for item in animals] + [clip.path for clip in speech]
    augmented = encode_augmented(pipeline, paths, N_VERSIONS, seed=seed)
    counts = len(animals), len(speech), len(music), len(instruments.labels)
    paths += [piece.path for piece in music]
    rows = encode_items(pipeline, [(path,) for path in paths], quiet=True).mean_pool(len(paths))
    clips = LabelledClips(
        features={role: np.concatenate([rows[role], instruments.features[role]]) for role in ROLES},
        augmented_features={role: _pad_missing(copies, sum(counts)) for role, copies in augmented.items()},
        kinds=np.repeat(["animal", "speech", "music", "instrument"], counts),
        labels=np.array(
            [item.captions[0] for item in animals]
            + [clip.emotion for clip in speech]
            + [""] * len(music)
            + instruments.labels
        ),
        speakers=np.array(
            [""] * counts[0] + [_get_speaker(clip.actor) for clip in speech] + [""] * sum(counts[2:])
        ),
        affect=_place_affect([(piece.valence, piece.arousal) for piece in music], counts),
        groups=np.array(
            [f"recording {number}" for number in group_duplicates(rows["sound"][: len(animals)])]
            + [f"actor {int(clip.actor)}" for clip in speech]
            + [f"series {piece.group}" for piece in music]
            + instruments.groups
        ),
    )
    is_missing = np.any([is_missing_row(rows) for rows in clips.features.values()], axis=0)
    return clips.select(np.flatnonzero(~is_missing))


def _pad_missing(rows: Rows, count: int) -> Rows:
    """(count, copies, d) rows (n, copies, d), and NaN from there on."""
    return np.concatenate([rows, np.full((count - len(rows), *rows.shape[1:]), np.nan, np.float32)])


def _get_speaker(actor: str) -> str:
    """RAVDESS numbers men odd and women even."""
    return "man" if int(actor) % 2 else "woman"


def _place_affect(music_affect: Sequence[tuple[float, float]], counts: Sequence[int]) -> Floats:
    """(n, 2) the affect of music, the third of four kinds; NaN for the others."""
    affect = np.full((sum(counts), 2), np.nan)
    start = sum(counts[:2])
    affect[start : start + counts[2]] = music_affect
    return affect


def group_duplicates(features: Rows) -> Ints:
    """(n,) a number for each row (n, d), the same for rows linked by cosines above DUPLICATE_COSINE."""
    unit = np.nan_to_num(unit_rows(features))
    return np.asarray(connected_components(unit @ unit.T > DUPLICATE_COSINE)[1], np.int64)


def assign_folds(clips: LabelledClips, n_folds: int, seed: int) -> Ints:
    """(n,) the fold of each clip, whole groups at a time.

    Animals, men, women, music and instruments are spread evenly; some instruments have fewer groups than
    there are folds.
    """
    fold_by_clip = np.zeros(len(clips.kinds), np.int64)
    class_names = np.where(clips.kinds == "instrument", clips.kinds, clips.classes)
    first_class = {group: class_names[i] for i, group in reversed(list(enumerate(clips.groups)))}
    strata = np.array(
        [speaker or first_class[group] for speaker, group in zip(clips.speakers, clips.groups, strict=True)]
    )
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        for fold, members in enumerate(make_group_folds(clips.groups[rows].tolist(), n_folds, seed)):
            fold_by_clip[rows[members]] = fold
    return fold_by_clip


def compute_match_matrix(clips: LabelledClips, prompts: Sequence[Prompt]) -> Floats:
    """(clips, prompts) in [0, 1]: 1 where kind, label and speaker match, for moods by distance.

    A mood prompt and a piece at distance r on the plane, in these pieces' standard deviations, match by
    exp(-r^2 / (2 * MOOD_MATCH_SD^2)). NaN for a mood prompt and unrated music.
    """
    matches = np.stack([_matches_prompt(clips, prompt) for prompt in prompts], axis=1).astype(np.float64)
    is_mood = np.array([prompt.mood is not None for prompt in prompts], np.bool_)
    is_unrated = (clips.kinds == "instrument") & np.isin(clips.labels, UNRATED_MUSIC_LABELS)
    matches[np.ix_(is_unrated, is_mood)] = np.nan
    is_music = clips.kinds == "music"
    if not is_music.any():
        return matches
    affect = (clips.affect - clips.affect[is_music].mean(axis=0)) / clips.affect[is_music].std(axis=0)
    for column, prompt in enumerate(prompts):
        if prompt.mood is not None:
            squared_distance = ((affect[is_music] - prompt.mood) ** 2).sum(axis=1)
            matches[is_music, column] *= np.exp(-squared_distance / (2 * MOOD_MATCH_SD**2))
    return matches


def _matches_prompt(clips: LabelledClips, prompt: Prompt) -> npt.NDArray[np.bool_]:
    is_match = clips.kinds == prompt.kind
    if prompt.label:
        is_match &= clips.labels == prompt.label
    if prompt.speaker:
        is_match &= clips.speakers == prompt.speaker
    is_extra = (clips.kinds == "instrument") & np.isin(clips.labels, prompt.extra_labels)
    return np.asarray(is_match | is_extra)
