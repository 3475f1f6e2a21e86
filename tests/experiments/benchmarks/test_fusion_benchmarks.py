"""Benchmarks of fusion, balance and diversity, and learned weights, on scores made up here."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.benchmarks.balance import BALANCES, BalancedList, compute_ndcg
from experiments.benchmarks.balance import make_report as make_balance_report
from experiments.benchmarks.diversity import make_near_duplicates, score_photos
from experiments.benchmarks.fusion_rules import RuleScores
from experiments.benchmarks.fusion_rules import make_report as make_fusion_report
from experiments.benchmarks.labelled_gallery import GalleryItem, make_bag
from experiments.benchmarks.thresholds import find_best_scores
from experiments.benchmarks.thresholds import make_report as make_false_answers_report
from experiments.benchmarks.word_scores import WordScores
from experiments.fusion_weights import fit_by_word_folds, fit_fusion_weights
from experiments.learn_fusion import compare_with_mean, format_card
from experiments.word_folds import group_words, make_word_folds

NAN = math.nan


def draw_words(slopes, count=60, items=200, seed=0):
    """Words whose matches follow a logistic regression on two spaces; the second abstains for half."""
    rng = np.random.default_rng(seed)
    words = []
    for number in range(count):
        evidence = rng.normal(-2, 2, (2, items))
        evidence[1, items // 2 :] = NAN
        chance = 1 / (1 + np.exp(-np.nansum(np.array(slopes)[:, None] * evidence, axis=0)))
        spaces = dict(zip(("object", "audio"), 1 / (1 + np.exp(-evidence)), strict=True))
        words.append(
            WordScores(
                word=chr(97 + number % 26) * (1 + number // 26), total=np.nanmean([*spaces.values()], axis=0),
                spaces=spaces, weights={"object": 1.0, "audio": 1.0}, is_match=rng.random(items) < chance,
            )
        )  # fmt: skip
    return words


@pytest.mark.parametrize("slopes", [(1.0, 1.0), (1.5, 0.4)])
def test_learned_weights_find_the_slopes_that_made_the_matches(slopes):
    fitted = fit_fusion_weights(draw_words(slopes), ("object", "audio"))
    assert [fitted.slopes["object"], fitted.slopes["audio"]] == pytest.approx(slopes, abs=0.2)


def test_a_space_that_misleads_has_a_slope_of_zero():
    fitted = fit_fusion_weights(draw_words((1.0, -0.8)), ("object", "audio"))
    assert fitted.slopes["audio"] == 0


def test_there_is_nothing_to_learn_without_a_right_answer():
    (word, *_) = draw_words((1.0, 1.0), count=1)
    none = WordScores(**{**vars(word), "is_match": np.zeros_like(word.is_match)})
    with pytest.raises(ValueError, match="no word has a right answer"):
        fit_fusion_weights([none], ("object", "audio"))


def test_figures_are_of_words_that_weights_were_not_fitted_to():
    words = draw_words((2.0, 0.1), count=30)
    for one in words:
        one.spaces["activity"] = np.full(len(one.total), NAN)
    figures = compare_with_mean(words, seed=0)
    assert figures["learned"].value > figures["mean"].value and figures["learned less mean"].low > 0
    card = format_card(words, fit_fusion_weights(words), figures, seed=0)
    assert "5 folds by word" in card and "python -m experiments.learn_fusion" in card


def test_the_weights_of_a_fold_are_fitted_to_all_other_words():
    words = draw_words((2.0, 0.1), count=30)
    for one in words:
        one.spaces["activity"] = np.full(len(one.total), NAN)
    folds = list(fit_by_word_folds(words, seed=0))
    assert sorted(np.concatenate([fold for fold, _ in folds]).tolist()) == [*range(30)]
    for fold, weights in folds:
        others = [one for at, one in enumerate(words) if at not in fold]
        assert weights == fit_fusion_weights(others) and weights != fit_fusion_weights(words)


def test_words_that_share_a_part_are_in_one_fold():
    words = ["car", "car engine", "engines", "dog", "cat", "cow", "bird song", "song"]
    assert group_words(words)[:3] == [group_words(words)[0]] * 3 and len(set(group_words(words))) == 5
    folds = [set(fold.tolist()) for fold in make_word_folds(words, 0)]
    assert sorted(at for fold in folds for at in fold) == [*range(8)]
    assert any({0, 1, 2} <= fold for fold in folds) and any({6, 7} <= fold for fold in folds)


def make_item(name, modality, bag, mentioned=""):
    return GalleryItem(
        path=Path(f"/{name}"), modality=modality, source=modality, bags=(make_bag(bag),),
        mentioned=make_bag(mentioned),
    )  # fmt: skip


def test_false_answers_leave_out_what_anyone_calls_so():
    items = [
        make_item("a", "image", "dog"), make_item("b", "image", "grass", "a dog on grass"),
        make_item("c", "audio", "bell"), make_item("d", "video", "bus"),
    ]  # fmt: skip
    total = np.array([0.95, 0.9, 0.6, NAN])
    dog = WordScores(
        word="dog",
        total=total,
        spaces={},
        weights={},
        is_match=np.array([one.matches("dog") for one in items]),
    )
    best = find_best_scores(items, [dog], [], np.array([0.2]))
    assert best.taken_out["all"].tolist() == best.taken_out["audio"].tolist() == [0.6]
    assert np.isnan(best.taken_out["image"]).all() and np.isnan(best.taken_out["video"]).all()
    assert best.right.tolist() == [0.95] and best.answered.tolist() == [0.95]
    rows = {row["least score"]: row for row in make_false_answers_report(best, {}).rows}
    assert [rows[least]["false, all"].value for least in ("0.5", "0.7")] == [100, 0]
    assert [rows[least]["right lost"].value for least in ("0.95", "0.99")] == [0, 100]
    assert rows["0.3"]["false, image"].value == 0 and rows["0.3"]["false, absent words"] is None


def test_ndcg_is_one_where_all_right_ones_come_first():
    assert compute_ndcg([True, True, False], 2, 10) == 1
    assert compute_ndcg([False, True], 1, 2) == pytest.approx(1 / math.log2(3))
    assert compute_ndcg([], 3, 5) == 0


def test_the_cost_of_balance_is_against_the_order_of_scores():
    def make_list(ndcg):
        return BalancedList(ndcg=ndcg, exposure={"image": 0.5, "audio": 0.5}, factor=1.1, is_met=ndcg > 0.5)

    lists = [[make_list(0.9), make_list(0.8)]] + [[make_list(0.7), make_list(0.4)]] * (len(BALANCES) - 1)
    first, second, *_ = make_balance_report(lists, {}, seed=0).rows
    assert first["less by score"] is None and second["less by score"].value == pytest.approx(-0.3)
    assert second["met"] == 50 and second["video share"].value == 0


def test_rules_are_compared_on_the_same_words():
    def make_scores(precision):
        return RuleScores(precision=precision, modalities_shown=1.0, average_precision=precision)

    scores = {
        "mean": {"a": make_scores(0.4), "b": make_scores(0.8)},
        "rrf": {"a": make_scores(0.3), "b": make_scores(0.6)},
    }
    rows = make_fusion_report(scores, ["a", "b"], {"seed": 0}).rows
    assert [row["rule"] for row in rows] == ["mean", "rrf", "rrf less mean"]
    assert rows[2]["P@5"].value == pytest.approx(-0.15) and rows[2]["modalities shown"].value == 0


def test_near_duplicates_are_counted_by_their_original(tmp_path):
    for name in ("a", "b"):
        Image.effect_noise((64, 48), 50).save(tmp_path / f"{name}.jpg")
    photos = {name: make_item(name, "image", bag) for name, bag in (("a", "dog"), ("b", "cat"))}
    paths = {tmp_path / f"{name}.jpg": photo for name, photo in photos.items()}
    with make_near_duplicates([*paths]) as copies:
        assert len(copies) == 8 and all(path.exists() for path in copies)
        originals = {path: paths[original] for path, original in copies.items()}
        found = score_photos([photos["a"], photos["a"], photos["b"], photos["a"]], originals, "dog")
    assert (found.duplicates, found.precision, found.distinct) == (0.5, 0.75, 1)
