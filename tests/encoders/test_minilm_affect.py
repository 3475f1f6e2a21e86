import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from repository import DATA
from safetensors.numpy import load_file

from encoders.base import encode_all
from encoders.minilm_affect import SURFACE_DIM, merge_adapters
from encoders.registry import ENCODERS
from experiments.datasets.caav import load_caav_actions
from experiments.datasets.emobank import load_emobank
from experiments.datasets.oasis import load_oasis_themes
from experiments.heads.text.evaluation import evaluate
from experiments.heads.text.regressors import ROLE
from experiments.heads.text.train import WEIGHTS_FILE, fit
from experiments.heads.text.unreadable_texts import FOREIGN_TEXTS, make_nonsense_texts
from experiments.heads.text_adapter import training
from experiments.heads.text_adapter.__main__ import main
from experiments.heads.text_adapter.lexicon_texts import NEGATION_FACTOR, fill_templates
from experiments.heads.text_adapter.lora import LoRALinear, add_lora
from experiments.heads.text_adapter.model_soup import make_model_soup
from experiments.heads.text_adapter.token_batches import draw_batches
from experiments.heads.text_adapter.training import AdapterConfig, load_or_train_adapters, train_adapters
from experiments.heads.text_adapter.training_sets import load_training_sets, select_held_out
from retrieval.evaluation.affect_metrics import pearson
from spaces.affect_regression import predict_mean_and_sd
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


def felt(encoder, regressors, texts):
    """(n, 4) valence, arousal and their standard deviations."""
    return predict_mean_and_sd(regressors["mean"], regressors["log_sd"], {ROLE: encode_all(encoder, texts)})


def test_empty_text_abstains(encoder, shipped):
    rows = felt(encoder, shipped, ["", " \n\t", "a happy child"])
    assert np.isnan(rows[:2]).all()
    assert np.isfinite(rows[2]).all()


def test_emoji_are_read_by_their_names_and_unknown_signs_abstain(encoder, shipped):
    glad, sobbing, unnamed, mixed = felt(encoder, shipped, ["😀", "😭😭😭", "\U0001fac8", "a cat \U0001fac8"])
    assert glad[0] > 0.2 and sobbing[0] < -0.2
    assert np.isnan(unnamed).all() and np.isfinite(mixed).all()


def test_a_curly_apostrophe_is_a_straight_one(encoder):
    curly, straight = encoder.encode(["I don’t like it", "I don't like it"])
    assert np.array_equal(curly, straight)


def test_rows_do_not_depend_on_the_batch(encoder):
    texts = ["a happy child", "The new law was announced on Monday, after a long and heated debate.", ""]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-4)


def test_columns_of_form_count_pieces_that_go_on_with_a_word(encoder):
    lengths, broken = encoder.encode(["happy", "a happy child", "zzgh"])[:, -SURFACE_DIM:].T
    np.testing.assert_allclose(np.exp(lengths[:2]), [3, 5], rtol=1e-5)  # with [CLS] and [SEP]
    assert broken[0] == broken[1] == 0
    assert broken[2] >= 0.5


def test_the_shipped_file_reads_this_encoder(encoder, shipped):
    assert shipped.encoder_signatures == {ROLE: encoder.card.signature}
    assert shipped["mean"].roles == shipped["log_sd"].roles == (ROLE,)


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


def test_nonsense_is_drawn_from_a_seed():
    assert make_nonsense_texts(20, 1) == make_nonsense_texts(20, 1) != make_nonsense_texts(20, 2)
    assert all(2 <= len(text.split()) <= 9 for text in make_nonsense_texts(20, 1))


def test_merging_is_what_the_adapted_layers_do():
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 4)
    adapted = LoRALinear(layer, rank=2, scaling=3.0)
    rows = torch.randn(5, 6)
    assert torch.equal(adapted(rows), layer(rows))  # up starts as nothing
    torch.nn.init.normal_(adapted.up)
    wanted = adapted(rows).detach()
    module = torch.nn.ModuleDict({"one": layer})
    merge_adapters(
        module, {"one.down": adapted.down.detach().numpy(), "one.up": 3 * adapted.up.detach().numpy()}
    )
    torch.testing.assert_close(module["one"](rows), wanted)


def test_a_soup_changes_a_layer_by_the_mean_of_what_its_members_change():
    rng = np.random.default_rng(0)
    shapes = {"one.down": (2, 9), "one.up": (7, 2), "head.weight": (2, 4), "head.bias": (2,)}
    members = [
        {name: rng.normal(size=size).astype(np.float32) for name, size in shapes.items()} for _ in range(3)
    ]
    wanted = np.mean([one["one.up"] @ one["one.down"] for one in members], axis=0)
    whole = make_model_soup(members, 6)
    assert (whole["one.down"].shape, whole["one.up"].shape) == ((6, 9), (7, 6))
    np.testing.assert_allclose(whole["one.up"] @ whole["one.down"], wanted, atol=1e-5)
    np.testing.assert_allclose(whole["head.bias"], np.mean([one["head.bias"] for one in members], axis=0))
    nearest = make_model_soup(members, 2)
    left, values, right = np.linalg.svd(wanted, full_matrices=False)
    np.testing.assert_allclose(
        nearest["one.up"] @ nearest["one.down"], (left * [*values[:2], 0, 0, 0, 0, 0]) @ right, atol=1e-5
    )


def test_only_the_adapters_of_the_blocks_learn():
    block = torch.nn.ModuleDict({"query": torch.nn.Linear(3, 3)})
    model = torch.nn.ModuleDict(
        {
            "encoder": torch.nn.ModuleDict({"layer": torch.nn.ModuleList([block])}),
            "pooler": torch.nn.Linear(3, 3),
        }
    )
    outer = torch.nn.ModuleDict({"model": model})
    assert list(add_lora(outer, 2, 1.0)) == ["model.encoder.layer.0.query"]
    assert {name.rpartition(".")[2] for name, one in outer.named_parameters() if one.requires_grad} == {
        "down",
        "up",
    }


def test_negated_words_get_vaders_factor():
    found = fill_templates({"lovely": 0.7, "awful": -0.5, "desk": 0.0})
    assert len(found) == 4
    assert sorted(found.values()) == pytest.approx(
        sorted([0.7, -0.5, 0.7 * NEGATION_FACTOR, -0.5 * NEGATION_FACTOR])
    )


def test_batches_hold_texts_of_one_length_and_every_text_in_time():
    lengths = np.repeat([3, 30], 64)
    draws = draw_batches(lengths, 8, np.random.default_rng(0))
    batches = [next(draws) for _ in range(16)]
    assert sorted(np.concatenate(batches)) == list(range(128))
    assert np.mean([np.ptp(lengths[one]) > 0 for one in batches]) <= 2 / 16


@pytest.mark.data
def test_ratings_are_read_with_their_scales():
    acts = {one.text: one for one in load_caav_actions(DATA)}
    assert len(acts) == 60
    assert acts["Kicking something"].affect == pytest.approx(((2.4 - 5) / 4, (6.01 - 5) / 4), abs=0.01)
    everyone = [*load_emobank(DATA), *acts.values(), *load_oasis_themes(DATA)]
    assert np.abs([one.affect for one in everyone]).max() <= 1
    assert min(one.affect[0] for one in load_emobank(DATA)) < -0.7


@pytest.mark.data
def test_no_lesson_has_a_held_out_or_dev_text_or_an_action():
    sentences = load_emobank(DATA)
    kept = select_held_out(sentences)
    assert 600 < len(kept) < 1000
    assert not {one.group for one in kept} & {
        one.group for one in sentences if one.split == "train" and one not in kept
    }
    pytest.importorskip("vaderSentiment")
    taught = {text for lesson in load_training_sets(DATA)[:2] for text in lesson.texts}
    away = [one.text for one in [*kept, *load_caav_actions(DATA)]]
    away += [one.text for one in [*sentences, *load_oasis_themes(DATA)] if one.split != "train"]
    known = {
        one.text for one in [*sentences, *load_oasis_themes(DATA)] if one.split == "train" and one not in kept
    }
    assert not taught & (set(away) - known)  # a few sentences of dev stand in train as well


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


@pytest.mark.data
def test_figures_of_test_rows_are_of_the_shipped_file(encoder, shipped, tmp_path):
    fewer(tmp_path, 12, "test")  # and no CAAV
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


@pytest.mark.data
@pytest.mark.slow
def test_training_learns_repeats_itself_and_is_kept(tmp_path):
    pytest.importorskip("vaderSentiment")
    torch.set_num_threads(1)
    few = [replace(one, texts=one.texts[:48], targets=one.targets[:48]) for one in load_training_sets(DATA)]
    how = replace(AdapterConfig(), epochs=2.0, rank=4)
    first = load_or_train_adapters(few, how, seed=1, order=0, folder=tmp_path, quiet=True)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = load_or_train_adapters(few, how, seed=1, order=0, folder=tmp_path, quiet=True)
    assert kept.stat().st_mtime_ns == written
    second, other = (train_adapters(few, how, seed=1, order=order, quiet=True) for order in (0, 1))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert first["head.weight"].shape == (2, 384)
    ups = [name for name in first if name.endswith(".up")]
    assert max(np.abs(first[name]).max() for name in ups) > 0
    assert not any(np.array_equal(first[name], other[name]) for name in ups)
    for name in (one.replace(".up", ".down") for one in ups):  # they start alike and go apart a little
        assert np.corrcoef(first[name].ravel(), other[name].ravel())[0, 1] > 0.9


@pytest.mark.data
def test_the_command_averages_what_was_taught(tmp_path, monkeypatch):
    pytest.importorskip("vaderSentiment")
    made = []

    def quick(taught, how, *, seed, order, quiet=False):
        made.append((seed, order))
        ones = {"a.down": np.ones((1, 2), np.float32), "a.up": np.full((2, 1), 1.0 + order, np.float32)}
        return ones | {"head.bias": np.full(2, order, np.float32)}

    monkeypatch.setattr(training, "train_adapters", quick)
    command = ["--data", str(DATA), "--cache", str(tmp_path / "cache"), "--seed", "3", "--soup"]
    main([*command, "1", "--out", str(tmp_path / "one")])
    main([*command, "2", "--out", str(tmp_path / "two")])
    assert made == [(3, 0), (3, 1)]  # the second goes on where the first stopped
    two = load_file(tmp_path / "two")
    np.testing.assert_allclose(two["a.up"] @ two["a.down"], np.full((2, 2), 1.5), rtol=2e-3)
    assert two["head.bias"].tolist() == [0.5, 0.5]
    assert {one.dtype for one in two.values()} == {np.dtype(np.float16)}
