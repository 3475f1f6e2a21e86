"""What is reported of a fold does not depend on what was chosen on it."""

from dataclasses import replace

import numpy as np
import pytest

from encoders import unit_rows
from retrieval.training.cross_validation import FittedHeads, fit_heads
from retrieval.training.ensemble import EnsembleConfig, TrainingData, fit_members
from retrieval.training.held_out_fold import (
    ZERO_SHOT_WEIGHTS,
    HeldOutFold,
    compute_average_precisions,
    select_weights_without_fold,
    select_zero_shot_weight,
)
from spaces.joint import Schedule, TrainingSet

FOLDS, ITEMS = 4, 10


def make_fold(number, rng, *, signal=0.0, zero_shot_signal=0.0, items=ITEMS):
    """One text an item; cosines are noise plus, of matches, a signal."""
    match = np.eye(items, dtype=bool)
    noise = rng.normal(size=(2, items, items)).astype(np.float32)
    return HeldOutFold(
        item_indices=np.arange(items) + items * number,
        text_indices=np.arange(items) + items * number,
        is_match=match,
        member_similarities=(noise[0] + signal * match,),
        zero_shot_similarity=noise[1] + zero_shot_signal * match,
    )


def fit(folds):
    groups = [str(item) for item in range(FOLDS * ITEMS)]
    return FittedHeads(heads=None, held_out_folds=folds, groups=groups)


def compute_gain(fitted):
    trained, baseline = (fitted.compute_held_out_precisions(use_trained=use) for use in (True, False))
    return trained.mean() - baseline.mean()


@pytest.mark.slow
def test_without_information_the_gain_is_centred_at_zero():
    rng = np.random.default_rng(0)
    nested, chosen_and_measured_on_the_same = [], []
    for _ in range(400):
        folds = [make_fold(number, rng) for number in range(FOLDS)]
        fitted = fit(folds)
        nested.append(compute_gain(fitted))
        weight = select_zero_shot_weight(folds)
        same = [
            compute_average_precisions(fold.blend_with_zero_shot(weight), fold.is_match) for fold in folds
        ]
        baseline = fitted.compute_held_out_precisions(use_trained=False).mean()
        chosen_and_measured_on_the_same.append(np.concatenate(same).mean() - baseline)
    error = np.std(nested) / len(nested) ** 0.5
    assert abs(np.mean(nested)) < 3 * error
    assert np.mean(chosen_and_measured_on_the_same) > 6 * error  # what the nested folds are for


def test_own_heads_without_information_do_not_gain_on_a_good_packaged_space():
    rng = np.random.default_rng(1)
    gains = [
        compute_gain(fit([make_fold(number, rng, zero_shot_signal=2.0) for number in range(FOLDS)]))
        for _ in range(50)
    ]
    assert np.mean(gains) < 0


def test_a_gain_that_is_there_is_found():
    rng = np.random.default_rng(2)
    fitted = fit([make_fold(number, rng, signal=2.0, zero_shot_signal=1.0) for number in range(FOLDS)])
    assert fitted.estimate_gain(seed=0).low > 0


def test_the_weight_of_a_fold_is_chosen_on_the_others():
    """Three folds where the untrained space alone is right, one where the heads alone are."""
    rng = np.random.default_rng(3)
    folds = [make_fold(number, rng, signal=-9.0, zero_shot_signal=9.0) for number in range(3)]
    folds.append(make_fold(3, rng, signal=9.0, zero_shot_signal=-9.0))
    weights = select_weights_without_fold(folds)
    assert weights[3] == ZERO_SHOT_WEIGHTS[-1]
    assert fit(folds).compute_held_out_precisions(use_trained=True)[-2 * ITEMS :].mean() < 0.2
    with pytest.raises(ValueError, match="1 folds"):
        select_weights_without_fold(folds[:1])


def test_of_weights_that_hardly_differ_the_largest_is_chosen():
    """Heads and untrained space that know the same: neither adds to the other."""
    rng = np.random.default_rng(6)
    folds = [make_fold(number, rng, signal=2.0) for number in range(FOLDS)]
    same = [replace(fold, zero_shot_similarity=fold.trained_similarity) for fold in folds]
    assert select_zero_shot_weight(same) == ZERO_SHOT_WEIGHTS[-1]
    assert select_zero_shot_weight(folds) < ZERO_SHOT_WEIGHTS[-1]  # where that space knows nothing


def test_without_an_untrained_space_nothing_is_chosen():
    rng = np.random.default_rng(4)
    folds = [
        HeldOutFold(
            item_indices=fold.item_indices, text_indices=fold.text_indices, is_match=fold.is_match,
            member_similarities=fold.member_similarities, zero_shot_similarity=None,
        )
        for fold in (make_fold(number, rng) for number in range(FOLDS))
    ]  # fmt: skip
    assert select_weights_without_fold(folds) == (0.0,) * FOLDS
    assert select_zero_shot_weight(folds) == 0.0


@pytest.mark.parametrize(
    ("loss", "has_classes"),
    [("ridge", False), ("ridge", True), ("kernel ridge", False), ("two-sided kernel ridge", False)],
)
def test_a_held_out_text_matches_its_own_item(loss, has_classes):
    """Also where items have no classes and every part of the set would number its own."""
    rng = np.random.default_rng(0)
    items, texts_each = 40, 2
    meaning = rng.normal(size=(items, 16)).astype(np.float32)
    owners = np.repeat(np.arange(items), texts_each)
    noise = 0.1 * rng.normal(size=(len(owners), 16)).astype(np.float32)
    training_set = TrainingSet(
        features={"objects": meaning},
        texts=unit_rows(meaning[owners] + noise),
        item_by_text=owners,
        classes=np.arange(items) if has_classes else None,
    )
    data = TrainingData(
        training_set=training_set, groups=[str(item) for item in range(items)], encoder_signatures={}
    )
    fitted = fit_heads(data, EnsembleConfig(losses=(loss,), schedule=Schedule(), dim=16), seed=0)
    for fold in fitted.held_out_folds:
        assert (fold.is_match.sum(axis=1) == 1).all() and (fold.is_match.sum(axis=0) == texts_each).all()
    assert fitted.compute_held_out_precisions(use_trained=True).mean() > 0.8


def make_described_data(seed_of_last=0):
    """Items with a caption and a description each; descriptions of the last ten by their own seed."""
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(40, 16)).astype(np.float32)
    descriptions = unit_rows(rng.normal(size=(40, 16)).astype(np.float32))
    descriptions[30:] = unit_rows(
        np.random.default_rng(seed_of_last).normal(size=(10, 16)).astype(np.float32)
    )
    training_set = TrainingSet(
        features={"objects": meaning}, texts=unit_rows(meaning), item_by_text=np.arange(40)
    )
    return TrainingData(
        training_set=training_set, groups=[str(item) for item in range(40)], encoder_signatures={},
        descriptions=(descriptions, np.arange(40)),
    )  # fmt: skip


DESCRIBED_CONFIG = EnsembleConfig(
    losses=("ridge", "two-sided kernel ridge", "infonce-learnt"), schedule=Schedule(epochs=3), dim=16
)


def embed_texts(data, items):
    texts = {"text": data.training_set.sentence_vectors}
    return [member.text(texts) for member in fit_members(data, DESCRIBED_CONFIG, items, seed=0)]


def test_only_two_sided_kernel_ridge_learns_from_descriptions():
    data = make_described_data()
    ridge, two_sided, trained = embed_texts(data, np.arange(40))
    without = embed_texts(replace(data, descriptions=None), np.arange(40))
    assert np.array_equal(ridge, without[0]) and np.array_equal(trained, without[2])
    assert not np.allclose(two_sided @ two_sided.T, without[1] @ without[1].T, atol=0.01)


def test_descriptions_of_held_out_items_are_not_learnt_from():
    first, other = (embed_texts(make_described_data(seed), np.arange(30)) for seed in (1, 2))
    assert all(np.array_equal(left, right) for left, right in zip(first, other, strict=True))
    whole = [embed_texts(make_described_data(seed), np.arange(40))[1] for seed in (1, 2)]
    assert not np.allclose(*whole)


def test_descriptions_are_no_queries():
    fitted = fit_heads(make_described_data(), DESCRIBED_CONFIG, seed=0)
    queries = np.concatenate([fold.text_indices for fold in fitted.held_out_folds])
    assert sorted(queries) == list(range(40))
