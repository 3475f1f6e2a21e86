"""Clips of four kinds with what is known of them, and the degree to which each prompt tells of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from encoders.base import AffectError, Rows, is_missing_row, unit_rows
from experiments.datasets import load_vgmidi
from experiments.datasets.animal_sounds import load_animal_captions
from experiments.datasets.ravdess import load_ravdess_captions
from experiments.features.extraction import encode_items
from experiments.heads.audio_text.audio_augmentation import encode_augmented
from experiments.heads.audio_text.prompts import UNRATED_MUSIC_LABELS, Prompt
from retrieval.evaluation.splits import make_group_folds
from retrieval.features.pipeline import FeaturePipeline

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

MOOD_MATCH_SD = 0.8  # of a mood prompt, in the training pieces' standard deviations
N_VERSIONS = 3  # altered ones of each clip, to learn from
MAX_TRACK_SEGMENTS = 4  # of an orchestral track, so that long ones don't drown the rest
DUPLICATE_COSINE = 0.98  # cosine of log-mel rows from which two animal clips may be cut from one recording

# The instrument by a sample's name: the first pattern that it begins with. No line: left out.
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
    """n clips of instruments and other sounds: raw rows (n, d), instrument and group of each."""

    features: Rows
    labels: list[str]
    groups: list[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledClips:
    """n clips.

    features: (n, d) raw rows of the sound expert, none missing
    augmented_features: (n, count, d) those of altered versions of each, missing for music and instruments
    kinds:    (n,) "animal", "speech", "music" or "instrument"
    labels:   (n,) the animal, the emotion or the instrument; empty for music
    speakers: (n,) "man" or "woman"; empty where nobody speaks
    affect:   (n, 2) valence and arousal of music; NaN for others
    groups:   (n,) what a split must not tear apart: one recording, an actor, a game series, a track
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
        """(n,) what each was cut from: a recording for animals, for the others the clip itself."""
        own = [f"clip {at}" for at in range(len(self.features))]
        return np.where(self.kinds == "animal", self.groups, own)

    def select(self, items: npt.ArrayLike) -> LabelledClips:
        """Some of them, in the order given."""
        kept = np.asarray(items)
        return replace(self, **{name: rows[kept] for name, rows in vars(self).items()})


def load_clips(pipeline: FeaturePipeline, data_root: Path, *, seed: int) -> LabelledClips:
    """Train and dev of animal_sounds, ravdess_speech and vgmidi, Sonic Pi's samples, segments of Wesnoth's
    tracks; silent clips are left out.

    seed: of the altered versions; music has none, as its tempo and pitch are part of its mood, and
          instruments need none: they are here to be told from the rest

    Raises AffectError where a set is not there.
    """
    cries, voices, pieces, sounded = (
        load_animal_captions(data_root),
        load_ravdess_captions(data_root),
        load_vgmidi(data_root),
        load_instruments(pipeline, data_root),
    )
    media = [item.media[0] for item in (*cries.items, *voices.items)] + [piece.path for piece in pieces]
    rows = encode_items(pipeline, [(path,) for path in media], quiet=True).mean_pool(len(media))["sound"]
    altered = np.full((len(media), N_VERSIONS, rows.shape[1]), np.nan, np.float32)
    others = len(media) - len(pieces)
    altered[:others] = encode_augmented(pipeline, media[:others], N_VERSIONS, seed=seed)
    more = len(sounded.features)
    counts = len(cries.items), len(voices.items), len(pieces), more
    actors = [int(item.group) for item in voices.items]
    found = LabelledClips(
        features=np.concatenate([rows, sounded.features]),
        augmented_features=np.concatenate([altered, np.full((more, *altered.shape[1:]), np.nan, np.float32)]),
        kinds=np.repeat(["animal", "speech", "music", "instrument"], counts),
        labels=np.array(
            [item.captions[0] for item in (*cries.items, *voices.items)] + [""] * len(pieces) + sounded.labels
        ),
        speakers=np.array(
            [""] * len(cries.items)
            + ["man" if actor % 2 else "woman" for actor in actors]
            + [""] * (len(pieces) + more)
        ),
        affect=np.array(
            [[np.nan] * 2] * sum(counts[:2])
            + [[piece.valence, piece.arousal] for piece in pieces]
            + [[np.nan] * 2] * more
        ),
        groups=np.array(
            [f"recording {number}" for number in group_duplicates(rows[: counts[0]])]
            + [f"actor {actor}" for actor in actors]
            + [f"series {piece.group}" for piece in pieces]
            + sounded.groups
        ),
    )
    return found.select(np.flatnonzero(~is_missing_row(found.features)))


def load_instruments(pipeline: FeaturePipeline, data_root: Path) -> InstrumentClips:
    """Sonic Pi's samples, and up to SEGMENTS segments of each of Wesnoth's orchestral tracks.

    Samples whose names share their first two words are one group, and so are tracks that share the first.
    Raises AffectError where a set is not there.
    """
    samples = [
        path
        for path in _list_ogg_files(data_root / "sonicpi_samples_cc0" / "ogg")
        if classify_sample(path.stem)
    ]
    tracks = _list_ogg_files(data_root / "wesnoth_music" / "excerpts_20s_ogg")
    short = encode_items(pipeline, [(path,) for path in samples], quiet=True).mean_pool(len(samples))["sound"]
    long = encode_items(pipeline, [(path,) for path in tracks], all_segments=True, quiet=True)
    order = np.arange(len(long.item_by_segment)) - np.searchsorted(long.item_by_segment, long.item_by_segment)
    kept = np.flatnonzero(order < MAX_TRACK_SEGMENTS)
    return InstrumentClips(
        features=np.concatenate([short, long.features["sound"][kept]]),
        labels=[classify_sample(path.stem) for path in samples] + ["orchestra"] * len(kept),
        groups=[f"sample {_extract_name_prefix(path.stem)}" for path in samples]
        + [f"track {re.split('[-_0-9]', tracks[at].stem)[0]}" for at in long.item_by_segment[kept]],
    )


def classify_sample(name: str) -> str:
    """The instrument of a Sonic Pi sample of this name, empty for what is none of INSTRUMENTS."""
    return next((label for label, pattern in SAMPLE_LABEL_PATTERNS if re.match(pattern, name)), "")


def _extract_name_prefix(name: str) -> str:
    """ "tabla_ghe" of "tabla_ghe1", but "bd_808" of itself."""
    return (re.match("[a-z]+_[a-z]+", name) or re.match(".*", name))[0]  # type: ignore[index]


def _list_ogg_files(folder: Path) -> list[Path]:
    """Ogg files of a folder, by name. Raises AffectError where there is none."""
    found = sorted(folder.glob("*.ogg"))
    if not found:
        raise AffectError(f"{folder}: no sounds there; see experiments/datasets for where sets are kept")
    return found


def group_duplicates(features: Rows) -> Ints:
    """(n,) a number for each row (n, d), the same for rows linked by cosines above SAME."""
    unit = np.nan_to_num(unit_rows(features))
    return np.asarray(connected_components(unit @ unit.T > DUPLICATE_COSINE)[1], np.int64)


def assign_folds(clips: LabelledClips, n_folds: int, seed: int) -> Ints:
    """(n,) the fold of each clip, whole groups at a time.

    Animals, men, women, music and instruments are spread evenly; some instruments have fewer groups than
    there are folds.
    """
    number = np.zeros(len(clips.features), np.int64)
    told = np.where(clips.kinds == "instrument", clips.kinds, clips.classes)
    first = {name: told[at] for at, name in reversed(list(enumerate(clips.groups)))}
    strata = np.array([who or first[group] for who, group in zip(clips.speakers, clips.groups, strict=True)])
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        for fold, members in enumerate(make_group_folds(clips.groups[inside].tolist(), n_folds, seed)):
            number[inside[members]] = fold
    return number


def compute_match_matrix(clips: LabelledClips, prompts: Sequence[Prompt]) -> Floats:
    """(clips, prompts) in [0, 1]: 1 where kind, label and speaker fit, for moods by distance.

    NaN where a mood is asked of music that nobody rated.

    A mood prompt and a piece at distance r on the plane, in these pieces' standard deviations, match by
    exp(-r^2 / (2 * SPREAD^2)).
    """
    table = np.stack([_matches_prompt(clips, prompt) for prompt in prompts], axis=1).astype(np.float64)
    moods = np.array([prompt.mood is not None for prompt in prompts], np.bool_)
    table[np.ix_((clips.kinds == "instrument") & np.isin(clips.labels, UNRATED_MUSIC_LABELS), moods)] = np.nan
    pieces = clips.kinds == "music"
    if not pieces.any():
        return table
    places = (clips.affect - clips.affect[pieces].mean(axis=0)) / clips.affect[pieces].std(axis=0)
    for column, prompt in enumerate(prompts):
        if prompt.mood is not None:
            squared = ((places[pieces] - prompt.mood) ** 2).sum(axis=1)
            table[pieces, column] *= np.exp(-squared / (2 * MOOD_MATCH_SD**2))
    return table


def _matches_prompt(clips: LabelledClips, prompt: Prompt) -> npt.NDArray[np.bool_]:
    fits = clips.kinds == prompt.kind
    if prompt.label:
        fits &= clips.labels == prompt.label
    if prompt.speaker:
        fits &= clips.speakers == prompt.speaker
    return np.asarray(fits | ((clips.kinds == "instrument") & np.isin(clips.labels, prompt.extra_labels)))
