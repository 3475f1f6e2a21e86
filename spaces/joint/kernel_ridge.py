"""A pair of towers by kernel ridge regression from media to texts, on landmarks that are means of items.

Kernel ridge (Saunders, Gammerman & Vovk 1998) with a Gaussian kernel, its solution restricted to the span of
fewer centres than items (Williams & Seeger 2001, "Using the Nyström method to speed up kernel machines"; the
projected form is the subset of regressors of Smola & Bartlett 2001). Landmarks of several items keep single
ones out of the weights. Targets are whitened sentence vectors (ZCA: Kessy, Lewin & Strimmer 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from spaces.base import Features
from spaces.joint.landmarks import compute_role_landmarks
from spaces.joint.space import TEXT_ROLE, KernelInput, LinearInput, Tower, TowerPair, signed_power
from spaces.ridge_regression import gaussian_kernel, solve_landmark_ridge
from spaces.standardisation import compute_mean_and_scale

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SD_EPSILON = 1e-6  # added to the standard deviation of every column, against division by zero


@dataclass(frozen=True, kw_only=True)
class KernelRidgeConfig:
    """Parameters of the fit.

    width:                the kernel is exp(-width / d * ||x - y||^2) of d standardised columns of a role
    powers:               by role, signed power of every value before that; 1 for a role that is not given
    penalty:              of the ridge
    min_landmark_items:   least number of items that a landmark averages
    class_balance:        a class of n items weighs n^(1 - balance)
    out_of_domain_weight: weight of out-of-domain texts in the texts' scatter
    shrinkage:            added to the scatter's eigenvalues, as a multiple of 1 / columns
    """

    width: float = 0.5
    powers: Mapping[str, float] = field(default_factory=dict)
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


@dataclass(frozen=True, kw_only=True, eq=False)
class RoleKernel:
    """The Gaussian kernel of one role at its landmarks; the fields are those of `KernelInput`."""

    power: float
    mean: Floats
    scale: Floats
    gamma: float
    centres: Floats

    def evaluate(self, rows: Rows) -> Floats:
        """(n, m) of raw rows (n, d)."""
        standard = (signed_power(rows, self.power).astype(np.float64) - self.mean) / self.scale
        return gaussian_kernel(standard, self.centres, self.gamma)

    def evaluate_landmarks(self) -> Floats:
        """(m, m) of the landmarks with each other."""
        return gaussian_kernel(self.centres, self.centres, self.gamma)

    def make_input(self, weight: Floats, rows: Rows) -> KernelInput:
        """With weights (m, h); where the role is missing, the mean output for raw rows (n, d)."""
        return KernelInput(
            mean=to_float32(self.mean), scale=to_float32(self.scale), centres=to_float32(self.centres),
            gamma=self.gamma, weight=to_float32(weight), power=self.power,
            absent=to_float32(self.evaluate(rows).mean(axis=0) @ weight),
        )  # fmt: skip


def solve_role_kernels(
    kernels: Mapping[str, RoleKernel], features: Features, targets: Floats, penalty: float, weights: Floats
) -> Floats:
    """(m, k) weights of each role's kernel values, whose outputs are added up: kernel ridge in their mean.

    features: (n, d) raw rows by role; targets (n, k); weights (n,); see `solve_landmark_ridge`
    """
    solution = solve_landmark_ridge(
        np.mean([kernel.evaluate(features[role]) for role, kernel in kernels.items()], axis=0),
        np.mean([kernel.evaluate_landmarks() for kernel in kernels.values()], axis=0),
        targets,
        penalty,
        weights,
    )
    return solution / len(kernels)


def fit_kernel_tower_pair(
    features: Features, classes: Sequence[str], targets: Floats, text_projection: TextProjection,
    config: KernelRidgeConfig, *, augmented_features: Features | None = None,
    sources: Sequence[str] | None = None,
) -> TowerPair:  # fmt: skip
    """A pair of `fit_kernel_tower`, with the same arguments and errors, and of `text_projection`."""
    media = fit_kernel_tower(
        features, classes, targets, config, augmented_features=augmented_features, sources=sources
    )
    return TowerPair(media=media, text=make_text_tower(text_projection.centre, text_projection.matrix))


def fit_kernel_tower(
    features: Features, classes: Sequence[str], targets: Floats, config: KernelRidgeConfig, *,
    augmented_features: Features | None = None, sources: Sequence[str] | None = None,
) -> Tower:  # fmt: skip
    """A tower by kernel ridge on landmarks.

    The kernel is the mean of a Gaussian kernel of each role (a sum of kernels, Gonen & Alpaydin 2011,
    "Multiple kernel learning algorithms"). Where a role is missing from a library, its mean output for the
    training items stands in its place.

    features: by role, (items, d) raw rows; items of which one is missing are left out
    classes:  (items,) the class of each: weights by `config.class_balance`, landmarks average within a class
    targets:  (items, k)
    augmented_features: by role, (items, count, d) raw rows of augmented versions, which share the weight of
        their item and are in no landmark
    sources:  (items,) the file each was cut from; one item of each goes into landmarks, so that no landmark
        averages copies

    Raises ValueError where no item has rows of every role.
    """
    items = np.flatnonzero(~np.any([is_missing_row(rows) for rows in features.values()], axis=0))
    if not len(items):
        raise ValueError(f"no item has a row of {' and '.join(features)}")
    present = {role: rows[items] for role, rows in features.items()}
    names = np.asarray(classes)[items]
    names_of_sources = np.arange(len(items)) if sources is None else np.asarray(sources)[items]
    distinct = np.sort(np.unique(names_of_sources, return_index=True)[1])
    kernels = _fit_role_kernels(present, names, distinct, config)
    versions, owner = _stack_versions(features, augmented_features, items)
    weight = solve_role_kernels(
        kernels,
        versions,
        targets[items][owner],
        config.penalty,
        (compute_class_weights(names, config.class_balance) / np.bincount(owner))[owner],
    )
    inputs = {role: kernel.make_input(weight, present[role]) for role, kernel in kernels.items()}
    return Tower(inputs=inputs, bias=np.zeros(weight.shape[1], np.float32))


def _fit_role_kernels(
    features: Features, classes: npt.NDArray[np.str_], distinct: Ints, config: KernelRidgeConfig
) -> dict[str, RoleKernel]:
    """Kernels by role of raw rows (n, d), with landmarks that average the items at `distinct`."""
    powers = {role: config.powers.get(role, 1.0) for role in features}
    rooted = {role: signed_power(rows, powers[role]).astype(np.float64) for role, rows in features.items()}
    moments = {role: compute_mean_and_scale(rows, added_sd=SD_EPSILON) for role, rows in rooted.items()}
    standard = {role: (rooted[role][distinct] - mean) / scale for role, (mean, scale) in moments.items()}
    centres = compute_role_landmarks(standard, classes[distinct], config.min_landmark_items)
    return {
        role: RoleKernel(
            power=powers[role], mean=mean, scale=scale, gamma=config.width / len(mean), centres=centres[role]
        )
        for role, (mean, scale) in moments.items()
    }


def _stack_versions(
    features: Features, augmented_features: Features | None, items: Ints
) -> tuple[dict[str, Rows], Ints]:
    """Raw rows (versions, d) by role of items and their augmented versions, and (versions,) whose each is."""
    stacked = {role: rows[items][:, None] for role, rows in features.items()}
    if augmented_features is not None:
        stacked = {
            role: np.concatenate([rows, augmented_features[role][items]], axis=1)
            for role, rows in stacked.items()
        }
    is_present = ~np.any([np.isnan(rows).any(axis=2) for rows in stacked.values()], axis=0)
    return {role: rows[is_present] for role, rows in stacked.items()}, np.nonzero(is_present)[0]


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
