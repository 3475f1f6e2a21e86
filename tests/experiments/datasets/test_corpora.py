"""Corpora that several readers share: what their loaders return."""

import numpy as np
import pytest
from repository import DATA

from encoders.base import AffectError
from experiments.datasets.crema_d import EMOTIONS, Vote, load_crema_d
from experiments.datasets.liris_accede import load_liris_accede
from experiments.datasets.oasis import load_oasis
from experiments.datasets.ravdess import load_ravdess_performances, load_ravdess_speech


def write(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_tied_votes_of_crema_d(tmp_path):
    head = "FileName,VoiceVote,VoiceLevel,FaceVote,FaceLevel"
    write(tmp_path / "cremad_votes" / "summaryTable.csv", f"{head}\n1001_IEO_FEA_XX,A:D,37.2:58.6,F,90\n")
    (clip,) = load_crema_d(tmp_path)
    assert (clip.actor, clip.emotion, clip.split) == ("1001", "fear", "")
    assert clip.voice_votes == (Vote("angry", 37.2), Vote("disgust", 58.6)) and clip.face_votes[0].level == 90
    assert tuple(sorted(EMOTIONS)) == EMOTIONS


def test_oasis_without_ratings_has_themes(tmp_path):
    write(tmp_path / "oasis" / "oasis.csv", "file,theme_base,split\na.jpg,Lake,train\n")
    (image,) = load_oasis(tmp_path)
    assert image.theme == "Lake" and image.path == tmp_path / "oasis" / "a.jpg"
    assert np.isnan([*image.mean, *image.rater_sd, *image.n_raters]).all()


@pytest.mark.data
def test_ravdess_speech_and_features_are_of_the_same_performances():
    performances, clips = load_ravdess_performances(DATA), load_ravdess_speech(DATA)
    assert performances.voice.shape == (300, 69) and performances.face.shape == (300, 42)
    assert not [name for name in performances.face_columns if name.startswith("anger")]
    emotions = {clip.id.partition("-")[2]: clip.emotion for clip in clips}
    shared = [name for name in performances.names if name.partition("-")[2] in emotions]
    assert len(shared) == 300
    assert [emotions[name.partition("-")[2]] for name in shared] == performances.emotions.tolist()


def test_a_missing_table_is_named(tmp_path):
    for load in (load_crema_d, load_oasis, load_ravdess_speech, load_ravdess_performances, load_liris_accede):
        with pytest.raises(AffectError, match=r"csv|ACCEDEsets"):
            load(tmp_path)
