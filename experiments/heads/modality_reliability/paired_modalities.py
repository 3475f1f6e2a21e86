"""Sets in which items have two modalities: RAVDESS, CREMA-D and LIRIS-ACCEDE."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.datasets.crema_d import EMOTIONS, Vote, load_crema_d
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.ravdess import load_ravdess_performances
from experiments.heads import film_benchmark
from spaces.circumplex import EmotionTable, load_emotion_categories

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

SPARSE_COLUMN_PREFIX = "cpp_"  # voice features with a value in 30 % of the rows
RAVDESS_EMOTION_BY_CREMA_D = {"fear": "fearful"}  # where the names differ
LIRIS_RIDGE_PENALTY = 10.0


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedModalities:
    """The same n items by several modalities.

    features: (n, d) by modality; NaN where unknown
    ratings:  (n, 2) valence and arousal in [-1, 1]
    groups:   (n,) actors or films, never both trained and tested on
    splits:   (n,) train, dev or test
    shifts:   (n,) kinds of items by name, each to be predicted from the other kinds alone: out of domain
    ridge_penalty: of kernel ridge
    """

    name: str
    features: Mapping[str, Floats]
    ratings: Floats
    groups: Strings
    splits: Strings
    shifts: Mapping[str, Strings]
    ridge_penalty: float = 0.3

    def find_rows(self, *splits: str) -> Ints:
        """Indices of the items in these splits."""
        return np.flatnonzero(np.isin(self.splits, splits))


def load_ravdess_pairs(
    data_root: Path = DATA_ROOT, emotion_table: EmotionTable = "learned"
) -> PairedModalities:
    """RAVDESS by features of voice ("sound") and face; an emotion's affect is the ground truth.

    Raises AffectError.
    """
    performances = load_ravdess_performances(data_root)
    is_dense = [not name.startswith(SPARSE_COLUMN_PREFIX) for name in performances.voice_columns]
    return PairedModalities(
        name=_label_dataset("ravdess", emotion_table),
        features={"sound": np.ascontiguousarray(performances.voice[:, is_dense]), "face": performances.face},
        ratings=_look_up_affect(performances.emotions.tolist(), emotion_table),
        groups=performances.actors,
        splits=performances.splits,
        shifts={"gender": performances.genders, "intensity": performances.intensities},
    )


def load_cremad_pairs(
    data_root: Path = DATA_ROOT, emotion_table: EmotionTable = "learned"
) -> PairedModalities:
    """CREMA-D by the votes of raters who heard the voice alone ("sound") or saw the face alone.

    The set has no splits: all items are in train. Raises AffectError.
    """
    clips = load_crema_d(data_root)
    acted = [RAVDESS_EMOTION_BY_CREMA_D.get(clip.emotion, clip.emotion) for clip in clips]
    return PairedModalities(
        name=_label_dataset("cremad", emotion_table),
        features={
            "sound": _encode_votes([clip.voice_votes for clip in clips]),
            "face": _encode_votes([clip.face_votes for clip in clips]),
        },
        ratings=_look_up_affect(acted, emotion_table),
        groups=np.array([clip.actor for clip in clips]),
        splits=np.full(len(clips), "train"),
        shifts={},
    )


def load_liris_pairs(data_root: Path = DATA_ROOT) -> PairedModalities:
    """LIRIS-ACCEDE by visual ("image") and audio features, as normal scores. Raises AffectError."""
    clips = film_benchmark.load_clips(data_root)
    scores = film_benchmark.fit_normal_scores(clips.features)(clips.features)
    split_names = {"learn": "train", "valid": "dev"}
    return PairedModalities(
        name="liris",
        features={"image": scores[:, ~clips.is_audio], "sound": scores[:, clips.is_audio]},
        ratings=clips.ratings,
        groups=clips.film_ids.astype(np.str_),
        splits=np.array([split_names.get(split, split) for split in clips.splits]),
        shifts={},
        ridge_penalty=LIRIS_RIDGE_PENALTY,
    )


def load_with_training_rows(
    load_pairs: Callable[[Path], PairedModalities], data_root: Path
) -> PairedModalities:
    """The pairs of a root, with the train and dev rows of DATA_ROOT where it has none of its own."""
    pairs = load_pairs(data_root)
    if len(pairs.find_rows("train", "dev")) or data_root == DATA_ROOT:
        return pairs
    default = load_pairs(DATA_ROOT)
    rows = default.find_rows("train", "dev")
    return replace(
        pairs,
        features={
            modality: np.concatenate([features[rows], pairs.features[modality]])
            for modality, features in default.features.items()
        },
        ratings=np.concatenate([default.ratings[rows], pairs.ratings]),
        groups=np.concatenate([default.groups[rows], np.char.add("asked ", pairs.groups)]),
        splits=np.concatenate([default.splits[rows], pairs.splits]),
        shifts={
            name: np.concatenate([kinds[rows], pairs.shifts[name]]) for name, kinds in default.shifts.items()
        },
    )


def _label_dataset(name: str, emotion_table: EmotionTable) -> str:
    return name if emotion_table == "learned" else f"{name}, hand table"


def _look_up_affect(emotions: Sequence[str], emotion_table: EmotionTable) -> Floats:
    """(n, 2) where a table places RAVDESS' emotions."""
    categories = load_emotion_categories("ravdess", emotion_table)
    return categories.means[[categories.names.index(emotion) for emotion in emotions]]


def _encode_votes(votes_by_clip: Sequence[Sequence[Vote]]) -> Floats:
    """(n, 12) share of each emotion in the winning votes, several if tied, and the same times its level."""
    features = np.zeros((len(votes_by_clip), 2, len(EMOTIONS)))
    for row, votes in enumerate(votes_by_clip):
        for vote in votes:
            share_and_level = np.array([1, vote.level / 100]) / len(votes)
            features[row, :, EMOTIONS.index(vote.emotion)] += share_and_level
    return features.reshape(len(votes_by_clip), -1)
