"""Labelled clips: matches with texts, folds, duplicates."""

import numpy as np
import pytest
from labelled_clips import LISTENING, clips

from encoders.base import AffectError
from experiments.heads.audio_text.clips import (
    MOOD_MATCH_SD,
    N_VERSIONS,
    LabelledClips,
    assign_folds,
    compute_match_matrix,
    group_duplicates,
)
from experiments.heads.audio_text.instrument_clips import (
    MAX_TRACK_SEGMENTS,
    classify_sample,
    load_instruments,
)
from experiments.heads.audio_text.prompts import Prompt
from experiments.heads.audio_text.training_set import KERNEL_CONFIG
from experiments.heads.audio_text.vocabulary import ANIMALS, INSTRUMENTS
from retrieval.features.pipeline import FeaturePipeline


def test_match_table():
    few = LabelledClips(
        features=np.zeros((6, 2), np.float32),
        augmented_features=np.zeros((6, 0, 2), np.float32),
        kinds=np.array(["animal", "animal", "speech", "speech", "music", "music"]),
        labels=np.array(["dog", "cat", "sad", "sad", "", ""]),
        speakers=np.array(["", "", "man", "woman", "", ""]),
        affect=np.array([[np.nan] * 2] * 4 + [[-0.5, 0.1], [0.5, 0.3]]),  # standardised (-1, -1), (1, 1)
        groups=np.array(list("abcdef")),
    )
    known = [
        Prompt(text="a dog", kind="animal", label="dog"),
        Prompt(text="an animal", kind="animal"),
        Prompt(text="a sad voice", kind="speech", label="sad"),
        Prompt(text="a sad man", kind="speech", label="sad", speaker="man"),
        Prompt(text="a woman", kind="speech", speaker="woman"),
        Prompt(text="music", kind="music"),
        Prompt(text="happy music", kind="music", mood=(1.0, 0.0)),
    ]
    near, far = np.exp(-1 / (2 * MOOD_MATCH_SD**2)), np.exp(-5 / (2 * MOOD_MATCH_SD**2))
    want = [
        [1, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1, far], [0, 0, 0, 0, 0, 1, near],
    ]  # fmt: skip
    np.testing.assert_allclose(compute_match_matrix(few, known), want, atol=1e-9)
    np.testing.assert_array_equal(compute_match_matrix(few.select([0, 1]), known), np.array(want)[:2])


def test_music_of_unrated_mood_matches_music_and_no_mood():
    some = clips(1)
    some = some.select(np.flatnonzero(np.isin(some.kinds, ["music", "instrument"])))
    known = [
        Prompt(text="music", kind="music", extra_labels=("guitar", "orchestra")),
        Prompt(text="happy music", kind="music", mood=(1.0, 0.0)),
        Prompt(text="a guitar", kind="instrument", label="guitar"),
        Prompt(text="a piano", kind="music"),
    ]
    found = dict(zip(some.classes.tolist(), compute_match_matrix(some, known).tolist(), strict=True))
    np.testing.assert_array_equal(found["instrumentguitar"], [1, np.nan, 1, 0])
    np.testing.assert_array_equal(found["instrumentorchestra"], [1, np.nan, 0, 0])
    np.testing.assert_array_equal(found["instrumentbell"], [0, 0, 0, 0])
    assert found["music"][0] == found["music"][3] == 1


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("bd_808", "bass drum"), ("elec_soft_kick", "bass drum"), ("elec_hi_snare", "snare drum"),
        ("drum_cymbal_open", "cymbal"), ("drum_tom_hi_soft", "drum"), ("drum_cowbell", "bell"),
        ("loop_3d_printer", "noise"), ("loop_drone_g_97", "ambient"), ("loop_amen", "beat"),
        ("elec_blip", "beep"), ("ambi_choir", ""), ("ambi_piano", ""), ("misc_crow", ""),
    ],
)  # fmt: skip
def test_samples_are_classed_by_their_names(name, label):
    assert classify_sample(name) == label


def test_missing_sounds_are_told(tmp_path):
    with pytest.raises(AffectError, match="sonicpi_samples_cc0"):
        load_instruments(FeaturePipeline(LISTENING), tmp_path)


def test_folds_keep_groups_and_spread_classes():
    found = clips()
    number = assign_folds(found, 4, seed=1)
    for group in np.unique(found.groups):
        assert len(set(number[found.groups == group])) == 1
    for name in ANIMALS:
        assert np.bincount(number[found.labels == name], minlength=4).tolist() == [2] * 4
    for speaker in ("man", "woman"):
        assert np.bincount(number[found.speakers == speaker], minlength=4).tolist() == [8] * 4
    assert not np.array_equal(number, assign_folds(found, 4, seed=2))


def test_near_duplicates_are_one_recording():
    rows = np.float32([[1, 0, 0], [1, 0.15, 0], [1, 0.3, 0], [0, 1, 0], [np.nan, 0, 0]])
    number = group_duplicates(rows)  # the first and the third through the second
    assert number[0] == number[1] == number[2]
    assert len(set(number)) == 3


@pytest.mark.data
@pytest.mark.slow
def test_animals_and_voices_alone_are_heard_otherwise(heard):
    for versions in heard.augmented_features.values():
        silent = np.isnan(versions).all(axis=2)
        np.testing.assert_array_equal(silent.all(axis=1), np.isin(heard.kinds, ["music", "instrument"]))
        assert versions.shape[1] == N_VERSIONS
        assert not silent[np.isin(heard.kinds, ["animal", "speech"])].any()


@pytest.mark.data
@pytest.mark.slow
def test_instruments_are_all_there_and_none_drowns_the_rest(heard):
    names, counts = np.unique(heard.labels[heard.kinds == "instrument"], return_counts=True)
    assert set(names) == set(INSTRUMENTS)
    assert counts.min() >= KERNEL_CONFIG.min_landmark_items  # so that no landmark is one clip
    groups = np.unique(heard.groups[heard.labels == "orchestra"], return_counts=True)[1]
    assert groups.max() <= 2 * MAX_TRACK_SEGMENTS  # two tracks of one name
