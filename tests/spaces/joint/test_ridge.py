"""Closed forms from media to texts: linear and in a kernel."""

import numpy as np
import pytest

from encoders import unit_rows
from spaces.joint import (
    TEXT_ROLE,
    KernelRidgeConfig,
    TrainingSet,
    fit_kernel_ridge_tower_pair,
    fit_ridge_tower_pair,
)

PAIRED = KernelRidgeConfig(min_landmark_items=2)


def fit_kernel(training_set):
    return fit_kernel_ridge_tower_pair(training_set, PAIRED, whitening_strength=0.5)


def make_exclusive_or(rng, count, views=0):
    """Points in four quadrants; opposite quadrants share their text, which no linear map can tell."""
    points = rng.choice([-1.0, 1.0], (count, 2)) + 0.2 * rng.normal(size=(count, 2))
    is_same = (points[:, 0] > 0) == (points[:, 1] > 0)
    texts = np.where(is_same[:, None], [1.0, 0, 0, 0], [0, 1.0, 0, 0])
    texts = unit_rows((texts + 0.05 * rng.normal(size=(count, 4))).astype(np.float32))
    rows = points.astype(np.float32)
    if views:
        rows = rows[:, None] + 0.05 * rng.normal(size=(count, views, 2)).astype(np.float32)
    return TrainingSet(features={"objects": rows}, texts=texts, item_by_text=np.arange(count)), is_same


def measure_accuracy(towers, held_out, is_same):
    texts = {TEXT_ROLE: np.eye(4, dtype=np.float32)[:2]}
    nearest = (towers.media(held_out.first_views) @ towers.text(texts).T).argmax(axis=1)
    return np.mean((nearest == 0) == is_same)


@pytest.mark.parametrize("views", [0, 3])
def test_a_kernel_finds_what_is_not_linear(views):
    rng = np.random.default_rng(0)
    training_set, _ = make_exclusive_or(rng, 80, views)
    held_out, is_same = make_exclusive_or(rng, 80, views)
    assert measure_accuracy(fit_kernel(training_set), held_out, is_same) > 0.95
    assert measure_accuracy(fit_ridge_tower_pair(training_set), held_out, is_same) < 0.75


def test_no_landmark_is_a_single_item():
    training_set, _ = make_exclusive_or(np.random.default_rng(1), 40)
    layer = fit_kernel(training_set).media.inputs["objects"]
    standard = (training_set.features["objects"] - layer.mean) / layer.scale
    distances = np.linalg.norm(standard[:, None] - layer.centres, axis=2)
    assert len(layer.centres) <= 20 and distances.min() > 1e-4


@pytest.mark.parametrize("fit", [fit_kernel, fit_ridge_tower_pair])
def test_incomplete_items_are_left_out(fit):
    training_set, _ = make_exclusive_or(np.random.default_rng(2), 30)
    rows = training_set.features["objects"].copy()
    rows[20:] = np.nan
    partial = TrainingSet(
        features={"objects": rows}, texts=training_set.texts, item_by_text=training_set.item_by_text
    )
    expected = fit(training_set.select_items(np.arange(20)))
    media = {"objects": training_set.features["objects"]}
    assert np.allclose(fit(partial).media(media), expected.media(media), atol=1e-5)
    rows[:] = np.nan
    with pytest.raises(ValueError, match="no item has rows of objects"):
        fit(partial)
