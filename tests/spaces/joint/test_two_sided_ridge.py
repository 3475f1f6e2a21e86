"""Kernel ridge from media and from texts to what is said of an item."""

import numpy as np
import pytest

from encoders import unit_rows
from spaces.joint import TEXT_ROLE, KernelRidgeConfig, TrainingSet, fit_two_sided_tower_pair
from spaces.joint.ridge import compute_text_targets
from spaces.joint.two_sided_ridge import compute_output_whitening
from spaces.ridge_regression import gaussian_kernel

SINGLE = KernelRidgeConfig(width=1.0, penalty=0.1, min_landmark_items=1)
KINDS, COLUMNS = 6, 16


def make_sets(rng, count, views=0):
    """Items of a few kinds: a picture and a description show the kind plainly, a name in a lot of noise."""
    kinds = np.arange(count) % KINDS
    codes = np.random.default_rng(9).normal(size=(3, KINDS, COLUMNS)).astype(np.float32)
    shape = (count, views, COLUMNS) if views else (count, COLUMNS)
    pictures = codes[0][kinds] if not views else codes[0][kinds][:, None]
    rows = (pictures + 0.3 * rng.normal(size=shape)).astype(np.float32)
    names = unit_rows(codes[1][kinds] + 1.5 * rng.normal(size=(count, COLUMNS)))
    descriptions = unit_rows(codes[2][kinds] + 0.1 * rng.normal(size=(count, COLUMNS)))
    owners = np.arange(count)
    named, described = (
        TrainingSet(features={"objects": rows}, texts=texts, item_by_text=owners)
        for texts in (names, descriptions)
    )
    return named, described, kinds


def fit(named, described, dim=2 * COLUMNS, config=SINGLE, whitening_strength=0.5):
    return fit_two_sided_tower_pair(named, described, config, dim=dim, whitening_strength=whitening_strength)


def project(towers, named):
    return towers.text({TEXT_ROLE: named.sentence_vectors}), towers.media(named.first_views)


def measure_share_of_kind(towers, named, kinds):
    texts, media = project(towers, named)
    return np.mean(kinds[np.argsort(-texts @ media.T, axis=1)[:, :5]] == kinds[:, None])


def test_names_find_more_by_what_descriptions_say():
    rng = np.random.default_rng(0)
    named, described, _ = make_sets(rng, 90)
    held_out, _, kinds = make_sets(rng, 90)
    shares = [measure_share_of_kind(fit(named, extra), held_out, kinds) for extra in (described, None)]
    assert shares[0] > shares[1] + 0.05 and shares[1] > 2 / KINDS


@pytest.mark.parametrize("views", [0, 3])
def test_both_towers_are_the_textbook_s_kernel_ridge(views):
    """All directions kept and none whitened: cosines are those of (K + penalty)^-1, to rounding."""
    named, described, _ = make_sets(np.random.default_rng(1), 30, views)
    found = [rows @ rows.T for rows in project(fit(named, described, whitening_strength=0.0), named)]
    items = np.arange(30)
    parts = [compute_text_targets(texts, items, 0.0).targets for texts in (named, described)]
    targets = np.concatenate([rows - rows.mean(axis=0) for rows in parts], axis=1)
    versions = named.features["objects"].reshape(30, -1, COLUMNS)
    expected = [
        solve(named.sentence_vectors[:, None], targets),
        solve(versions, targets),
    ]
    for cosines, outputs in zip(found, expected, strict=True):
        rows = unit_rows(outputs)
        assert np.allclose(cosines, rows @ rows.T, atol=2e-3)


def solve(versions, targets):
    """Outputs of weighted kernel ridge for the first version (n, v, d) of each item."""
    _, views, columns = versions.shape
    mean, scale = versions[:, 0].mean(axis=0), versions[:, 0].std(axis=0)
    standard = ((versions - mean) / scale).astype(np.float64)
    first, stacked = standard[:, 0], standard.reshape(-1, columns)
    kernel, rows = (gaussian_kernel(x, first, SINGLE.width / columns) for x in (first, stacked))
    system = rows.T @ rows / views + SINGLE.penalty * kernel
    wanted = rows.T @ np.repeat(targets, views, axis=0) / views
    return (kernel @ np.linalg.solve(system, wanted)).astype(np.float32)


def test_every_text_counts_alike():
    """The same descriptions twice weigh as twice as many texts do: root 2 in length."""
    named, described, _ = make_sets(np.random.default_rng(2), 40)
    twice = TrainingSet(
        features=described.features,
        texts=np.repeat(described.sentence_vectors, 2, axis=0),
        item_by_text=np.repeat(described.item_by_text, 2),
    )
    once, double, none = (
        project(fit(named, extra, whitening_strength=0.0), named)[1] for extra in (described, twice, None)
    )
    cosines = [rows @ rows.T for rows in (once, double, none)]
    assert np.abs(cosines[1] - cosines[2]).mean() > np.abs(cosines[0] - cosines[2]).mean()


def test_outputs_are_whitened_in_part():
    rows = np.random.default_rng(3).normal(size=(4000, 5)).astype(np.float32) * [8, 4, 2, 1, 0.5]
    spreads = [
        np.linalg.norm(rows @ compute_output_whitening(rows, 3, strength), axis=0)[::-1]
        for strength in (0.0, 0.5, 1.0)
    ]
    ratios = [spread[0] / spread[-1] for spread in spreads]
    assert all(spread.shape == (3,) for spread in spreads)
    assert ratios[0] == pytest.approx(4, rel=0.1) and ratios[0] > ratios[1] > ratios[2] > 1


def test_dim_is_the_width_of_both_towers():
    named, described, _ = make_sets(np.random.default_rng(4), 30)
    texts, media = project(fit(named, described, dim=7), named)
    assert texts.shape == media.shape == (30, 7)


def test_incomplete_items_and_their_texts_are_left_out():
    named, described, _ = make_sets(np.random.default_rng(5), 30)
    rows = named.features["objects"].copy()
    rows[20:] = np.nan
    partial = [
        TrainingSet(features={"objects": rows}, texts=texts.texts, item_by_text=texts.item_by_text)
        for texts in (named, described)
    ]
    few = [texts.select_items(np.arange(20)) for texts in (named, described)]
    found, expected = (
        np.matmul(*[side if at == 0 else side.T for at, side in enumerate(project(fit(*sets), few[0]))])
        for sets in (partial, few)
    )
    assert np.allclose(found, expected, atol=1e-4)
    rows[:] = np.nan
    with pytest.raises(ValueError, match="no item has rows of objects"):
        fit(*partial)
