"""The affect of sound: alterations, networks, shared cues, calibration, and the packaged file."""

import numpy as np
import pytest
from repository import DATA

from encoders.base import Audio, encode_all
from encoders.registry import ENCODERS
from experiments.background import decode_audio
from experiments.datasets import load_vgmidi
from experiments.heads import audio_affect
from experiments.heads.audio_clips import (
    AUGMENTATIONS,
    EMOTIONS,
    KINDS,
    ROLE,
    SPEED_FACTORS,
    AudioClips,
    add_noise,
    add_reverb,
    change_speed,
    crop_excerpt,
    equalise,
    filter_telephone_band,
    load_clips,
    make_noises,
)
from experiments.heads.audio_networks import NetworkConfig, scale_outputs, train_networks
from spaces.affect_regressor import Regressor, load_regressors, save_regressors

RATE = 16000
QUICK = NetworkConfig(
    n_networks=1, hidden_size=16, epochs=40, learning_rate=2e-2, batch_size=16, dropout=(0.0, 0.1)
)


def tone(seconds=2.0):
    return Audio(samples=np.sin(np.arange(round(seconds * RATE)) / 10).astype(np.float32), sample_rate=RATE)


def heard(each=40, width=6, seed=0):
    """Speech whose first column is its emotion's number, music whose second is its arousal, other sounds."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 0.3, (3 * each, 3, width)).astype(np.float32)
    kinds = np.repeat(KINDS, each)
    labels = np.where(kinds == "speech", np.resize(EMOTIONS, 3 * each), "")
    moods = np.where((kinds == "music")[:, None], rng.uniform(-0.5, 0.5, (3 * each, 2)), np.nan)
    for at in range(3 * each):
        rows[at, :, 0] += EMOTIONS.index(labels[at]) if labels[at] else 0
        rows[at, :, 1] += 4 * np.nan_to_num(moods[at, 1])
        rows[at, :, 2] += 8 * KINDS.index(kinds[at])
    rows[::4, 2] = np.nan  # some have a version less
    groups = np.array([f"{kind} {at % 10}" for at, kind in enumerate(kinds)])
    return AudioClips(features=rows, kinds=kinds, labels=labels, affect=moods, groups=groups, splits=kinds)


def test_alterations_do_what_they_say():
    rng, plain = np.random.default_rng(0), tone()
    assert change_speed(plain, rng).sample_rate / RATE in SPEED_FACTORS
    gap = add_noise(plain, rng, 20, 20).samples - plain.samples
    assert 20 * np.log10(plain.samples.std() / gap.std()) == pytest.approx(20, abs=0.5)
    assert crop_excerpt(plain, rng, 0.5, 0.5).duration == 0.5 and crop_excerpt(plain, rng, 3, 4) is plain
    for alter in (equalise, add_reverb, filter_telephone_band):
        other = alter(plain, rng)
        assert other.samples.shape == plain.samples.shape and not np.allclose(other.samples, plain.samples)
    late = Audio(samples=np.concatenate([np.zeros(RATE, np.float32), plain.samples]), sample_rate=RATE)
    assert all(
        np.abs(crop_excerpt(late, rng, 0.2, 0.3).samples).max() > 0.5 for _ in range(20)
    )  # never the silence


def test_a_telephone_leaves_its_band_alone():
    rng, hertz = np.random.default_rng(0), (100, 1000, 7000)
    at = np.arange(2 * RATE) / RATE
    plain = Audio(
        samples=sum(np.sin(2 * np.pi * one * at) for one in hertz).astype(np.float32), sample_rate=RATE
    )
    spectrum = np.abs(np.fft.rfft(filter_telephone_band(plain, rng).samples)) / RATE
    low, middle, high = (spectrum[2 * one] for one in hertz)
    assert middle == pytest.approx(1, rel=1e-3) and max(low, high) < 0.01


def test_drawn_noises_are_the_same_again_and_all_audible():
    first, again = make_noises(12, 3), make_noises(12, 3)
    assert all(np.array_equal(one.samples, two.samples) for one, two in zip(first, again, strict=True))
    rows = ENCODERS.make("tone").encode(first)
    assert np.isfinite(rows).all() and set(AUGMENTATIONS) == {*KINDS, "voice", "tune"}


def test_networks_learn_classes_and_are_the_same_again():
    known, new = heard(seed=0), heard(seed=1)
    goals = audio_affect.one_hot(known.kinds, KINDS)
    first = train_networks(known.features, goals, QUICK, role=ROLE, seed=0)
    found = Regressor(towers=first)({ROLE: new.features[:, 0]})
    assert (found.argmax(axis=1) == audio_affect.one_hot(new.kinds, KINDS).argmax(axis=1)).mean() > 0.95
    again = Regressor(towers=train_networks(known.features, goals, QUICK, role=ROLE, seed=0))(
        {ROLE: new.features[:, 0]}
    )
    assert np.array_equal(found, again)
    halved = Regressor(towers=scale_outputs(first, 0.5))({ROLE: new.features[:, 0]})
    assert halved == pytest.approx(found / 2, abs=1e-5)


def test_temperature_undoes_what_logits_were_multiplied_by():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    drawn = (np.exp(audio_affect.log_softmax(logits)).cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    goals = np.eye(3)[drawn]
    assert audio_affect.fit_temperature(3 * logits, goals) == pytest.approx(3, rel=0.1)


def test_answers_come_from_other_groups():
    clips, taught_on = heard(), []

    def teach(part):
        taught_on.append(set(part.groups.tolist()))
        return (audio_affect.make_constant_tower(part, [float(len(taught_on))]),)

    said = audio_affect.predict_held_out(clips, teach, seed=0)[:, 0].astype(int)
    assert sorted(set(said.tolist())) == [1, 2, 3, 4, 5]
    assert all(group not in taught_on[fold - 1] for group, fold in zip(clips.groups, said, strict=True))


def test_music_that_only_sounds_otherwise_is_no_more_aroused():
    """A timbre that goes with arousal among the rated pieces, and is that of all the others."""
    clips = heard(each=100)
    rated, other = (
        audio_affect.select_rated_music(clips),
        audio_affect.select_rated_music(heard(each=100, seed=1)),
    )
    for part, shift in ((rated, 0), (other, 3)):
        part.features[:, :, 3] += 2 * part.affect[:, 1, None] + shift
        part.features[:, :, 4] += shift
    naive, aware = audio_affect.fit_music_towers(rated), audio_affect.fit_music_towers(rated, other)
    far, known = ({ROLE: part.features[:, 0]} for part in (other, rated))
    assert Regressor(towers=naive)(far)[:, 1].mean() > 0.2
    found = Regressor(towers=aware)(far)[:, 1]
    assert abs(found.mean()) < 0.1 and np.corrcoef(found, other.affect[:, 1])[0, 1] > 0.7
    assert Regressor(towers=aware)(known) == pytest.approx(Regressor(towers=naive)(known), abs=0.1)


def test_arousal_of_other_sounds_trusts_only_cues_that_speech_and_music_share():
    clips = heard(each=200)
    acted = audio_affect.map_emotions_to_affect(
        audio_affect.one_hot(audio_affect.select_speech(clips).labels, EMOTIONS), "ravdess"
    )[:, 1]
    rated = clips.affect[clips.kinds == "music", 1]
    for column, sign in ((3, 1), (4, -1)):  # one rises with both, the other with speech alone
        clips.features[clips.kinds == "speech", :, column] += 5 * acted[:, None]
        clips.features[clips.kinds == "music", :, column] += sign * 5 * rated[:, None]
    weight = audio_affect.fit_other_tower(clips).inputs[ROLE].weight
    assert weight[3, 1] > 5 * np.abs(np.delete(weight[:, 1], 3)).max() and weight[4, 1] == 0
    assert not weight[:, 0].any()
    new = heard(each=50, seed=1)
    quiet, stirred = new.features[:, 0].copy(), new.features[:, 0].copy()
    stirred[:, 3] += 3
    tower = audio_affect.fit_other_tower(clips)
    assert (tower.project_raw({ROLE: stirred}) > tower.project_raw({ROLE: quiet}))[:, 1].all()


def test_all_regressors_are_taught_kept_and_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(audio_affect, "SPEECH_CONFIG", QUICK)
    monkeypatch.setattr(audio_affect, "KIND_CONFIG", QUICK)
    clips = heard(each=48)
    made = audio_affect.fit_regressors(clips, seed=0)
    save_regressors(tmp_path / "sound.safetensors", made)
    kept = load_regressors(tmp_path / "sound.safetensors")
    assert set(kept.members) == {"speech_emotion", "kind", "music", "music_log_sd", "other", "other_log_sd"}
    rows = {ROLE: heard(each=30, seed=1).features[:, 0]}
    for name, member in made.members.items():
        assert kept[name](rows) == pytest.approx(member(rows), abs=0.05)
    lines = {
        one.metric: one
        for one in audio_affect._compute_metrics(
            clips, audio_affect._predict_calibrated_held_out(clips, 0), "folds", 0
        )
    }
    assert lines["speech, music or other, macro recall"].value > 0.95
    assert lines["arousal r"].value > 0.9 > 0.5 > lines["valence r"].value  # no column tells of valence
    assert lines["arousal, share within 1 SD"].value == pytest.approx(0.68, abs=0.1)
    assert lines["8 emotions, accuracy"].low > 1 / 8


def test_the_packaged_file_reads_the_encoder_and_doubts_what_is_neither_voice_nor_music():
    file = load_regressors(audio_affect.WEIGHTS_FILE)
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
    shares = np.exp(audio_affect.log_softmax(file["kind"](rows)))
    assert (shares[:-1].argmax(axis=1) == KINDS.index("other")).mean() > 0.9
    for member in file.members.values():
        assert np.isfinite(member(rows)[:-1]).all() and np.isnan(member(rows)[-1]).all()


@pytest.mark.data
def test_music_of_series_never_heard_is_placed_on_the_plane():
    if not DATA.exists():
        pytest.skip("../shared/data is not here")
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
    said = audio_affect.predict_held_out(clips, audio_affect.fit_music_towers, seed=0)
    valence, arousal = (np.corrcoef(said[:, at], clips.affect[:, at])[0, 1] for at in (0, 1))
    assert valence > 0.4 and arousal > 0.7


def test_a_missing_set_says_what_to_do(tmp_path):
    from encoders.base import AffectError

    with pytest.raises(AffectError, match="name the folder of the data sets"):
        load_clips(tmp_path, seed=0, quiet=True)
