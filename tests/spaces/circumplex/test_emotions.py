import json

import numpy as np
import pytest
from repository import DATA, require_data

from encoders.base import AffectError, MissingBackendError, UnknownNameError
from encoders.face_columns import EMOTIONS
from encoders.lexicon import count_nrc_emotions
from experiments.datasets import cowen_keltner
from experiments.datasets.records import read_table
from experiments.heads import emotion_categories as learning
from retrieval.evaluation.affect_metrics import ccc, pearson, rmse
from spaces.circumplex import (
    EMOTION_SCHEMES,
    RATING_SCALES,
    compute_emotion_posterior,
    emotions,
    load_emotion_categories,
    map_emotions_to_affect,
    rescale,
)

NOTHING = [np.nan] * 4


def test_schemes_are_in_the_order_of_their_columns():
    assert EMOTION_SCHEMES["fer"] == EMOTIONS
    assert set(learning.EMOTION_GROUPS) == set(EMOTION_SCHEMES)
    for scheme, names in EMOTION_SCHEMES.items():
        assert set(learning.EMOTION_GROUPS[scheme]) == set(names)
        used = [one for group in learning.EMOTION_GROUPS[scheme].values() for one in group]
        assert len(used) == len(set(used))


@pytest.mark.parametrize("table_name", ["learned", "hand"])
@pytest.mark.parametrize("scheme", EMOTION_SCHEMES)
def test_emotions_lie_where_people_put_them(scheme, table_name):
    known = load_emotion_categories(scheme, table_name)
    valence, arousal = (dict(zip(known.names, column, strict=True)) for column in known.means.T)
    assert known.means.shape == known.sds.shape == (len(known.names), 2)
    assert (np.abs(known.means) <= 1).all()
    assert (known.sds > 0).all()
    pleasant = {"happy", "joy", "trust", "anticipation", "calm"} & set(known.names)
    unpleasant = {"angry", "anger", "disgust", "fear", "fearful", "sad", "sadness"} & set(known.names)
    assert min(valence[name] for name in pleasant) > 0.3
    assert max(valence[name] for name in unpleasant) < -0.4
    quiet = {"sad", "sadness", "calm", "neutral"} & set(known.names)
    loud = {"angry", "anger", "fear", "fearful", "surprise", "surprised"} & set(known.names)
    assert min(arousal[name] for name in loud) > max(arousal[name] for name in quiet)


def test_unknown_schemes_and_tables_are_named():
    with pytest.raises(UnknownNameError, match="fer, plutchik, ravdess"):
        load_emotion_categories("ekman")
    with pytest.raises(UnknownNameError, match="learned, hand"):
        load_emotion_categories("fer", "guessed")


def test_a_lost_table_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(emotions, "EMOTIONS_FILE", tmp_path / "emotions.json")
    emotions._load_learned_table.cache_clear()
    with pytest.raises(MissingBackendError, match="train affect-emotions"):
        load_emotion_categories("fer")
    emotions._load_learned_table.cache_clear()


def test_mixtures_have_the_moments_of_draws():
    shares = np.array([[0.5, 0, 0, 0.3, 0, 0.2, 0]])
    known = load_emotion_categories("fer")
    rng = np.random.default_rng(0)
    which = rng.choice(7, 200_000, p=shares[0])
    drawn = rng.normal(known.means[which], known.sds[which])
    found = map_emotions_to_affect(3 * shares, "fer")
    np.testing.assert_allclose(found[0], [*drawn.mean(axis=0), *drawn.std(axis=0)], atol=0.005)


def test_a_sure_emotion_is_its_own_moments_and_unknown_ones_abstain():
    known = load_emotion_categories("ravdess", "hand")
    np.testing.assert_allclose(
        map_emotions_to_affect(np.eye(8), "ravdess", "hand"), np.hstack([known.means, known.sds]), atol=1e-9
    )
    bad = np.array([[np.nan] * 8, [0] * 8, [-1, 2, 0, 0, 0, 0, 0, 0], [np.inf] + [0] * 7])
    assert np.isnan(map_emotions_to_affect(bad, "ravdess")).all()
    with pytest.raises(ValueError, match="8 emotions"):
        map_emotions_to_affect(np.eye(7), "ravdess")


def test_emotions_at_a_point():
    names, means = EMOTION_SCHEMES["plutchik"], load_emotion_categories("plutchik").means
    sure = compute_emotion_posterior(np.hstack([means, np.full((8, 2), 0.01)]))
    for name in ("trust", "fear", "disgust", "sadness", "anger"):
        assert sure[names.index(name)].argmax() == names.index(name)
    vague, vaguest, nothing = compute_emotion_posterior([[0.8, 0.2, 0.5, 0.5], [0.8, 0.2, 1e3, 1e3], NOTHING])
    np.testing.assert_allclose(np.vstack([sure, vague]).sum(axis=1), 1)
    assert vague.max() < compute_emotion_posterior([[0.8, 0.2, 0.05, 0.05]]).max()
    np.testing.assert_allclose(vaguest, 1 / 8, atol=1e-3)
    assert np.isnan(nothing).all()
    with pytest.raises(ValueError, match="their SDs"):
        compute_emotion_posterior(np.zeros((1, 2)))


def test_emotions_at_is_bayes_rule_for_a_point_seen_through_noise():
    known, rng = load_emotion_categories("plutchik"), np.random.default_rng(0)
    point, sd = np.array([0.2, 0.1]), np.array([0.15, 0.2])
    drawn = rng.normal(known.means, known.sds, (40_000, 8, 2))
    seen = np.exp(-0.5 * (((point - drawn) / sd) ** 2).sum(axis=-1)).mean(axis=0)
    np.testing.assert_allclose(compute_emotion_posterior([[*point, *sd]])[0], seen / seen.sum(), atol=0.01)


def test_moments_find_the_emotions_behind_mixed_videos():
    rng = np.random.default_rng(0)
    truth = np.array([[0.8, 0.5], [-0.7, -0.1], [0.1, 0.6]])
    shares = rng.dirichlet([0.6] * 3, 2000)
    points = shares @ truth + rng.normal(0, [0.2, 0.1], (2000, 2))
    means, sds = learning.fit_emotion_moments(shares, points)
    np.testing.assert_allclose(means, truth, atol=0.03)
    np.testing.assert_allclose(sds, np.broadcast_to([0.2, 0.1], (3, 2)), atol=0.02)


def test_other_tables_are_refused(tmp_path):
    with pytest.raises(AffectError, match="give Cowen"):
        cowen_keltner.load_ratings(tmp_path)
    (tmp_path / cowen_keltner.RATINGS_FILE.parent).mkdir()
    (tmp_path / cowen_keltner.RATINGS_FILE).write_text("a,b\n1,2\n")
    with pytest.raises(AffectError, match="not Cowen"):
        cowen_keltner.load_ratings(tmp_path)


def ratings():
    require_data(cowen_keltner.RATINGS_FILE)
    return cowen_keltner.load_ratings(DATA)


@pytest.mark.data
def test_the_shipped_table_is_what_is_learnt():
    ratings()
    shipped = json.loads(emotions.EMOTIONS_FILE.read_text())
    learnt = learning.fit(DATA)
    for scheme, names in EMOTION_SCHEMES.items():
        for name in names:
            np.testing.assert_allclose(
                shipped["schemes"][scheme][name]["mean"], learnt["schemes"][scheme][name]["mean"], atol=1e-3
            )


@pytest.mark.data
def test_arousal_is_the_dimension_not_the_word():
    assert ratings().affect[:, 1].std() > 0.2


@pytest.mark.data
@pytest.mark.parametrize("scheme", EMOTION_SCHEMES)
def test_learned_table_beats_the_hand_table_on_videos_held_out(scheme):
    truth, learned, by_hand = learning.predict_held_out(ratings(), scheme, seed=0)
    assert (ccc(learned, truth) > ccc(by_hand, truth) + 0.04).all()
    assert (pearson(learned, truth) > pearson(by_hand, truth)).all()
    assert (rmse(learned, truth) < rmse(by_hand, truth)).all()
    assert ccc(learned, truth)[0] > 0.85
    assert ccc(learned, truth)[1] > 0.25


@pytest.mark.slow
@pytest.mark.data
def test_figures_stand_beside_the_hand_table():
    ratings()
    found = learning.evaluate(DATA, seed=0)
    assert len(found) == 2 * len(EMOTION_SCHEMES)
    assert all(one.low < one.value < one.high and one.baseline.startswith("hand table") for one in found)
    assert learning.evaluate(DATA, seed=0, part="dev") == []


@pytest.mark.data
def test_neither_table_of_felt_emotions_reads_words_well():
    """An independent source: EmoBank's sentences by NRC's counts. The hand table, made of words, is ahead."""
    file = require_data("emobank") / "emobank" / "emobank.csv"
    rows = [row for row in read_table(file) if row["split"] == "dev"]
    truth = rescale([[float(row["V"]), float(row["A"])] for row in rows], *RATING_SCALES["emobank"])
    counts = [count_nrc_emotions(row["text"].lower()) for row in rows]
    shares = np.array([[count[name] for name in EMOTION_SCHEMES["plutchik"]] for count in counts], np.float64)
    reached = {}
    for name in ("learned", "hand"):
        found = map_emotions_to_affect(shares, "plutchik", name)
        known = ~np.isnan(found[:, 0])
        reached[name] = pearson(found[known, :2], truth[known])
    assert reached["learned"][0] > 0.25
    assert reached["hand"][0] > 0.25
    assert (reached["hand"] > reached["learned"]).all()


def test_faces_and_voices_are_as_pleasant_as_learned_and_as_stirred_as_by_hand():
    learned, hand, expressed = (
        load_emotion_categories("ravdess", table) for table in ("learned", "hand", "expressed")
    )
    assert (expressed.means[:, 0] == learned.means[:, 0]).all() and (
        expressed.sds[:, 0] == learned.sds[:, 0]
    ).all()
    assert (expressed.means[:, 1] == hand.means[:, 1]).all() and (expressed.sds[:, 1] == hand.sds[:, 1]).all()
