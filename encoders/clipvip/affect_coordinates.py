"""Affect as coordinates of its own beside the content: a form that can't harm a query without emotion.

Wanted is a similarity of a text t and a video v that uses affect on both sides, and
(1) ranks videos by their content alone, to the last one, where the text has no emotion,
(2) is at the start that of the towers without affect, whatever the emotions,
(3) is the cosine of unit rows, so that every index and every tool for rows takes it,
(4) is bounded: affect may outweigh content by no more than content's own range.

A residual added to the features (`emotion_conditioning`, `video_tower.AffectResidual`) violates (1): a unit
row that is moved by its affect has another angle to every text, also to those that say nothing of affect.
Addition in the similarity does not. Let c be the unit content row, e the weights of the text's emotions, h
its end token after the blocks, a the video's affect, and

    x = W e + [e != 0] U h   without a bias,      y = V g(a), zero where a is missing,

    s(t, v) = <c_t, c_v> + <f(x), f(y)>,   f(0) = 0 and |f| < 1.

For e = 0 the second term is 0 for every video: (1). The lexicon behind e so decides whether affect counts;
U h reads in context what it is, since lexicons don't know that "peaceful" is calmer than "cheerful", and take
"a green star" for joy. W and U are zero at the start and V is not: (2), and their gradient is not zero, as it
would be if all were (ReZero, Bachlechner et al. 2021, gates one factor too). The term is a bilinear form of
emotion and affect through a shared space, as of two towers.

For (3) the norms must be equal for all videos and for all texts, though |f| is not. A slack coordinate on
either side, which the other has as 0, takes up the rest (Bachrach et al. 2014; Neyshabur & Srebro 2015:
search by inner product as search by cosine). With f(x) = x / sqrt(1 + |x|^2) it has a closed form:

    text   (c_t, [x, 1, 0] / sqrt(1 + |x|^2)) / sqrt(2)
    video  (c_v, [y, 0, 1] / sqrt(1 + |y|^2)) / sqrt(2)

Both are unit rows, and their cosine is s / 2. The temperature of training has to be half of that of the
content alone for the same start (`AFFECT_LOGIT_SHIFT` on the logit scale). (4): each term is in [-1, 1].
A dial d in [0, 1] between content and mood is, for rows already stored, a weight on the two parts of the
query's row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from encoders.clipvip.config import SLACK_COORDINATES

AFFECT_LOGIT_SHIFT = math.log(2)
"""To be added to a logit scale learnt without coordinates: the cosine is half of content plus affect."""

HIDDEN = 32  # units between a video's affect and its coordinates


def join_affect(features: Tensor, coordinates: Tensor, *, is_text: bool) -> Tensor:
    """Rows (n, dim + k + 2) of content features (n, dim) and affect coordinates (n, k), each part of norm 1.

    Zero coordinates are those of an item without affect: its slack coordinate alone is not 0.
    """
    slack = coordinates.new_zeros(len(coordinates), SLACK_COORDINATES)
    slack[:, 0 if is_text else 1] = 1
    affect = normalize(torch.cat([coordinates, slack], dim=1), dim=1)
    return torch.cat([normalize(features, dim=1), affect.to(features.dtype)], dim=1)


class VideoCoordinates(nn.Module):
    """Coordinates of a video's affect by a network of one hidden layer, joined to its features.

    affect_dim: numbers of affect; 0 where none is known of any video
    """

    def __init__(self, affect_dim: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.network = (
            nn.Sequential(nn.Linear(affect_dim, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, count, bias=False))
            if affect_dim
            else None
        )

    def forward(self, features: Tensor, affect: Tensor | None) -> Tensor:
        """Rows of `join_affect`; `affect` (n, affect_dim), a missing number (NaN) counts as 0.

        A video without any number has no affect, as every video if `affect` is None.
        """
        if affect is None or self.network is None:
            coordinates = features.new_zeros(len(features), self.count)
        else:
            is_present = ~affect.isnan().all(dim=1, keepdim=True)
            coordinates = self.network(affect.nan_to_num()) * is_present
        return join_affect(features, coordinates, is_text=False)
