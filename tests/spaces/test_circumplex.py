import json
import subprocess
import sys

import numpy as np
import pytest
from repository import DATA

from encoders.base import AffectError, MissingBackendError, UnknownNameError
from encoders.faces import EMOTIONS
from encoders.lexicon import count_nrc_emotions
from experiments.datasets import cowen_keltner
from experiments.datasets.records import read_table
from experiments.heads import emotion_categories as learning
from retrieval.evaluation.affect_metrics import ccc, pearson, rmse
from spaces import circumplex
from spaces.circumplex import (
    EMOTION_SCHEMES,
    LANDMARK_RADIUS,
    LANDMARK_SYNONYMS,
    LANDMARKS,
    MIN_LANDMARK_PROBABILITY,
    PRIOR_MEAN,
    PRIOR_SD,
    QUADRANTS,
    RATING_SCALES,
    affinity,
    compute_emotion_posterior,
    compute_reliability,
    distance,
    find_confident_landmark,
    find_nearest_landmark,
    find_quadrants,
    is_uncertain,
    load_emotion_categories,
    map_emotions_to_affect,
    parse_mood,
    rescale,
    suggest_landmark,
    summarise_trajectory,
    unscale,
)

NOTHING = [np.nan] * 4


def test_import_is_light():
    code = "import spaces.circumplex, sys; print(sorted({'torch', 'scipy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("scale", RATING_SCALES)
def test_scales_there_and_back(scale):
    low, high = RATING_SCALES[scale]
    ratings = np.array([[low, high], [(low + high) / 2, np.nan]])
    points = rescale(ratings, low, high)
    assert points[0].tolist() == [-1, 1]
    assert points[1, 0] == 0
    assert np.isnan(points[1, 1])
    np.testing.assert_allclose(unscale(points, low, high), ratings)


def test_a_scale_that_falls_is_refused():
    with pytest.raises(ValueError, match="goes up"):
        rescale([1], 5, 1)
    with pytest.raises(ValueError, match="goes up"):
        unscale([1], 5, 5)


def test_distance_broadcasts_and_ignores_sds():
    far = distance(np.array([[0, 0, 9, 9], [0.3, 0.4, 9, 9]])[:, None], np.array([[0, 0], [np.nan, 0]]))
    np.testing.assert_allclose(far, [[0, np.nan], [0.5, np.nan]])


def test_affinity_of_sure_points_is_exp_of_distance():
    points = np.array([[0.5, 0.5], [0.5, -0.5], [np.nan, np.nan]])
    np.testing.assert_allclose(affinity(points, (0.5, 0.5)), [1, np.exp(-1), np.nan])
    np.testing.assert_allclose(affinity(points, (0.5, 0.5), np.zeros((3, 2))), [1, np.exp(-1), np.nan])


def test_an_unsure_point_is_neither_match_nor_miss():
    target = (0.6, 0.4)
    sure_near, unsure, unsure_far, sure_far = affinity(
        [[0.5, 0.4, 0.05, 0.05], [0.6, 0.4, 0.6, 0.6], [-0.6, -0.6, 0.6, 0.6], [-0.6, -0.6, 0.05, 0.05]],
        target,
    )
    assert sure_near > unsure > unsure_far > sure_far


def test_what_nobody_knows_has_the_affinity_of_the_prior():
    target = np.array([0.5, -0.2])
    drawn = np.clip(np.random.default_rng(0).normal(PRIOR_MEAN, PRIOR_SD, (100_000, 2)), -1, 1)
    found = affinity([[0.5, -0.2], [-1, 1]], target, np.full((2, 2), 1e9))
    np.testing.assert_allclose(found, np.exp(-distance(drawn, target)).mean(), atol=0.003)


def test_reliability_is_half_where_the_point_knows_as_little_as_the_prior():
    np.testing.assert_allclose(compute_reliability([PRIOR_SD, (0, 0), (np.inf, np.inf)]), [0.5, 1, 0])


@pytest.mark.parametrize("target", [(0.1,), (np.nan, 0), (0, 0, 0)])
def test_affinity_refuses_what_is_no_point(target):
    with pytest.raises(ValueError, match="target"):
        affinity(np.zeros((1, 2)), target)


def test_quadrants():
    points = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5], [0, 0], [np.nan, 0]])
    assert find_quadrants(points).tolist() == [*QUADRANTS, QUADRANTS[0], ""]
    for word, name in {"happy": 0, "angry": 1, "bored": 2, "calm": 3}.items():
        assert find_quadrants(np.array(LANDMARKS[word])).tolist() == [QUADRANTS[name]]


def test_words_are_on_the_plane_and_each_is_nearest_to_itself():
    assert 28 <= len(LANDMARKS) <= 34
    assert all(abs(value) <= 1 for point in LANDMARKS.values() for value in point)
    assert len(set(LANDMARKS.values())) == len(LANDMARKS)
    assert all(find_nearest_landmark(point) == word for word, point in LANDMARKS.items())
    assert find_nearest_landmark(NOTHING) is None
    assert set(LANDMARK_SYNONYMS.values()) <= set(LANDMARKS)


@pytest.mark.parametrize("text", ["scary", "clam", "calm,sad", "infinity", "nan", "怖い", "a 2nd time"])
def test_any_other_words_are_a_phrase(text):
    assert parse_mood(f"  {text} ") == text


@pytest.mark.parametrize(
    ("word", "landmark"),
    [
        ("clam", "calm"), ("hapy", "happy"), ("Happpy", "happy"), ("hsppy", "happy"), ("sereen", "serene"),
        ("angre", "angry"), ("joi", "joyful"), ("xalm", "calm"), ("", None), ("scary", None),
        ("displeased", None), ("unsatisfied", None), ("calm", None),
    ],
)  # fmt: skip
def test_a_slip_of_a_landmark_is_found(word, landmark):
    assert suggest_landmark(word) == landmark


@pytest.mark.parametrize("word", LANDMARKS)
def test_sure_estimates_get_their_word_and_unsure_ones_none(word):
    assert find_confident_landmark((*LANDMARKS[word], 0.1, 0.1)) == word
    assert find_confident_landmark((*LANDMARKS[word], *PRIOR_SD)) is None
    assert (
        find_confident_landmark((*LANDMARKS[word], 0.01, 2.0)) is None
        and find_confident_landmark((*LANDMARKS[word], 2, 0.01)) is None
    )


def test_an_estimate_between_words_gets_none():
    between = (0.0, -0.38)  # neutral and sleepy are both .37 away
    assert find_confident_landmark((*between, 0.15, 0.15)) is None
    assert find_confident_landmark((np.nan, 0.1, 0.1, 0.1)) is None
    with pytest.raises(ValueError, match="SDs"):
        find_confident_landmark((0.1, 0.1))


@pytest.mark.parametrize("sds", [(0.3, 0.1), (0.25, 0.45), (0.24, 0.24)])
@pytest.mark.parametrize("off", [0.0, 0.1, 0.2])
def test_a_word_is_told_as_often_as_draws_say(sds, off):
    rng = np.random.default_rng(0)
    point = LANDMARKS["glad"][0] + off, LANDMARKS["glad"][1]
    drawn = rng.normal(point, sds, (100_000, 2))
    share = (distance(drawn, LANDMARKS["glad"]) <= LANDMARK_RADIUS).mean()
    assert abs(share - MIN_LANDMARK_PROBABILITY) > 0.01  # the test asks nothing at the bound itself
    assert (find_confident_landmark((*point, *sds)) == "glad") == (share > MIN_LANDMARK_PROBABILITY)


def test_an_estimate_no_surer_than_the_prior_knows_little():
    valence_sd, arousal_sd = PRIOR_SD
    rows = [[0, 0, valence_sd + 0.01, arousal_sd], [0.5, 0, 0.5, 0.36], [0.5, 0, 0.36, 0.23], [np.nan] * 4]
    assert is_uncertain(rows).tolist() == [True, True, False, False]


@pytest.mark.data
def test_words_agree_with_what_people_felt():
    """By categories of Cowen and Keltner that have a word: right order of valence, and of arousal in part."""
    pairs = {
        "Anger": "angry", "Boredom": "bored", "Calmness": "calm", "Disgust": "disgusted",
        "Excitement": "excited", "Fear": "afraid", "Interest": "interested", "Joy": "joyful",
        "Sadness": "sad", "Satisfaction": "satisfied", "Surprise": "surprised",
    }  # fmt: skip
    judged = ratings()
    shares = judged.shares[:, [judged.emotion_names.index(name) for name in pairs]]
    felt = (shares.T @ judged.affect) / shares.sum(axis=0)[:, None]
    valence, arousal = pearson([LANDMARKS[word] for word in pairs.values()], felt)
    assert valence > 0.8  # boredom apart, which the word calls unpleasant and the videos do not
    assert arousal > 0.4


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("calm", LANDMARKS["calm"]), (" Happy ", LANDMARKS["happy"]), ("sadness", LANDMARKS["sad"]),
        ("0.3,-0.5", (0.3, -0.5)), (" -1 , 1 ", (-1, 1)),
    ],
)  # fmt: skip
def test_moods_are_read(text, point):
    assert parse_mood(text) == point


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no mood ''.*landmarks: afraid"), ("?!", "no words in it"), ("0.3;0.2", "no words in it"),
        ("0.3", "two numbers"), ("1,2,3", "two numbers"), ("nan,0", "valence must lie"),
        ("0,inf", "arousal must lie"),
        ("1.01,0", "valence must lie"),
    ],
)  # fmt: skip
def test_moods_that_are_none_are_refused_in_one_line(text, said):
    with pytest.raises(AffectError, match=said) as caught:
        parse_mood(text)
    assert "\n" not in str(caught.value)


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
    monkeypatch.setattr(circumplex, "EMOTIONS_FILE", tmp_path / "emotions.json")
    circumplex._load_learned_table.cache_clear()
    with pytest.raises(MissingBackendError, match="train affect-emotions"):
        load_emotion_categories("fer")
    circumplex._load_learned_table.cache_clear()


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


def test_trajectory():
    seconds = np.arange(7) * 10.0
    points = np.stack([seconds / 60, np.full(7, 0.1)], axis=1)
    points[3, 1] = 0.9
    points = np.vstack([[[np.nan, np.nan]], points, [[np.nan, 0]]])
    found = summarise_trajectory(points, np.concatenate([[-5.0], seconds, [70.0]]))
    assert found.start == (0, 0.1)
    assert found.end == pytest.approx((1, 0.1))
    assert found.peak == pytest.approx((0.5, 0.9))
    assert found.peak_seconds == 30
    assert found.mean == pytest.approx((0.5, 0.1 + 0.8 / 7))
    assert found.slope == pytest.approx((1, 0))


def test_trajectories_of_one_point_and_of_none():
    one = summarise_trajectory([[0.2, 0.3]], [4])
    assert one.start == one.end == one.mean == one.peak == (0.2, 0.3)
    assert np.isnan(one.slope).all()
    assert summarise_trajectory([[np.nan, np.nan]], [0]) is None
    assert summarise_trajectory(np.empty((0, 2)), []) is None
    with pytest.raises(ValueError, match="do not fit"):
        summarise_trajectory([[0, 0]], [0, 1])


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
    if not (DATA / cowen_keltner.RATINGS_FILE).exists():
        pytest.skip("needs ../shared/data/cowen_keltner_ratings")
    return cowen_keltner.load_ratings(DATA)


@pytest.mark.data
def test_the_shipped_table_is_what_is_learnt():
    ratings()
    shipped = json.loads(circumplex.EMOTIONS_FILE.read_text())
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
    file = DATA / "emobank" / "emobank.csv"
    if not file.exists():
        pytest.skip("needs ../shared/data/emobank")
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
