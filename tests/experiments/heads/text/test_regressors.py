"""What the shipped regressors of texts say of words, negations and what can't be read."""

import csv
import json

import numpy as np
import pytest
from repository import DATA
from text_affect import felt

from encoders.registry import ENCODERS
from experiments.datasets.emobank import load_emobank
from experiments.heads.text.evaluation import evaluate
from experiments.heads.text.train import WEIGHTS_FILE, fit
from experiments.heads.text.unreadable_texts import FOREIGN_TEXTS
from retrieval.evaluation.affect_metrics import ccc, pearson
from spaces.tower_regressor import load_regressors, save_regressors

ENGLISH = (
    "The dog is asleep on the sofa.",
    "The government announced a new law on pensions.",
    "We went to the park because the weather was fine.",
    "He left the meeting in anger.",
    "She reads a book in the kitchen.",
    "The train from London was two hours late.",
)
STRANGE = (  # none of them is in FOREIGN
    "Der Hund schläft ruhig auf dem Sofa.",
    "Die Regierung hat ein neues Gesetz angekündigt.",
    "Le gouvernement a annoncé une nouvelle loi sur les retraites.",
    "Le chien dort tranquillement sur le canapé.",
    "今天天气很好，我们去公园散步。",
    "他非常生气地离开了会议室。",
    "xkqz vbrt plmwq zzgh tyrpl",
    "asdkjh qwoeiu zmxncb lkjhgf poiuy",
)


@pytest.fixture(scope="module")
def encoder():
    return ENCODERS.make("minilm-affect")


@pytest.fixture(scope="module")
def shipped():
    return load_regressors(WEIGHTS_FILE)


@pytest.mark.parametrize("word", ["happy", "wonderful", "a good idea", "beautiful"])
def test_negation_turns_what_is_pleasant(encoder, shipped, word):
    plain, negated, at_all = felt(encoder, shipped, [word, f"not {word}", f"not {word} at all"])[:, 0]
    assert plain > 0.2
    assert negated < 0
    assert at_all < 0
    assert plain - at_all > 0.4


def test_negation_turns_what_is_unpleasant(encoder, shipped):
    sad, not_sad = felt(encoder, shipped, ["sad", "he is not sad at all"])[:, 0]
    assert sad < -0.2
    assert not_sad > sad + 0.4


def test_moods_lie_where_they_belong(encoder, shipped):
    texts = ["a bomb kills dozens in a market", "a quiet lake at dawn", "they won and danced all night"]
    bomb, lake, party = felt(encoder, shipped, texts)[:, :2]
    assert bomb[0] < -0.2 < 0.1 < min(lake[0], party[0])
    assert lake[1] < min(bomb[1], party[1])


def test_what_cannot_be_read_has_a_larger_sd(encoder, shipped):
    assert not set(STRANGE) & set(FOREIGN_TEXTS)
    known, strange = felt(encoder, shipped, ENGLISH)[:, 2:], felt(encoder, shipped, STRANGE)[:, 2:]
    assert (strange.min(axis=0) > known.max(axis=0)).all()


@pytest.mark.parametrize(
    ("phrase", "description"),
    [
        ("Ironing a shirt", "A person is ironing a shirt."),
        ("Hitting a man with a bat", "A person is hitting a man with a bat."),
        ("Being chased by a dog", "A person is being chased by a dog."),
    ],
)
def test_a_description_has_the_affect_of_what_it_describes(encoder, shipped, phrase, description):
    short, long = felt(encoder, shipped, [phrase, description])[:, :2]
    assert np.abs(short - long).max() < 0.2


def test_the_sd_between_corpora_is_stated_with_what_it_rests_on(shipped):
    valence_sd, arousal_sd = shipped.metadata["corpus_sd"]
    assert shipped.metadata["corpora"] == ["emobank", "caav", "oasis", "russell"]
    assert 0 <= valence_sd < 0.1 < arousal_sd < 0.25


@pytest.mark.data
def test_sentences_have_the_size_of_their_ratings_and_not_only_their_order(encoder, shipped):
    dev = [one for one in load_emobank(DATA) if one.split == "dev"][::4]
    told, truths = felt(encoder, shipped, [one.text for one in dev]), np.array([one.affect for one in dev])
    assert (pearson(told[:, :2], truths) - ccc(told[:, :2], truths) < 0.1).all()
    inside = (np.abs(told[:, :2] - truths) <= told[:, 2:]).mean(axis=0)
    assert ((inside > 0.6) & (inside < 0.8)).all()


@pytest.mark.data
def test_shipped_regressors_agree_with_people_who_rated_unseen_sentences(encoder, shipped):
    dev = [one for one in load_emobank(DATA) if one.split == "dev"][::8]
    told = felt(encoder, shipped, [one.text for one in dev])[:, :2]
    valence, arousal = pearson(told, np.array([one.affect for one in dev]))
    assert valence > 0.65
    assert arousal > 0.42


def fewer(folder, step, split):
    """Writes EmoBank with one sentence in `step`; its dev sentences are called `split`."""
    with (DATA / "emobank" / "emobank.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[::step]
    (folder / "emobank").mkdir()
    with (folder / "emobank" / "emobank.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(row | {"split": split if row["split"] == "dev" else row["split"]} for row in rows)


@pytest.fixture
def little(tmp_path):
    """The data with one EmoBank sentence in ten."""
    for name in ("caav_action_norms", "oasis"):
        (tmp_path / name).symlink_to(DATA / name)
    fewer(tmp_path, 10, "dev")
    return tmp_path


@pytest.mark.slow
@pytest.mark.data
def test_figures_of_test_rows_are_of_the_shipped_file(encoder, shipped, tmp_path):
    fewer(tmp_path, 24, "test")  # and no CAAV
    asked = [one for one in load_emobank(tmp_path) if one.split == "test"]
    told = felt(encoder, shipped, [one.text for one in asked])
    truths = np.array([one.affect for one in asked])
    inside = (np.abs(told[:, :2] - truths) <= told[:, 2:]).mean(axis=0)
    lines = {one.metric: one for one in evaluate(tmp_path, seed=0, part="test")}
    assert {one.part for one in lines.values()} == {"test"}
    assert {one.dataset for one in lines.values()} == {"emobank"}
    for column, name in enumerate(("valence", "arousal")):
        found = lines[f"{name} r"]
        assert found.count == len(asked)
        assert found.value == pytest.approx(pearson(told[:, :2], truths)[column], abs=1e-4)
        assert found.low < found.value < found.high
        assert found.value > float(found.baseline.removeprefix("lexicons ")) > 0
        assert lines[f"{name} within its SD"].value == pytest.approx(inside[column], abs=0.02)


@pytest.mark.data
@pytest.mark.slow
def test_fit_and_figures_on_a_little_data(encoder, little, tmp_path):
    lines = {(one.dataset, one.metric): one.value for one in evaluate(little, seed=0, part="dev")}
    assert lines["caav", "valence r"] > 0.7
    assert lines["emobank", "valence r"] > 0.6
    assert 0.45 < lines["emobank", "valence within its SD"] < 0.9
    assert evaluate(little, seed=0, part="test") == []
    made = fit(little, seed=0)
    save_regressors(tmp_path / "one.safetensors", made)
    again = load_regressors(tmp_path / "one.safetensors")
    json.dumps(again.metadata)
    texts = [*ENGLISH, *STRANGE]
    np.testing.assert_allclose(felt(encoder, made, texts), felt(encoder, again, texts), atol=0.01)
    assert (tmp_path / "one.safetensors").stat().st_size < 300_000
