"""The audio head of affect: networks, shared cues, calibration, and the packaged file."""

import numpy as np
import pytest
from audio_clips_factory import QUICK, RATE, heard, tone
from repository import DATA, require_data
from scipy.special import softmax

from encoders.base import Audio, encode_all
from encoders.registry import ENCODERS
from experiments.background import decode_audio
from experiments.datasets import load_vgmidi
from experiments.heads.audio_affect import evaluation, towers
from experiments.heads.audio_affect.clips import (
    EMOTIONS,
    KINDS,
    ROLE,
    AudioClips,
    load_clips,
    select_rated_music,
    select_speech,
)
from experiments.heads.audio_affect.networks import scale_outputs, train_networks
from experiments.heads.audio_affect.regressors import fit_regressors, predict_held_out
from experiments.heads.audio_affect.synthetic_noise import make_noises
from experiments.heads.audio_affect.towers import fit_music_towers, fit_other_tower, make_constant_tower
from experiments.heads.audio_affect.train import WEIGHTS_FILE
from experiments.heads.classification import one_hot
from spaces.circumplex import map_emotions_to_affect
from spaces.tower_regressor import Regressor, load_regressors, save_regressors


@pytest.mark.slow
def test_networks_learn_classes_and_are_the_same_again():
    known, new = heard(seed=0), heard(seed=1)
    goals = one_hot(known.kinds, KINDS)
    first = train_networks(known.features, goals, QUICK, role=ROLE, seed=0)
    found = Regressor(towers=first)({ROLE: new.features[:, 0]})
    assert (found.argmax(axis=1) == one_hot(new.kinds, KINDS).argmax(axis=1)).mean() > 0.95
    again = Regressor(towers=train_networks(known.features, goals, QUICK, role=ROLE, seed=0))(
        {ROLE: new.features[:, 0]}
    )
    assert np.array_equal(found, again)
    halved = Regressor(towers=scale_outputs(first, 0.5))({ROLE: new.features[:, 0]})
    assert halved == pytest.approx(found / 2, abs=1e-5)


def test_answers_come_from_other_groups():
    clips, taught_on = heard(), []

    def teach(part):
        taught_on.append(set(part.groups.tolist()))
        return (make_constant_tower(part, [float(len(taught_on))]),)

    said = predict_held_out(clips, teach, seed=0)[:, 0].astype(int)
    assert sorted(set(said.tolist())) == [1, 2, 3, 4, 5]
    assert all(group not in taught_on[fold - 1] for group, fold in zip(clips.groups, said, strict=True))


def test_music_that_only_sounds_otherwise_is_no_more_aroused():
    """A timbre that goes with arousal among the rated pieces, and is that of all the others."""
    clips = heard(each=100)
    rated, other = (
        select_rated_music(clips),
        select_rated_music(heard(each=100, seed=1)),
    )
    for part, shift in ((rated, 0), (other, 3)):
        part.features[:, :, 3] += 2 * part.affect[:, 1, None] + shift
        part.features[:, :, 4] += shift
    naive, aware = fit_music_towers(rated), fit_music_towers(rated, other)
    far, known = ({ROLE: part.features[:, 0]} for part in (other, rated))
    assert Regressor(towers=naive)(far)[:, 1].mean() > 0.2
    found = Regressor(towers=aware)(far)[:, 1]
    assert abs(found.mean()) < 0.1 and np.corrcoef(found, other.affect[:, 1])[0, 1] > 0.7
    assert Regressor(towers=aware)(known) == pytest.approx(Regressor(towers=naive)(known), abs=0.1)


def test_arousal_of_other_sounds_trusts_only_cues_that_speech_and_music_share():
    clips = heard(each=200)
    acted = map_emotions_to_affect(one_hot(select_speech(clips).labels, EMOTIONS), "ravdess")[:, 1]
    rated = clips.affect[clips.kinds == "music", 1]
    for column, sign in ((3, 1), (4, -1)):  # one rises with both, the other with speech alone
        clips.features[clips.kinds == "speech", :, column] += 5 * acted[:, None]
        clips.features[clips.kinds == "music", :, column] += sign * 5 * rated[:, None]
    weight = fit_other_tower(clips).inputs[ROLE].weight
    assert weight[3, 1] > 5 * np.abs(np.delete(weight[:, 1], 3)).max() and weight[4, 1] == 0
    assert not weight[:, 0].any()
    new = heard(each=50, seed=1)
    quiet, stirred = new.features[:, 0].copy(), new.features[:, 0].copy()
    stirred[:, 3] += 3
    tower = fit_other_tower(clips)
    assert (tower.project_raw({ROLE: stirred}) > tower.project_raw({ROLE: quiet}))[:, 1].all()


@pytest.mark.slow
def test_all_regressors_are_taught_kept_and_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(towers, "SPEECH_CONFIG", QUICK)
    monkeypatch.setattr(towers, "KIND_CONFIG", QUICK)
    clips = heard(each=48)
    made = fit_regressors(clips, seed=0)
    save_regressors(tmp_path / "sound.safetensors", made)
    kept = load_regressors(tmp_path / "sound.safetensors")
    assert set(kept.members) == {"speech_emotion", "kind", "music", "music_log_sd", "other", "other_log_sd"}
    rows = {ROLE: heard(each=30, seed=1).features[:, 0]}
    for name, member in made.members.items():
        assert kept[name](rows) == pytest.approx(member(rows), abs=0.05)
    lines = {
        one.metric: one
        for one in evaluation._compute_metrics(
            clips, evaluation._predict_calibrated_held_out(clips, 0), "folds", 0
        )
    }
    assert lines["speech, music or other, macro recall"].value > 0.95
    assert lines["arousal r"].value > 0.9 > 0.5 > lines["valence r"].value  # no column tells of valence
    assert lines["arousal, share within 1 SD"].value == pytest.approx(0.68, abs=0.1)
    assert lines["8 emotions, accuracy"].low > 1 / 8


def test_the_packaged_file_reads_the_encoder_and_doubts_what_is_neither_voice_nor_music():
    file = load_regressors(WEIGHTS_FILE)
    encoder = ENCODERS.make("tone")
    assert file.encoder_signatures == {ROLE: encoder.card.signature}
    assert file.metadata["speech_emotion"] == list(EMOTIONS) and file.metadata["kind"] == list(KINDS)
    strange = [
        *make_noises(20, 99),
        tone(0.1),
        Audio(samples=np.clip(50 * tone(1).samples, -1, 1), sample_rate=RATE),
    ]
    rows = {
        ROLE: encode_all(encoder, [*strange, Audio(samples=np.zeros(RATE, np.float32), sample_rate=RATE)])
    }
    shares = softmax(file["kind"](rows), axis=1)
    assert (shares[:-1].argmax(axis=1) == KINDS.index("other")).mean() > 0.9
    for member in file.members.values():
        assert np.isfinite(member(rows)[:-1]).all() and np.isnan(member(rows)[-1]).all()


@pytest.mark.slow
@pytest.mark.data
def test_music_of_series_never_heard_is_placed_on_the_plane():
    require_data()
    pieces = load_vgmidi(DATA)
    rows = encode_all(ENCODERS.make("tone"), [decode_audio(piece.path) for piece in pieces])
    count = len(pieces)
    clips = AudioClips(
        features=rows[:, None],
        kinds=np.array(["music"] * count),
        labels=np.array([""] * count),
        affect=np.array([[piece.valence, piece.arousal] for piece in pieces]),
        groups=np.array([piece.group for piece in pieces]),
        splits=np.array([piece.split for piece in pieces]),
    )
    said = predict_held_out(clips, fit_music_towers, seed=0)
    valence, arousal = (np.corrcoef(said[:, at], clips.affect[:, at])[0, 1] for at in (0, 1))
    assert valence > 0.4 and arousal > 0.7


def test_a_missing_set_says_what_to_do(tmp_path):
    from encoders.base import AffectError

    with pytest.raises(AffectError, match="name the folder of the data sets"):
        load_clips(tmp_path, seed=0, quiet=True)
