"""Clips of three kinds with what is known of them, and the degree to which each prompt tells of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from encoders.base import Rows, missing, unit_rows
from experiments.data import vgmidi
from experiments.data.sets import animals, speech
from experiments.features import encoded
from experiments.sounding.altered import altered_rows
from experiments.sounding.prompts import Prompt
from retrieval.evaluation.splits import folds
from retrieval.recipe import Experts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]

SPREAD = 0.8  # of a mood prompt, in the training pieces' standard deviations
VERSIONS = 3  # altered ones of each clip, to learn from
SAME = 0.98  # cosine of log-mel rows from which two animal clips may be cut from one recording


@dataclass(frozen=True, kw_only=True, eq=False)
class Clips:
    """n clips.

    rows:     (n, d) raw rows of the sound expert, none missing
    altered:  (n, count, d) those of altered versions of each, missing for music
    kinds:    (n,) "animal", "speech" or "music"
    labels:   (n,) the animal or the emotion; empty for music
    speakers: (n,) "man" or "woman"; empty where nobody speaks
    moods:    (n, 2) valence and arousal of music; NaN for others
    groups:   (n,) what a split must not tear apart: one recording, an actor, a game series
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
        """(n,) the class of each: an animal, an emotion, or music."""
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
    """Train and dev of animal_sounds, ravdess_speech and vgmidi; silent clips are left out.

    seed: of the altered versions; music has none, as its tempo and pitch are part of its mood

    Raises AffectError where a set is not there.
    """
    cries, voices, pieces = animals(data), speech(data), vgmidi(data)
    media = [item.media[0] for item in (*cries.items, *voices.items)] + [piece.path for piece in pieces]
    rows = encoded(experts, [(path,) for path in media], quiet=True).pooled(len(media))["sound"]
    altered = np.full((len(media), VERSIONS, rows.shape[1]), np.nan, np.float32)
    others = len(media) - len(pieces)
    altered[:others] = altered_rows(experts, media[:others], VERSIONS, seed=seed)
    counts = len(cries.items), len(voices.items), len(pieces)
    actors = [int(item.group) for item in voices.items]
    found = Clips(
        rows=rows,
        altered=altered,
        kinds=np.repeat(["animal", "speech", "music"], counts),
        labels=np.array([item.captions[0] for item in (*cries.items, *voices.items)] + [""] * len(pieces)),
        speakers=np.array(
            [""] * len(cries.items)
            + ["man" if actor % 2 else "woman" for actor in actors]
            + [""] * len(pieces)
        ),
        moods=np.array(
            [[np.nan] * 2] * sum(counts[:2]) + [[piece.valence, piece.arousal] for piece in pieces]
        ),
        groups=np.array(
            [f"recording {number}" for number in recordings(rows[: counts[0]])]
            + [f"actor {actor}" for actor in actors]
            + [f"series {piece.group}" for piece in pieces]
        ),
    )
    return found.part(np.flatnonzero(~missing(rows)))


def recordings(rows: Rows) -> Ints:
    """(n,) a number for each row (n, d), the same for rows linked by cosines above SAME."""
    unit = np.nan_to_num(unit_rows(rows))
    return np.asarray(connected_components(unit @ unit.T > SAME)[1], np.int64)


def fold_numbers(clips: Clips, count: int, seed: int) -> Ints:
    """(n,) the fold of each clip: animals, men, women and music spread evenly, whole groups at a time."""
    number = np.zeros(len(clips.rows), np.int64)
    first = {name: clips.classes[at] for at, name in reversed(list(enumerate(clips.groups)))}
    strata = np.array([who or first[group] for who, group in zip(clips.speakers, clips.groups, strict=True)])
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        for fold, members in enumerate(folds(clips.groups[inside].tolist(), count, seed)):
            number[inside[members]] = fold
    return number


def match_table(clips: Clips, prompts: Sequence[Prompt]) -> Floats:
    """(clips, prompts) in [0, 1]: 1 where kind, label and speaker fit, for moods by distance.

    A mood prompt and a piece at distance r on the plane, in these pieces' standard deviations, match by
    exp(-r^2 / (2 * SPREAD^2)).
    """
    table = np.stack([_fits(clips, prompt) for prompt in prompts], axis=1).astype(np.float64)
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
    return np.asarray(fits)
