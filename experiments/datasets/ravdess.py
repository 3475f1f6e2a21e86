"""RAVDESS: acted emotions (Livingstone & Russo 2018), as speech and as features of voice and face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import CaptionDataset, DatasetItem, LabelledFile, read_table

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

SPEECH_FOLDER = "ravdess_speech"
FEATURES_FOLDER = "ravdess_av_features"
CLASSIFIER_PREFIXES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Beginnings of the face columns that hold the output of Py-Feat's emotion classifier, no features."""


@dataclass(frozen=True, kw_only=True)
class RavdessClip(LabelledFile):
    """A sentence spoken by an actor, labelled with the acted emotion."""

    id: str
    actor: str

    @property
    def emotion(self) -> str:
        """One of RAVDESS' eight."""
        return self.labels[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class RavdessPerformances:
    """n audio-visual performances by features of the voice and of the face.

    names:    (n,) file names without a suffix
    emotions, actors, genders, intensities, splits: (n,)
    voice:    (n, 69) acoustic features, NaN where unknown; `voice_columns` names them
    face:     (n, 42) action units and the opening of the mouth; `face_columns` names them
    """

    names: tuple[str, ...]
    emotions: Strings
    actors: Strings
    genders: Strings
    intensities: Strings
    splits: Strings
    voice_columns: tuple[str, ...]
    voice: Floats
    face_columns: tuple[str, ...]
    face: Floats


def load_ravdess_speech(data_root: Path = DATA_ROOT) -> list[RavdessClip]:
    """Clips of speech, in the order of the table. Raises AffectError where it is missing."""
    return [
        RavdessClip(
            path=get_speech_path(data_root, row["clip"]),
            labels=(row["emotion"],),
            split=row["split"],
            id=row["clip"],
            actor=row["actor"],
        )
        for row in read_table(data_root / SPEECH_FOLDER / "labels.csv")
    ]


def get_speech_path(data_root: Path, clip_id: str) -> Path:
    """The file of a clip of speech, such as "03-01-01-01-01-01-01"."""
    return data_root / SPEECH_FOLDER / "audio" / f"{clip_id}.ogg"


def load_ravdess_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """The clips of speech by the word of their acted emotion; the group is the actor."""
    items = [
        DatasetItem(id=clip.id, captions=clip.labels, split=clip.split, media=(clip.path,), group=clip.actor)
        for clip in load_ravdess_speech(data_root)
    ]
    return CaptionDataset(name="ravdess_speech", items=tuple(items), query_rule="label")


def load_ravdess_performances(data_root: Path = DATA_ROOT) -> RavdessPerformances:
    """Performances with features of voice and face. Raises AffectError where the table is missing."""
    rows = list(read_table(data_root / FEATURES_FOLDER / "combined_summary.csv"))
    columns = list(rows[0])
    voice_columns = columns[: columns.index("file")]
    face_columns = [
        name
        for name in columns[columns.index("file") + 1 : columns.index("emotion")]
        if not name.startswith(CLASSIFIER_PREFIXES)
    ]
    emotions, actors, genders, intensities, splits = (
        np.array([row[name] for row in rows]) for name in ("emotion", "actor", "gender", "intensity", "split")
    )
    return RavdessPerformances(
        names=tuple(row["file"] for row in rows),
        emotions=emotions,
        actors=actors,
        genders=genders,
        intensities=intensities,
        splits=splits,
        voice_columns=tuple(voice_columns),
        voice=_parse_columns(rows, voice_columns),
        face_columns=tuple(face_columns),
        face=_parse_columns(rows, face_columns),
    )


def _parse_columns(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> Floats:
    """(n, d) columns as numbers, NaN where a cell is empty or "NA"."""
    return np.array(
        [[float(row[name]) if row[name] not in ("", "NA") else np.nan for name in columns] for row in rows],
        np.float64,
    )
