"""A pair of towers by kernel ridge on both sides: media and texts are mapped to what is said of an item.

An item's target is all that is said of it, descriptions included, which are known in training alone (learning
using privileged information, Vapnik & Vashist 2009). Texts that say the same in other words come to the same
place, and what pictures tell of a description, such as the equipment, counts although a name leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from encoders import Rows, unit_rows
from spaces.joint.kernel_ridge import KernelRidgeConfig, fit_kernel_tower, to_float32
from spaces.joint.ridge import SCATTER_SHRINKAGE, compute_text_targets, find_complete_items
from spaces.joint.space import TEXT_ROLE, Tower, TowerPair
from spaces.joint.training_set import TrainingSet

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def fit_two_sided_tower_pair(
    training_set: TrainingSet, described_set: TrainingSet | None, config: KernelRidgeConfig, *,
    dim: int, whitening_strength: float,
) -> TowerPair:  # fmt: skip
    """Kernel ridge from media and from texts to the same targets, and the leading directions of its outputs.

    described_set: the same items with their descriptions as texts, None without any
    dim:           directions that are kept; cosines are in these
    whitening_strength: of the texts that targets are means of, and of the outputs: ridge shrinks most what is
        hardest to tell from media, and whitening gives some of it back

    Items that lack a role or a text are left out. Raises ValueError where no item is complete.
    """
    items = find_complete_items(training_set)
    sets = [training_set, *([described_set] if described_set else [])]
    targets = _compute_joint_targets(sets, items, whitening_strength)
    first_views = {role: rows[items] for role, rows in training_set.first_views.items()}
    media = fit_kernel_tower(
        first_views,
        [""] * len(items),
        targets,
        config,
        augmented_features=_list_further_views(training_set, items),
    )
    text = _fit_text_tower(training_set, items, targets, config)
    matrix = compute_output_whitening(media.project_raw(first_views), dim, whitening_strength)
    return TowerPair(media=_project_outputs(media, matrix), text=_project_outputs(text, matrix))


def _compute_joint_targets(sets: Sequence[TrainingSet], items: Ints, whitening_strength: float) -> Floats:
    """(items, k) the targets of each set side by side, centred.

    A set weighs the root of its texts per item, so that every text counts alike in a squared distance.
    """
    parts = []
    for texts in sets:
        weight = np.sqrt(np.isin(texts.item_by_text, items).sum() / len(items))
        rows = compute_text_targets(texts, items, whitening_strength).targets
        parts.append(weight * (rows - rows.mean(axis=0)))
    return np.concatenate(parts, axis=1)


def _list_further_views(training_set: TrainingSet, items: Ints) -> dict[str, Rows] | None:
    """By role (items, views - 1, d), None where items have one view."""
    views = {role: rows[items, 1:] for role, rows in training_set.features.items() if rows.ndim == 3}
    return views or None


def _fit_text_tower(
    training_set: TrainingSet, items: Ints, targets: Floats, config: KernelRidgeConfig
) -> Tower:
    """From every text of these items to the target (items, k) of its item."""
    target_index = np.full(training_set.item_count, -1)
    target_index[items] = np.arange(len(items))
    owners = target_index[training_set.item_by_text]
    texts = np.flatnonzero(owners >= 0)
    rows = {TEXT_ROLE: unit_rows(training_set.sentence_vectors[texts])}
    return fit_kernel_tower(rows, [""] * len(texts), targets[owners[texts]], config)


def compute_output_whitening(outputs: Rows, dim: int, strength: float) -> Floats:
    """(k, dim) projection of outputs (n, k) to their leading directions, these whitened in part.

    strength: 0 leaves the directions' spread as it is, 1 makes all alike
    """
    scatter = outputs.T.astype(np.float64) @ outputs / len(outputs)
    values, vectors = np.linalg.eigh(scatter)
    floor = SCATTER_SHRINKAGE * values.mean()
    return np.asarray(vectors[:, -dim:] * (np.maximum(values[-dim:], 0) + floor) ** (-strength / 2))


def _project_outputs(tower: Tower, matrix: Floats) -> Tower:
    """The tower with its outputs (n, k) times the matrix (k, dim)."""
    inputs = {
        role: replace(
            layer, weight=to_float32(layer.weight @ matrix), absent=to_float32(layer.absent @ matrix)
        )
        for role, layer in tower.inputs.items()
    }
    return Tower(inputs=inputs, bias=to_float32(tower.bias @ matrix))
