"""Losses on the mood plane: rows of (valence, arousal), or any other scales, (n, d)."""

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
    """() sum over segments of agree |a2 - i2|^2 + keep_audio |f1(a1) - a2|^2 + keep_image |f2(i1) - i2|^2.

    `audio` a2 and `image` i2 (n, d) are the new values of one segment each, `audio_origin` f1(a1) and
    `image_origin` f2(i1) (n, d) the old ones through their learnt, non-linear maps. Without the last two
    terms all values would run together into one point (circumplex report, section 9.2). If f1 and f2 are
    learnt without bound they can run there as well: watch the spread of a2.

    Raises ValueError for tensors that are not of one shape (n, d) or a negative weight.
    """
    points = (audio, image, audio_origin, image_origin)
    if audio.ndim != 2 or len({one.shape for one in points}) != 1:
        raise ValueError(f"points must be of one shape (n, d): {[tuple(one.shape) for one in points]}")
    if min(agreement_weight, audio_weight, image_weight) < 0:
        raise ValueError(f"weights must be >= 0: {agreement_weight}, {audio_weight}, {image_weight}")
    cost = (
        agreement_weight * (audio - image).square().sum(1)
        + audio_weight * (audio_origin - audio).square().sum(1)
        + image_weight * (image_origin - image).square().sum(1)
    )  # (n,)
    return cost.sum() if reduction == "sum" else cost.mean()


def concordance(predictions: Tensor, targets: Tensor) -> Tensor:
    """(d,) CCC of each column of two (n, d): 2 cov / (var_x + var_y + (mean_x - mean_y)^2) (Lin 1989).

    Population variance. Where both columns are one constant the ratio is 0 / 0; it is told as 0, with
    gradient 0. Raises ValueError unless both are of one shape (n, d) with n >= 1.
    """
    if predictions.ndim != 2 or predictions.shape != targets.shape or len(predictions) == 0:
        raise ValueError(
            f"CCC needs two of one shape (n, d): {tuple(predictions.shape)}, {tuple(targets.shape)}"
        )
    x, y = predictions - predictions.mean(0), targets - targets.mean(0)  # (n, d)
    above = 2 * (x * y).mean(0)  # (d,)
    below = x.square().mean(0) + y.square().mean(0) + (predictions.mean(0) - targets.mean(0)).square()
    empty = (predictions == targets[0]).all(0) & (targets == targets[0]).all(0)  # (d,)
    return torch.where(empty, 0, above / torch.where(empty, 1, below))


def ccc_loss(predictions: Tensor, targets: Tensor) -> Tensor:
    """(d,) 1 - CCC of each dimension of (n, d): 0 for agreement, 1 for none, 2 at worst; as `concordance`."""
    return 1 - concordance(predictions, targets)
