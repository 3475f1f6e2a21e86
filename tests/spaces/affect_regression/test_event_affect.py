"""Affect of sounds from the events heard in them: mean, variance, the prior, and the packaged table."""

import json

import numpy as np
import pytest

from encoders import ENCODERS, MIN_CLASS_SCORE, AffectError
from spaces.affect_regression import AffectModel, EventAffect, load_event_affect, load_packaged_regressors
from spaces.affect_regression.audio_kinds import CLASS_COUNT, SILENCE_CLASS, estimate_audio_kinds
from spaces.affect_regression.event_affect import MIN_LISTED_SHARE, weigh_events
from spaces.circumplex import PRIOR_SD

NAMES = ENCODERS.make("yamnet").classes
DOG, EXPLOSION, FIREWORKS, SPEECH, GUITAR = map(
    NAMES.index, ("Dog", "Explosion", "Fireworks", "Speech", "Guitar")
)
WITHIN_SD = (0.2, 0.1)


def make_table(**affect_by_name):
    """A table where all but the named classes are neutral."""
    affect = np.tile([0.0, 0.0, 0.3, 0.3], (CLASS_COUNT, 1))
    for name, row in affect_by_name.items():
        affect[NAMES.index(name)] = row
    return EventAffect(names=NAMES, affect=affect, between_sounds_sd=WITHIN_SD)


def make_scores(**score_by_name):
    scores = np.zeros((1, CLASS_COUNT), np.float32)
    for name, score in score_by_name.items():
        scores[0, NAMES.index(name)] = score
    return scores


def test_the_mean_is_the_expectation_over_classes_and_the_prior():
    table = make_table(Explosion=(-0.8, 0.6, 0.2, 0.2), Fireworks=(0.6, 0.4, 0.2, 0.2))
    scores = make_scores(Explosion=0.8, Fireworks=0.4)
    weights = np.array([0.8, 0.4, MIN_CLASS_SCORE]) ** 1.5
    weights /= weights.sum()
    means = np.array([[-0.8, 0.6], [0.6, 0.4], [0, 0]])
    sds = np.sqrt(np.array([[0.08, 0.05], [0.08, 0.05], np.square(PRIOR_SD)]))
    mean = weights @ means
    spread = weights @ (sds**2 + (means - mean) ** 2)  # the law of total variance
    np.testing.assert_allclose(table.estimate(scores)[0], [*mean, *np.sqrt(spread)], rtol=1e-5)


def test_where_no_class_is_heard_the_prior_stays():
    silent, faint = make_scores(), make_scores(Explosion=0.02)
    table = make_table(Explosion=(-0.8, 0.6, 0.2, 0.2))
    np.testing.assert_allclose(table.estimate(silent)[0], [0, 0, *PRIOR_SD], rtol=1e-6)
    valence, arousal, *sds = table.estimate(faint)[0]
    assert abs(valence) < 0.02 and abs(arousal) < 0.02 and np.allclose(sds, PRIOR_SD, rtol=0.05)


def test_disagreeing_classes_make_a_large_sd_and_a_sure_one_a_small():
    table = make_table(Explosion=(-0.8, 0.6, 0.2, 0.2), Fireworks=(0.6, 0.4, 0.2, 0.2))
    unsure = table.estimate(make_scores(Explosion=0.9, Fireworks=0.9))[0]
    sure = table.estimate(make_scores(Explosion=0.9))[0]
    assert unsure[2] > 0.6 > 0.5 > sure[2] > np.hypot(0.2, WITHIN_SD[0])


def test_speech_music_and_silence_weigh_nothing_and_missing_stays_missing():
    scores = np.ones((2, CLASS_COUNT), np.float32)
    scores[1] = np.nan
    weights = weigh_events(scores)
    assert weights[0, [SPEECH, GUITAR, SILENCE_CLASS]].tolist() == [0, 0, 0] and weights[0, DOG] > 0
    assert weights[0].sum() < 1 and np.isnan(weights[1]).all()
    assert np.isnan(make_table().estimate(scores)[1]).all()


def test_the_largest_shares_are_listed_and_the_small_are_not():
    table = make_table(Explosion=(-0.8, 0.6, 0.2, 0.2))
    shares = np.zeros(CLASS_COUNT)
    shares[[EXPLOSION, FIREWORKS, DOG]] = 0.5, 0.2, MIN_LISTED_SHARE / 2
    first, second = table.list_largest(shares)
    assert first == {"name": "Explosion", "share": 0.5, "valence": -0.8, "arousal": 0.6}
    assert second["name"] == "Fireworks"


def test_the_packaged_table_names_the_classes_in_their_order():
    table = load_event_affect()
    assert table is not None and table.names == NAMES and table.affect.shape == (CLASS_COUNT, 4)
    assert (np.abs(table.affect[:, :2]) < 1).all() and (table.affect[:, 2:] > 0).all()
    by_name = dict(zip(table.names, table.affect, strict=True))
    assert by_name["Screaming"][0] < -0.3 < 0.3 < by_name["Laughter"][0]
    assert by_name["Explosion"][1] > 0.3 > by_name["Ocean"][1]


def test_a_table_that_is_not_one_is_told_in_a_line(tmp_path):
    path = tmp_path / "affect-events.json"
    assert load_event_affect(path) is None
    load_event_affect.cache_clear()
    path.write_text(json.dumps({"classes": {"Dog": [0, 0, 1, 1]}, "between_sounds_sd": [0.2, 0.1]}))
    with pytest.raises(AffectError, match="four numbers for each of 521 classes"):
        load_event_affect(path)


@pytest.fixture(scope="module")
def models():
    """The sound's affect with and without the table."""
    regressors = {"sound": load_packaged_regressors()["sound"]}
    return AffectModel(regressors=regressors), AffectModel(
        regressors=regressors, event_affect=load_event_affect()
    )


def make_tone(count=1):
    return np.random.default_rng(0).normal(size=(count, 442)).astype(np.float32)


def test_speech_and_music_keep_their_heads(models):
    by_cues, by_events = models
    for name in ("Speech", "Guitar"):
        features = {"tone": make_tone(), "events": make_scores(**{name: 1})}
        np.testing.assert_allclose(by_cues(features)["sound"], by_events(features)["sound"], atol=1e-3)
    features = {"tone": make_tone(), "events": make_scores(Explosion=0.95)}
    assert by_events(features)["sound"][0, 0] < -0.5 < by_cues(features)["sound"][0, 0]


def test_the_estimate_is_in_proportion_to_the_kind(models):
    _, model = models
    scores = make_scores(Explosion=0.6, Speech=0.6)
    features = {"tone": make_tone(), "events": scores}
    other = estimate_audio_kinds(scores)[0, 2]
    shares = model.weigh_sound_events(features)
    assert shares[0, EXPLOSION] == pytest.approx(other * weigh_events(scores)[0, EXPLOSION], rel=1e-5)
    assert shares[0, SPEECH] == 0 and shares.sum() < other


def test_without_scores_of_events_cues_estimate(models):
    by_cues, by_events = models
    features = {"tone": make_tone(3)}
    np.testing.assert_array_equal(by_cues(features)["sound"], by_events(features)["sound"])
    assert by_events.weigh_sound_events(features) is None
    missing = np.full((3, CLASS_COUNT), np.nan, np.float32)
    features["events"] = missing
    np.testing.assert_array_equal(by_cues(features)["sound"], by_events(features)["sound"])


def test_the_version_changes_with_the_table(models):
    by_cues, by_events = models
    assert by_cues.version != by_events.version
