"""Every method of alignment by name: a new one is one row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy.typing as npt

from spaces.alignment import linear, procrustes
from spaces.alignment.alignment_method import AlignmentMethod
from spaces.alignment.steps import AlignmentMap

CLOSED_FORM_METHODS = (
    AlignmentMethod(
        name="identity", kind="none", fit_one=procrustes.fit_identity, needs_equal_widths=True,
        description="coordinates as they are",
    ),
    AlignmentMethod(
        name="z-score", kind="none", fit_one=procrustes.fit_z_score, needs_equal_widths=True,
        description="mean and SD of each axis",
    ),
    AlignmentMethod(
        name="rotation", kind="linear", fit_one=partial(procrustes.fit_orthogonal, allow_reflection=False),
        needs_equal_widths=True, description="orthogonal Procrustes without reflection",
    ),
    AlignmentMethod(
        name="orthogonal", kind="linear", fit_one=procrustes.fit_orthogonal, needs_equal_widths=True,
        description="orthogonal Procrustes, scipy.linalg.orthogonal_procrustes",
    ),
    AlignmentMethod(
        name="similarity", kind="linear", fit_one=partial(procrustes.fit_similarity, allow_reflection=False),
        needs_equal_widths=True, restores_scale=True,
        description="shift, scale and rotation without reflection",
    ),
    AlignmentMethod(
        name="procrustes", kind="linear", fit_one=procrustes.fit_similarity, needs_equal_widths=True,
        restores_scale=True,
        description="scipy.spatial.procrustes carried to new points: shift, scale, rotation or reflection",
    ),
    AlignmentMethod(
        name="affine", kind="linear", fit_one=linear.fit_affine, restores_scale=True,
        description="least squares",
    ),
    AlignmentMethod(
        name="ridge", kind="linear", fit_one=linear.fit_ridge, restores_scale=True,
        description="least squares with a penalty",
    ),
    AlignmentMethod(name="CCA", kind="linear", fit_one=linear.fit_cca, description="canonical correlation"),
    AlignmentMethod(
        name="PLS", kind="linear", fit_one=linear.fit_pls, restores_scale=True,
        description="partial least squares",
    ),
    AlignmentMethod(
        name="kernel ridge", kind="curved", fit_one=linear.fit_kernel_ridge,
        fit_batch=linear.fit_kernel_ridges, restores_scale=True, description="ridge in a Gaussian kernel",
    ),
)  # fmt: skip
"""In the order of a report."""


def make_closed_form_methods() -> dict[str, AlignmentMethod]:
    """The methods with a solution in closed form, by name."""
    return {method.name: method for method in CLOSED_FORM_METHODS}


def make_learned_methods(loss: Callable[..., Any]) -> dict[str, AlignmentMethod]:
    """The methods trained by gradient descent.

    loss: of the joint mapping, from a2, i2, f1(a1), f2(i1) to their mean loss, see `JointLoss`
    """

    def fit_mapping(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        return fit_mappings([source], [target], seed=seed)[0]

    def fit_mappings(
        sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[AlignmentMap]:
        from spaces.alignment.learned import fit_joint_mappings

        return [joint.mapping for joint in fit_joint_mappings(sources, targets, loss=loss, seed=seed)]

    def fit_mlp(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        return fit_mlps([source], [target], seed=seed)[0]

    def fit_mlps(
        sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[AlignmentMap]:
        from spaces.alignment.learned import fit_networks

        return fit_networks(sources, targets, seed=seed)

    rows = [
        AlignmentMethod(
            name="learned mapping", kind="curved", fit_one=fit_mapping, fit_batch=fit_mappings,
            description="both models learnt again, the report's section 9.2",
        ),
        AlignmentMethod(
            name="MLP", kind="curved", restores_scale=True, fit_one=fit_mlp, fit_batch=fit_mlps,
            description="one hidden layer, least squares",
        ),
    ]  # fmt: skip
    return {row.name: row for row in rows}
