"""Estimates of rated photos, voices, music and faces by heads that were trained on other groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.affect_dial.held_out_speech import estimate_held_out_speech
from experiments.datasets.faces_muxspace import FOLDER as FACES_FOLDER
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.vgmidi import load_vgmidi
from experiments.features.extraction import encode_items
from experiments.heads.face.classifier import predict_calibrated_held_out
from experiments.heads.face.dataset import load_faces
from experiments.heads.image.evaluation import predict_held_out
from experiments.mood_queries.music_gallery import estimate_held_out_music
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces.circumplex import load_emotion_categories, map_emotions_to_affect

Floats = npt.NDArray[np.float64]

GROUPS, CORPUS = "groups", "corpus"  # what a head has not seen


@dataclass(frozen=True, kw_only=True, eq=False)
class RatedEstimates:
    """n items of one corpus and kind.

    estimates: (n, 4) valence, arousal and their SDs
    ratings:   (n, 2)
    rating_sds: (n, 2) SDs of items about their rating, where it is that of a label (an emotion, a word) which
               many items have; None where the items themselves were rated
    groups:    (n,) kept whole by folds and by the bootstrap
    held_out:  what the head had not seen: GROUPS in turn, or the ratings of the whole CORPUS
    """

    corpus: str
    kind: str
    estimates: npt.NDArray[np.floating]
    ratings: Floats
    groups: npt.NDArray[np.str_]
    held_out: str = GROUPS
    rating_sds: Floats | None = None

    def stack_columns(self, column: int) -> Floats:
        """(n, 4) estimates, ratings, SDs of the estimates and of the ratings in a dimension."""
        sds = np.zeros_like(self.ratings) if self.rating_sds is None else self.rating_sds
        columns = (self.estimates[:, column], self.ratings[:, column], self.estimates[:, 2 + column])
        return np.stack([*columns, sds[:, column]], axis=1).astype(np.float64)


def load_photo_estimates(data_root: Path, seed: int) -> RatedEstimates:
    """Photos of OASIS, by heads of other themes."""
    images, estimates = predict_held_out(data_root, seed=seed)
    return RatedEstimates(
        corpus="oasis",
        kind="photo",
        estimates=estimates,
        ratings=np.array([image.mean for image in images]),
        groups=np.array([image.theme for image in images]),
    )


def load_speech_estimates(data_root: Path, seed: int) -> RatedEstimates:
    """Speech of RAVDESS, by networks of other actors; the truth is where the acted emotion lies."""
    clips = [clip for clip in load_ravdess_speech(data_root) if clip.split != "test"]
    config = PipelineConfig(objects="", activity="", sound="", events="", faces="", text="", sentiment="")
    pipeline = FeaturePipeline(config, use_packaged=False)
    rows = encode_items(pipeline, [(clip.path,) for clip in clips]).mean_pool(len(clips))["tone"]
    emotions = load_emotion_categories("ravdess", "expressed")
    acted = [emotions.names.index(clip.emotion) for clip in clips]
    return RatedEstimates(
        corpus="ravdess",
        kind="speech",
        estimates=estimate_held_out_speech(clips, rows, seed=seed),
        ratings=emotions.means[acted],
        rating_sds=emotions.sds[acted],
        groups=np.array([clip.actor for clip in clips]),
    )


def load_music_estimates(data_root: Path, seed: int) -> RatedEstimates:
    """Pieces of VGMIDI, by regressors of other series."""
    pieces = [piece for piece in load_vgmidi(data_root) if piece.split != "test"]
    ratings = np.array([(piece.valence, piece.arousal) for piece in pieces])
    return RatedEstimates(
        corpus="vgmidi",
        kind="music",
        estimates=estimate_held_out_music(data_root, ratings, seed),
        ratings=ratings,
        groups=np.array([piece.group for piece in pieces]),
    )


def load_face_estimates(data_root: Path, seed: int) -> RatedEstimates:
    """Detected faces, by a head of other persons; the truth is where the labelled expression lies."""
    faces = load_faces(data_root, seed=seed).select_splits("train", "dev")
    rows = faces.is_detected
    probabilities = predict_calibrated_held_out(faces, seed)[rows]
    emotions = load_emotion_categories("fer", "expressed")
    return RatedEstimates(
        corpus=FACES_FOLDER,
        kind="face",
        estimates=map_emotions_to_affect(probabilities, "fer", "expressed"),
        ratings=emotions.means[faces.labels[rows]],
        rating_sds=emotions.sds[faces.labels[rows]],
        groups=faces.group[rows].astype(str),
    )


LOADERS: Mapping[str, Callable[[Path, int], RatedEstimates]] = {
    "photo": load_photo_estimates,
    "speech": load_speech_estimates,
    "music": load_music_estimates,
    "face": load_face_estimates,
}
"""By head, from the folder of the data sets and a seed. Raise AffectError where data are missing."""
