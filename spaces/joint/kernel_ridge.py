"""A pair of towers by kernel ridge regression from media to texts, on landmarks that are means of items.

Kernel ridge (Saunders, Gammerman & Vovk 1998) with a Gaussian kernel, its solution restricted to the span of
fewer centres than items (Williams & Seeger 2001, "Using the Nyström method to speed up kernel machines"; the
projected form is the subset of regressors of Smola & Bartlett 2001). The weights contain no single item.
Targets are whitened sentence vectors (ZCA: Kessy, Lewin & Strimmer 2018), which separates texts that share
most of their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from spaces.joint.space import TEXT_ROLE, KernelInput, LinearInput, Tower, TowerPair
from spaces.ridge_regression import solve_kernel_ridge
from spaces.standardisation import compute_mean_and_scale

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SD_EPSILON = 1e-6  # added to the standard deviation of every column, against division by zero


@dataclass(frozen=True, kw_only=True)
class KernelRidgeConfig:
    """Parameters of the fit.

    width:                the kernel is exp(-width / d * ||x - y||^2) of d standardised columns
    penalty:              of the ridge
    min_landmark_items:   least number of items that a landmark averages
    class_balance:        a class of n items weighs n^(1 - balance)
    out_of_domain_weight: weight of out-of-domain texts in the texts' scatter
    shrinkage:            added to the scatter's eigenvalues, as a multiple of 1 / columns
    """

    width: float = 0.5
    penalty: float = 0.1
    min_landmark_items: int = 3
    class_balance: float = 0.5
    out_of_domain_weight: float = 0.25
    shrinkage: float = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class TextProjection:
    """The projection of sentence vectors: unit length, less the centre, times the matrix.

    centre:      (d,) half-way between the mean of the prompts and that of the out-of-domain texts
    matrix:      (d, d) symmetric
    prompt_rows: (prompts, d) the prompts projected, not of unit length
    """

    centre: Floats
    matrix: Floats
    prompt_rows: Floats


def fit_text_projection(prompts: Rows, out_of_domain: Rows, config: KernelRidgeConfig) -> TextProjection:
    """Whiten sentence vectors by those of prompts (m, d) and of out-of-domain texts (n, d)."""
    inside, outside = unit_rows_float64(prompts), unit_rows_float64(out_of_domain)
    centre = (inside.mean(axis=0) + outside.mean(axis=0)) / 2
    inside, outside = unit_rows_float64(inside - centre), unit_rows_float64(outside - centre)
    scatter = inside.T @ inside / len(inside) + config.out_of_domain_weight * outside.T @ outside / len(
        outside
    )
    whitening = compute_whitening(scatter, config.shrinkage / len(centre))
    return TextProjection(centre=centre, matrix=whitening, prompt_rows=inside @ whitening)


def compute_whitening(scatter: Floats, floor: float, strength: float = 1.0) -> Floats:
    """(scatter + floor)^(-strength / 2) of a symmetric matrix (d, d): ZCA, the whitening that rotates least.

    strength: 0 leaves directions as they are, 1 makes all alike
    """
    values, vectors = np.linalg.eigh(scatter)
    return np.asarray((vectors * (np.maximum(values, 0) + floor) ** (-strength / 2)) @ vectors.T)


def compute_targets(matches: npt.ArrayLike, text_projection: TextProjection) -> Floats:
    """(items, d) unit rows: the mean of each item's matching prompts, rarer prompts weighing more.

    matches: (items, prompts) in [0, 1]
    """
    degrees = np.asarray(matches, np.float64)
    return unit_rows_float64(degrees / np.maximum(degrees.sum(axis=0), 1) @ text_projection.prompt_rows)


def fit_kernel_tower_pair(
    features: Rows, role: str, classes: Sequence[str], targets: Floats, text_projection: TextProjection,
    config: KernelRidgeConfig, *, augmented_features: Rows | None = None,
    sources: Sequence[str] | None = None,
) -> TowerPair:  # fmt: skip
    """A tower pair whose media tower is kernel ridge on landmarks and whose text tower is `text_projection`.

    features: (items, d) raw rows; missing ones are left out
    classes:  (items,) the class of each: weights by `config.class_balance`, landmarks average within a class
    targets:  (items, k) unit rows, see `compute_targets`
    augmented_features: (items, count, d) raw rows of augmented versions, which share the weight of their item
        and are in no landmark
    sources:  (items,) the file each was cut from; one item of each goes into landmarks, so that no landmark
        averages copies

    Raises ValueError where no item has a row.
    """
    items = np.flatnonzero(~is_missing_row(features))
    if not len(items):
        raise ValueError(f"no item has a row of {role}")
    rows, names = features[items].astype(np.float64), np.asarray(classes)[items]
    mean, scale = compute_mean_and_scale(rows, added_sd=SD_EPSILON)
    distinct = np.arange(len(items)) if sources is None else _find_first_of_each(np.asarray(sources)[items])
    centres = compute_landmarks(((rows - mean) / scale)[distinct], names[distinct], config.min_landmark_items)
    versions = rows[:, None]
    if augmented_features is not None:
        versions = np.concatenate([versions, augmented_features[items]], axis=1)
    gamma = config.width / rows.shape[1]
    is_present = ~np.isnan(versions).any(axis=2)
    owner = np.nonzero(is_present)[0]
    weight = solve_kernel_ridge(
        (versions[is_present] - mean) / scale, centres, targets[items][owner], gamma=gamma,
        penalty=config.penalty,
        weights=(compute_class_weights(names, config.class_balance) / is_present.sum(axis=1))[owner],
    )  # fmt: skip
    media = _make_kernel_tower(role, mean, scale, centres, gamma, weight)
    return TowerPair(media=media, text=make_text_tower(text_projection.centre, text_projection.matrix))


def _make_kernel_tower(
    role: str, mean: Floats, scale: Floats, centres: Floats, gamma: float, weight: Floats
) -> Tower:
    zeros = np.zeros(weight.shape[1], np.float32)
    layer = KernelInput(
        mean=to_float32(mean), scale=to_float32(scale), centres=to_float32(centres), gamma=gamma,
        weight=to_float32(weight), absent=zeros,
    )  # fmt: skip
    return Tower(inputs={role: layer}, bias=zeros)


def make_text_tower(centre: Floats, matrix: Floats) -> Tower:
    """A tower of unit sentence vectors (n, d) less the centre (d,), times the matrix (d, k)."""
    zeros = np.zeros(matrix.shape[1], np.float32)
    layer = LinearInput(
        mean=to_float32(centre),
        scale=np.ones(len(centre), np.float32),
        weight=to_float32(matrix),
        absent=zeros,
    )
    return Tower(inputs={TEXT_ROLE: layer}, bias=zeros)


def compute_landmarks(rows: Floats, classes: npt.ArrayLike, min_items: int) -> Floats:
    """(m, d) means of `min_items` to 2 * min_items - 1 nearby rows (n, d) of one class.

    Each class is halved along its first principal axis, and the halves again (Verma, Kpotufe & Dasgupta 2009,
    "Which spatial partition trees are adaptive to intrinsic dimension?"). A class with fewer rows gives one.
    """
    names = np.asarray(classes)
    clusters = [
        cluster
        for name in np.unique(names)
        for cluster in _split_cluster(rows, np.flatnonzero(names == name), min_items)
    ]
    return np.stack([rows[cluster].mean(axis=0) for cluster in clusters])


def compute_class_weights(classes: npt.ArrayLike, balance: float) -> Floats:
    """(n,) (size of the class / mean size)^-balance."""
    _, number, sizes = np.unique(np.asarray(classes), return_inverse=True, return_counts=True)
    return np.asarray((sizes[number] / sizes.mean()) ** -balance, np.float64)


def unit_rows_float64(rows: npt.ArrayLike) -> Floats:
    """(n, d) float64 rows of length 1; rows of zeros stay so."""
    values = np.asarray(rows, np.float64)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


def to_float32(rows: Floats) -> Rows:
    """As float32."""
    return np.asarray(rows, np.float32)


def _find_first_of_each(names: npt.NDArray[np.str_]) -> Ints:
    return np.sort(np.unique(names, return_index=True)[1])


def _split_cluster(rows: Floats, row_indices: Ints, min_items: int) -> list[Ints]:
    if len(row_indices) < 2 * min_items:
        return [row_indices]
    centred = rows[row_indices] - rows[row_indices].mean(axis=0)
    gram = centred @ centred.T  # its first eigenvector orders the rows along the first principal axis
    order = np.argsort(np.linalg.eigh(gram)[1][:, -1], kind="stable")
    half = len(row_indices) // 2
    return [
        cluster
        for side in (order[:half], order[half:])
        for cluster in _split_cluster(rows, row_indices[side], min_items)
    ]
