"""Clips of four kinds as features with their labels, and the degree to which each matches each prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from encoders import Rows, is_missing_row, unit_rows
from experiments.datasets.animal_sounds import load_animal_captions
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.sonic_pi import load_sonic_pi_samples
from experiments.datasets.vgmidi import load_vgmidi
from experiments.datasets.wesnoth import get_track_group, list_wesnoth_excerpts
from experiments.features.extraction import encode_items
from experiments.heads.audio_text.audio_augmentation import encode_augmented
from experiments.heads.audio_text.prompts import Prompt
from experiments.heads.audio_text.vocabulary import UNRATED_MUSIC_LABELS
from retrieval.evaluation import make_group_folds
from retrieval.features import FeaturePipeline

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

MOOD_MATCH_SD = 0.8  # width of the match of a mood prompt, in the training pieces' standard deviations
N_VERSIONS = 3  # augmented copies of each clip
MAX_TRACK_SEGMENTS = 4  # of an orchestral track, so that long ones don't outweigh the rest
DUPLICATE_COSINE = 0.98  # of log-mel rows, from which two animal clips may be of one recording

# The instrument of a sample: that of the first pattern its name matches; left out where none does.
SAMPLE_LABEL_PATTERNS = (
    ("bass drum", "bd_|drum_bass|drum_heavy_kick|elec_(hollow|soft)_kick"),
    ("snare drum", "sn_|drum_snare|elec_(filt_|hi_|lo_|mid_|)snare"),
    ("cymbal", "hat_|ride_|drum_(cymbal|splash)|elec_cymbal|tbd_perc_hat"),
    ("bell", "drum_cowbell|elec_(bell|chime|triangle|bong)|perc_bell"),
    ("drum", "drum_(tom|roll)|elec_fuzz_tom|glitch_perc|tbd_perc_tap"),
    ("tabla", "tabla_"),
    ("ambient", "ambi_(?!choir|piano)|loop_drone|tbd_(pad|fxbed)"),
    ("noise", "loop_3d_printer|perc_"),
    ("beat", "loop_|arovane_beat"),
    ("guitar", "guit_"),
    ("bass", "bass_|glitch_bass"),
    ("beep", "elec_|mehackit_phone|tbd_perc_blip"),
    ("robot", "glitch_robot|mehackit_robot"),
    ("vinyl", "vinyl_"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class InstrumentClips:
    """n clips of instruments and other sounds: raw rows (n, d), and the instrument and group of each."""

    features: Rows
    labels: list[str]
    groups: list[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledClips:
    """n clips.

    features: (n, d) raw rows of the sound encoder, none missing
    augmented_features: (n, copies, d) of augmented copies of each, missing for music and instruments
    kinds:    (n,) "animal", "speech", "music" or "instrument"
    labels:   (n,) the animal, the emotion or the instrument; empty for music
    speakers: (n,) "man" or "woman"; empty for other kinds
    affect:   (n, 2) valence and arousal of music; NaN for others
    groups:   (n,) kept whole by a split: a recording, an actor, a game series, a track
    """

    features: Rows
    augmented_features: Rows
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
        clip_names = [f"clip {index}" for index in range(len(self.features))]
        return np.where(self.kinds == "animal", self.groups, clip_names)

    def select(self, indices: npt.ArrayLike) -> LabelledClips:
        """The clips at these indices, in their order."""
        selected = np.asarray(indices)
        return replace(self, **{name: rows[selected] for name, rows in vars(self).items()})


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
    n_augmented, counts = len(paths), (len(animals), len(speech), len(music), len(instruments.features))
    paths += [piece.path for piece in music]
    rows = encode_items(pipeline, [(path,) for path in paths], quiet=True).mean_pool(len(paths))["sound"]
    augmented = np.full((sum(counts), N_VERSIONS, rows.shape[1]), np.nan, np.float32)
    augmented[:n_augmented] = encode_augmented(pipeline, paths[:n_augmented], N_VERSIONS, seed=seed)
    clips = LabelledClips(
        features=np.concatenate([rows, instruments.features]),
        augmented_features=augmented,
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
            [f"recording {number}" for number in group_duplicates(rows[: len(animals)])]
            + [f"actor {int(clip.actor)}" for clip in speech]
            + [f"series {piece.group}" for piece in music]
            + instruments.groups
        ),
    )
    return clips.select(np.flatnonzero(~is_missing_row(clips.features)))


def _get_speaker(actor: str) -> str:
    """RAVDESS numbers men odd and women even."""
    return "man" if int(actor) % 2 else "woman"


def _place_affect(music_affect: Sequence[tuple[float, float]], counts: Sequence[int]) -> Floats:
    """(n, 2) the affect of music, the third of four kinds; NaN for the others."""
    affect = np.full((sum(counts), 2), np.nan)
    start = sum(counts[:2])
    affect[start : start + counts[2]] = music_affect
    return affect


def load_instruments(pipeline: FeaturePipeline, data_root: Path) -> InstrumentClips:
    """Sonic Pi's samples, and up to MAX_TRACK_SEGMENTS segments of each of Wesnoth's orchestral tracks.

    Samples whose names share their first two words are one group, and so are tracks that share the first.
    Raises AffectError where a set is missing.
    """
    sample_paths = (sample.path for sample in load_sonic_pi_samples(data_root))
    samples = [path for path in sample_paths if classify_sample(path.stem)]
    tracks = list_wesnoth_excerpts(data_root)
    sample_rows = encode_items(pipeline, [(path,) for path in samples], quiet=True).mean_pool(len(samples))
    segments = encode_items(pipeline, [(path,) for path in tracks], all_segments=True, quiet=True)
    first_segments = np.searchsorted(segments.item_by_segment, segments.item_by_segment)
    segment_numbers = np.arange(len(segments.item_by_segment)) - first_segments
    selected = np.flatnonzero(segment_numbers < MAX_TRACK_SEGMENTS)
    return InstrumentClips(
        features=np.concatenate([sample_rows["sound"], segments.features["sound"][selected]]),
        labels=[classify_sample(path.stem) for path in samples] + ["orchestra"] * len(selected),
        groups=[f"sample {_extract_name_prefix(path.stem)}" for path in samples]
        + [f"track {get_track_group(tracks[item])}" for item in segments.item_by_segment[selected]],
    )


def classify_sample(name: str) -> str:
    """The instrument of a Sonic Pi sample of this name; empty where it is none of INSTRUMENTS."""
    return next((label for label, pattern in SAMPLE_LABEL_PATTERNS if re.match(pattern, name)), "")


def _extract_name_prefix(name: str) -> str:
    """The first two words of a name: "tabla_ghe" of "tabla_ghe1", but "bd_808" of itself."""
    return (re.match("[a-z]+_[a-z]+", name) or re.match(".*", name))[0]  # type: ignore[index]


def group_duplicates(features: Rows) -> Ints:
    """(n,) a number for each row (n, d), the same for rows linked by cosines above DUPLICATE_COSINE."""
    unit = np.nan_to_num(unit_rows(features))
    return np.asarray(connected_components(unit @ unit.T > DUPLICATE_COSINE)[1], np.int64)


def assign_folds(clips: LabelledClips, n_folds: int, seed: int) -> Ints:
    """(n,) the fold of each clip, whole groups at a time.

    Animals, men, women, music and instruments are spread evenly; some instruments have fewer groups than
    there are folds.
    """
    fold_by_clip = np.zeros(len(clips.features), np.int64)
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
