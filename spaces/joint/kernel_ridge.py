"""Kernel ridge regression from media to words, on landmarks that are averages, so that no item is kept.

Kernel ridge (Saunders, Gammerman & Vovk 1998) with a Gaussian kernel, its solution held to the span of fewer
centres than items (Williams & Seeger 2001, "Using the Nyström method to speed up kernel machines"; the
projected form is the subset of regressors of Smola & Bartlett 2001). Targets lie among whitened sentence
vectors (ZCA: Kessy, Lewin & Strimmer 2018), in which words that share most of their meaning come apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, is_missing_row
from spaces.joint.space import TEXT_ROLE, KernelInput, LinearInput, Tower, TowerPair, gaussian_kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SD_EPSILON = 1e-6  # standard deviation of a column, so that one that never changes divides nothing by zero
JITTER = 1e-10  # of the kernel's diagonal: landmarks may nearly coincide


@dataclass(frozen=True, kw_only=True)
class KernelRidgeConfig:
    """How to fit.

    width:     the kernel is exp(-width / d * ||x - y||^2) of d standardised columns
    penalty:   of the ridge
    min_landmark_items: how many items a landmark averages at the least
    class_balance: a class of n items weighs n^(1 - balance)
    out_of_domain_weight: how much of the words' scatter comes from words of something else
    shrinkage: added to the scatter's eigenvalues, as a multiple of 1 / columns
    """

    width: float = 0.5
    penalty: float = 0.1
    min_landmark_items: int = 3
    class_balance: float = 0.5
    out_of_domain_weight: float = 0.25
    shrinkage: float = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class TextProjection:
    """How sentence vectors are read: unit, less the centre, times the map. `prompt_rows` are those of the
    prompts.

    centre: (d,) half-way between the prompts' mean and the strangers'
    matrix: (d, d) symmetric
    prompt_rows: (prompts, d) as they come out, not of unit length
    """

    centre: Floats
    matrix: Floats
    prompt_rows: Floats


def fit_text_projection(prompts: Rows, out_of_domain: Rows, config: KernelRidgeConfig) -> TextProjection:
    """From sentence vectors of prompts (m, d) and of words about something else (n, d)."""
    known, other = unit_rows_float64(prompts), unit_rows_float64(out_of_domain)
    centre = (known.mean(axis=0) + other.mean(axis=0)) / 2
    known, other = unit_rows_float64(known - centre), unit_rows_float64(other - centre)
    scatter = known.T @ known / len(known) + config.out_of_domain_weight * other.T @ other / len(other)
    whiten = compute_whitening(scatter, config.shrinkage / len(centre))
    return TextProjection(centre=centre, matrix=whiten, prompt_rows=known @ whiten)


def compute_whitening(scatter: Floats, floor: float, strength: float = 1.0) -> Floats:
    """(scatter + floor)^(-share / 2) of a symmetric matrix (d, d): whitening that turns the least it can.

    strength: how far directions are evened out; 0 leaves them, 1 makes all alike
    """
    values, vectors = np.linalg.eigh(scatter)
    return np.asarray((vectors * (np.maximum(values, 0) + floor) ** (-strength / 2)) @ vectors.T)


def compute_targets(matches: npt.ArrayLike, text_projection: TextProjection) -> Floats:
    """(items, d) unit rows: the mean of the prompts each matches, the rarer ones weighing more.

    matches: (items, prompts) in [0, 1]
    """
    degrees = np.asarray(matches, np.float64)
    return unit_rows_float64(degrees / np.maximum(degrees.sum(axis=0), 1) @ text_projection.prompt_rows)


def fit_kernel_tower_pair(
    features: Rows,
    role: str,
    classes: Sequence[str],
    targets: Floats,
    text_projection: TextProjection,
    config: KernelRidgeConfig,
    *,
    augmented_features: Rows | None = None,
    sources: Sequence[str] | None = None,
) -> TowerPair:
    """A member whose media tower is kernel ridge on landmarks and whose words lie where `text_projection`
    puts them.

    features: (items, d) raw rows; the missing ones are left out
    classes: (items,) the class of each: classes weigh more alike than their sizes, landmarks average within
    targets: (items, k) unit rows, see `targets`
    augmented_features: (items, count, d) raw rows of altered versions, to learn from beside the items
        themselves: they share its weight, and are in no landmark
    sources: (items,) what each was cut from; one item of each goes into landmarks, lest copies be one

    Raises ValueError where no item has a row.
    """
    kept = np.flatnonzero(~is_missing_row(features))
    if not len(kept):
        raise ValueError(f"no item has a row of {role}")
    rows, names = features[kept].astype(np.float64), np.asarray(classes)[kept]
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + SD_EPSILON
    distinct = np.arange(len(kept)) if sources is None else _find_first_of_each(np.asarray(sources)[kept])
    centres = compute_landmarks(((rows - mean) / scale)[distinct], names[distinct], config.min_landmark_items)
    versions = (
        rows[:, None]
        if augmented_features is None
        else np.concatenate([rows[:, None], augmented_features[kept]], axis=1)
    )
    gamma = config.width / rows.shape[1]
    heard = ~np.isnan(versions).any(axis=2)
    owner = np.nonzero(heard)[0]
    weight = solve_kernel_ridge(
        (versions[heard] - mean) / scale,
        centres,
        targets[kept][owner],
        gamma=gamma,
        penalty=config.penalty,
        weights=(compute_class_weights(names, config.class_balance) / heard.sum(axis=1))[owner],
    )
    nothing = np.zeros(weight.shape[1], np.float32)
    listens = KernelInput(
        mean=to_float32(mean),
        scale=to_float32(scale),
        centres=to_float32(centres),
        gamma=gamma,
        weight=to_float32(weight),
        absent=nothing,
    )
    return TowerPair(
        media=Tower(inputs={role: listens}, bias=nothing),
        text=make_text_tower(text_projection.centre, text_projection.matrix),
    )


def make_text_tower(centre: Floats, matrix: Floats) -> Tower:
    """Unit sentence vectors (n, d) less the centre (d,), times the map (d, k)."""
    nothing = np.zeros(matrix.shape[1], np.float32)
    words = LinearInput(
        mean=to_float32(centre),
        scale=np.ones(len(centre), np.float32),
        weight=to_float32(matrix),
        absent=nothing,
    )
    return Tower(inputs={TEXT_ROLE: words}, bias=nothing)


def solve_kernel_ridge(
    rows: Floats, centres: Floats, targets: Floats, *, gamma: float, penalty: float, weights: Floats
) -> Floats:
    """(m, k) weights A of the kernel's values at centres (m, d), from rows (n, d) to wanted (n, k).

    They make the sum of weights * ||K(rows, centres) A - wanted||^2 + penalty * trace(A' K(centres) A) least.
    With the rows as centres this is (K + penalty * diag(1 / weights))^-1 wanted, the whole kernel ridge.
    """
    return solve_landmark_ridge(
        gaussian_kernel(rows, centres, gamma),
        gaussian_kernel(centres, centres, gamma),
        targets,
        penalty,
        weights,
    )


def solve_landmark_ridge(
    row_kernel: Floats, landmark_kernel: Floats, targets: Floats, penalty: float, weights: Floats
) -> Floats:
    """(m, k) as `kernel_ridge`, from values of any kernel: of rows (n, m) and among the centres (m, m)."""
    weighted = row_kernel.T * weights
    system = weighted @ row_kernel + penalty * landmark_kernel
    system[np.diag_indices(len(system))] += JITTER * np.trace(system) / len(system)
    return np.asarray(np.linalg.solve(system, weighted @ targets))


def compute_landmarks(rows: Floats, classes: npt.ArrayLike, min_items: int) -> Floats:
    """(m, d) means of `min_items` to 2 * least - 1 rows (n, d) of one class that lie close together.

    Each class is halved along its first principal axis, and the halves again (Verma, Kpotufe & Dasgupta 2009,
    "Which spatial partition trees are adaptive to intrinsic dimension?"). A class with fewer rows is one.
    """
    names = np.asarray(classes)
    parts = [
        part
        for name in np.unique(names)
        for part in _split_cluster(rows, np.flatnonzero(names == name), min_items)
    ]
    return np.stack([rows[part].mean(axis=0) for part in parts])


def compute_class_weights(classes: npt.ArrayLike, balance: float) -> Floats:
    """(n,) (size of the class / mean size)^-balance."""
    _, number, sizes = np.unique(np.asarray(classes), return_inverse=True, return_counts=True)
    return np.asarray((sizes[number] / sizes.mean()) ** -balance, np.float64)


def unit_rows_float64(rows: npt.ArrayLike) -> Floats:
    """(n, d) float64 rows of length 1; those that are all zero stay so."""
    found = np.asarray(rows, np.float64)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def to_float32(rows: Floats) -> Rows:
    """As float32."""
    return np.asarray(rows, np.float32)


def _find_first_of_each(names: npt.NDArray[np.str_]) -> Ints:
    return np.sort(np.unique(names, return_index=True)[1])


def _split_cluster(rows: Floats, row_indices: Ints, min_items: int) -> list[Ints]:
    if len(row_indices) < 2 * min_items:
        return [row_indices]
    centred = rows[row_indices] - rows[row_indices].mean(axis=0)
    inner = centred @ centred.T  # its first eigenvector holds the rows' places on the first principal axis
    order = np.argsort(np.linalg.eigh(inner)[1][:, -1], kind="stable")
    half = len(row_indices) // 2
    return [
        one
        for side in (order[:half], order[half:])
        for one in _split_cluster(rows, row_indices[side], min_items)
    ]
