"""Losses on the valence-arousal plane, or on points (n, d) of any other scales."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


def mapping_loss(
    audio: Tensor,
    image: Tensor,
    audio_origin: Tensor,
    image_origin: Tensor,
    *,
    agreement_weight: float = 1.0,
    audio_weight: float = 1.0,
    image_weight: float = 1.0,
    reduction: Literal["sum", "mean"] = "sum",
) -> Tensor:
    """() weighted sum over segments of |a2 - i2|^2 (agreement), |f1(a1) - a2|^2 and |f2(i1) - i2|^2.

    `audio` a2 and `image` i2 (n, d) are the new predictions for each segment, `audio_origin` f1(a1) and
    `image_origin` f2(i1) (n, d) the old ones through trained, non-linear maps. Without the last two terms all
    predictions collapse into one point (circumplex report, section 9.2). With unbounded f1 and f2 they can
    still collapse, which the standard deviation of a2 shows.

    Raises ValueError for tensors that are not of one shape (n, d) or a negative weight.
    """
    points = (audio, image, audio_origin, image_origin)
    if audio.ndim != 2 or len({rows.shape for rows in points}) != 1:
        raise ValueError(f"points must be of one shape (n, d): {[tuple(rows.shape) for rows in points]}")
    if min(agreement_weight, audio_weight, image_weight) < 0:
        raise ValueError(f"weights must be >= 0: {agreement_weight}, {audio_weight}, {image_weight}")
    losses = (
        agreement_weight * (audio - image).square().sum(1)
        + audio_weight * (audio_origin - audio).square().sum(1)
        + image_weight * (image_origin - image).square().sum(1)
    )  # (n,)
    return losses.sum() if reduction == "sum" else losses.mean()


def concordance(predictions: Tensor, targets: Tensor) -> Tensor:
    """(d,) CCC of each column of two (n, d): 2 cov / (var_x + var_y + (mean_x - mean_y)^2) (Lin 1989).

    Population variance. Where both columns are one constant the ratio is 0 / 0; the result is 0, with
    gradient 0. Raises ValueError unless both are of one shape (n, d) with n >= 1.
    """
    if predictions.ndim != 2 or predictions.shape != targets.shape or len(predictions) == 0:
        raise ValueError(
            f"CCC needs two of one shape (n, d): {tuple(predictions.shape)}, {tuple(targets.shape)}"
        )
    x, y = predictions - predictions.mean(0), targets - targets.mean(0)  # (n, d)
    numerator = 2 * (x * y).mean(0)  # (d,)
    denominator = x.square().mean(0) + y.square().mean(0) + (predictions.mean(0) - targets.mean(0)).square()
    is_constant = (predictions == targets[0]).all(0) & (targets == targets[0]).all(0)  # (d,)
    return torch.where(is_constant, 0, numerator / torch.where(is_constant, 1, denominator))


def ccc_loss(predictions: Tensor, targets: Tensor) -> Tensor:
    """(d,) 1 - CCC of each dimension of (n, d): 0 for agreement, 1 for none, 2 at worst; as `concordance`."""
    return 1 - concordance(predictions, targets)
