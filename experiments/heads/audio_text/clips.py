"""Clips of four kinds with what is known of them, and the degree to which each prompt tells of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from encoders.base import AffectError, Rows, missing, unit_rows
from experiments.datasets import vgmidi
from experiments.datasets.registry import animals, speech
from experiments.features.extraction import encoded
from experiments.heads.audio_text.audio_augmentation import altered_rows
from experiments.heads.audio_text.prompts import TUNEFUL, Prompt
from retrieval.evaluation.splits import folds
from retrieval.features.pipeline import Experts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]

SPREAD = 0.8  # of a mood prompt, in the training pieces' standard deviations
VERSIONS = 3  # altered ones of each clip, to learn from
SEGMENTS = 4  # of an orchestral track, so that long ones don't drown the rest
SAME = 0.98  # cosine of log-mel rows from which two animal clips may be cut from one recording

# The instrument by a sample's name: the first pattern that it begins with. No line: left out.
SAMPLES = (
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
class Sounded:
    """n clips of instruments and other sounds: raw rows (n, d), instrument and group of each."""

    rows: Rows
    labels: list[str]
    groups: list[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Clips:
    """n clips.

    rows:     (n, d) raw rows of the sound expert, none missing
    altered:  (n, count, d) those of altered versions of each, missing for music and instruments
    kinds:    (n,) "animal", "speech", "music" or "instrument"
    labels:   (n,) the animal, the emotion or the instrument; empty for music
    speakers: (n,) "man" or "woman"; empty where nobody speaks
    moods:    (n, 2) valence and arousal of music; NaN for others
    groups:   (n,) what a split must not tear apart: one recording, an actor, a game series, a track
    """

    rows: Rows
    altered: Rows
    kinds: Names
    labels: Names
    speakers: Names
    moods: Floats
    groups: Names

    @property
    def classes(self) -> Names:
        """(n,) the class of each: an animal, an emotion, an instrument, or music."""
        return np.strings.add(self.kinds, self.labels)

    @property
    def sources(self) -> Names:
        """(n,) what each was cut from: a recording for animals, for the others the clip itself."""
        own = [f"clip {at}" for at in range(len(self.rows))]
        return np.where(self.kinds == "animal", self.groups, own)

    def part(self, items: npt.ArrayLike) -> Clips:
        """Some of them, in the order given."""
        kept = np.asarray(items)
        return replace(self, **{name: rows[kept] for name, rows in vars(self).items()})


def load_clips(experts: Experts, data: Path, *, seed: int) -> Clips:
    """Train and dev of animal_sounds, ravdess_speech and vgmidi, Sonic Pi's samples, segments of Wesnoth's
    tracks; silent clips are left out.

    seed: of the altered versions; music has none, as its tempo and pitch are part of its mood, and
          instruments need none: they are here to be told from the rest

    Raises AffectError where a set is not there.
    """
    cries, voices, pieces, sounded = animals(data), speech(data), vgmidi(data), instruments(experts, data)
    media = [item.media[0] for item in (*cries.items, *voices.items)] + [piece.path for piece in pieces]
    rows = encoded(experts, [(path,) for path in media], quiet=True).pooled(len(media))["sound"]
    altered = np.full((len(media), VERSIONS, rows.shape[1]), np.nan, np.float32)
    others = len(media) - len(pieces)
    altered[:others] = altered_rows(experts, media[:others], VERSIONS, seed=seed)
    more = len(sounded.rows)
    counts = len(cries.items), len(voices.items), len(pieces), more
    actors = [int(item.group) for item in voices.items]
    found = Clips(
        rows=np.concatenate([rows, sounded.rows]),
        altered=np.concatenate([altered, np.full((more, *altered.shape[1:]), np.nan, np.float32)]),
        kinds=np.repeat(["animal", "speech", "music", "instrument"], counts),
        labels=np.array(
            [item.captions[0] for item in (*cries.items, *voices.items)] + [""] * len(pieces) + sounded.labels
        ),
        speakers=np.array(
            [""] * len(cries.items)
            + ["man" if actor % 2 else "woman" for actor in actors]
            + [""] * (len(pieces) + more)
        ),
        moods=np.array(
            [[np.nan] * 2] * sum(counts[:2])
            + [[piece.valence, piece.arousal] for piece in pieces]
            + [[np.nan] * 2] * more
        ),
        groups=np.array(
            [f"recording {number}" for number in recordings(rows[: counts[0]])]
            + [f"actor {actor}" for actor in actors]
            + [f"series {piece.group}" for piece in pieces]
            + sounded.groups
        ),
    )
    return found.part(np.flatnonzero(~missing(found.rows)))


def instruments(experts: Experts, data: Path) -> Sounded:
    """Sonic Pi's samples, and up to SEGMENTS segments of each of Wesnoth's orchestral tracks.

    Samples whose names share their first two words are one group, and so are tracks that share the first.
    Raises AffectError where a set is not there.
    """
    samples = [path for path in _sounds(data / "sonicpi_samples_cc0" / "ogg") if sample_label(path.stem)]
    tracks = _sounds(data / "wesnoth_music" / "excerpts_20s_ogg")
    short = encoded(experts, [(path,) for path in samples], quiet=True).pooled(len(samples))["sound"]
    long = encoded(experts, [(path,) for path in tracks], every=True, quiet=True)
    order = np.arange(len(long.owner)) - np.searchsorted(long.owner, long.owner)
    kept = np.flatnonzero(order < SEGMENTS)
    return Sounded(
        rows=np.concatenate([short, long.rows["sound"][kept]]),
        labels=[sample_label(path.stem) for path in samples] + ["orchestra"] * len(kept),
        groups=[f"sample {_first_words(path.stem)}" for path in samples]
        + [f"track {re.split('[-_0-9]', tracks[at].stem)[0]}" for at in long.owner[kept]],
    )


def sample_label(name: str) -> str:
    """The instrument of a Sonic Pi sample of this name, empty for what is none of INSTRUMENTS."""
    return next((label for label, pattern in SAMPLES if re.match(pattern, name)), "")


def _first_words(name: str) -> str:
    """ "tabla_ghe" of "tabla_ghe1", but "bd_808" of itself."""
    return (re.match("[a-z]+_[a-z]+", name) or re.match(".*", name))[0]  # type: ignore[index]


def _sounds(folder: Path) -> list[Path]:
    """Ogg files of a folder, by name. Raises AffectError where there is none."""
    found = sorted(folder.glob("*.ogg"))
    if not found:
        raise AffectError(f"{folder}: no sounds there; see experiments/data for where sets are kept")
    return found


def recordings(rows: Rows) -> Ints:
    """(n,) a number for each row (n, d), the same for rows linked by cosines above SAME."""
    unit = np.nan_to_num(unit_rows(rows))
    return np.asarray(connected_components(unit @ unit.T > SAME)[1], np.int64)


def fold_numbers(clips: Clips, count: int, seed: int) -> Ints:
    """(n,) the fold of each clip, whole groups at a time.

    Animals, men, women, music and instruments are spread evenly; some instruments have fewer groups than
    there are folds.
    """
    number = np.zeros(len(clips.rows), np.int64)
    told = np.where(clips.kinds == "instrument", clips.kinds, clips.classes)
    first = {name: told[at] for at, name in reversed(list(enumerate(clips.groups)))}
    strata = np.array([who or first[group] for who, group in zip(clips.speakers, clips.groups, strict=True)])
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        for fold, members in enumerate(folds(clips.groups[inside].tolist(), count, seed)):
            number[inside[members]] = fold
    return number


def match_table(clips: Clips, prompts: Sequence[Prompt]) -> Floats:
    """(clips, prompts) in [0, 1]: 1 where kind, label and speaker fit, for moods by distance.

    NaN where a mood is asked of music that nobody rated.

    A mood prompt and a piece at distance r on the plane, in these pieces' standard deviations, match by
    exp(-r^2 / (2 * SPREAD^2)).
    """
    table = np.stack([_fits(clips, prompt) for prompt in prompts], axis=1).astype(np.float64)
    moods = np.array([prompt.mood is not None for prompt in prompts], np.bool_)
    table[np.ix_((clips.kinds == "instrument") & np.isin(clips.labels, TUNEFUL), moods)] = np.nan
    pieces = clips.kinds == "music"
    if not pieces.any():
        return table
    places = (clips.moods - clips.moods[pieces].mean(axis=0)) / clips.moods[pieces].std(axis=0)
    for column, prompt in enumerate(prompts):
        if prompt.mood is not None:
            squared = ((places[pieces] - prompt.mood) ** 2).sum(axis=1)
            table[pieces, column] *= np.exp(-squared / (2 * SPREAD**2))
    return table


def _fits(clips: Clips, prompt: Prompt) -> npt.NDArray[np.bool_]:
    fits = clips.kinds == prompt.kind
    if prompt.label:
        fits &= clips.labels == prompt.label
    if prompt.speaker:
        fits &= clips.speakers == prompt.speaker
    return np.asarray(fits | ((clips.kinds == "instrument") & np.isin(clips.labels, prompt.also)))
