"""InfoNCE in both directions (Oord et al. 2018) and its four source-wise forms (Xue et al. 2022)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from losses.negatives import AnchorSimilarities, split_directions

SourceWiseForm = Literal["a", "b", "c", "d"]
TextReduction = Literal["mean", "sum"]

TEMPERATURE = 0.05  # CLIP-ViP
CLIP_BOUNDS = (0.01, 1.0)  # of a trained temperature: CLIP's greatest logit scale is 100
CLIP_VIP_BOUNDS = (0.005, 1.0)  # CLIP-ViP's code: logit scales of 1 to 200


@dataclass(frozen=True, kw_only=True)
class InfoNCE:
    """`info_nce` with a fixed temperature, callable as a `PairLoss`; a tensor () can be trained."""

    temperature: float | Tensor = TEMPERATURE

    def __post_init__(self) -> None:
        validate_temperature(self.temperature)

    def __call__(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """The loss () of similarities (v, t); arguments and errors as in `negatives.split_directions`."""
        return info_nce(similarity, self.temperature, same_item, pairs)


class LearnableInfoNCE(torch.nn.Module):
    """`info_nce` whose temperature is trained, by its logarithm (Radford et al. 2021, CLIP).

    Before each use it is clamped to `bounds`, as in CLIP: below, a few negatives take all of the gradient and
    training becomes unstable; above, the loss hardly tells pairs apart. Raises ValueError for bounds that are
    not above 0 and ascending.
    """

    def __init__(self, temperature: float = 0.07, bounds: tuple[float, float] = CLIP_BOUNDS) -> None:
        super().__init__()
        if not 0 < bounds[0] <= bounds[1]:
            raise ValueError(f"bounds of a temperature must be above 0 and ascending, not {bounds}")
        self.bounds = bounds
        initial = torch.tensor(float(validate_temperature(temperature))).log()
        self.log_temperature = torch.nn.Parameter(initial)

    def forward(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """As `InfoNCE`."""
        with torch.no_grad():  # the parameter itself: a clamped value would have no gradient to come back by
            self.log_temperature.clamp_(math.log(self.bounds[0]), math.log(self.bounds[1]))
        return info_nce(similarity, self.log_temperature.exp(), same_item, pairs)


def info_nce(
    similarity: Tensor,
    temperature: float | Tensor = TEMPERATURE,
    same_item: Tensor | None = None,
    pairs: Tensor | None = None,
) -> Tensor:
    """L_v2t + L_t2v of similarities (v, t), each a mean over the pairs (CLIP halves the sum).

    L_v2t = mean of -log(exp(s_ii / T) / (exp(s_ii / T) + sum over negatives of exp(s_ij / T))); a pair
    without negatives has loss 0. A trained temperature is a tensor (), best the exponential of a parameter,
    which keeps it above 0. Masks and pairs as in `negatives.split_directions`.

    Raises ValueError for a temperature that is not above 0, and as `negatives.split_directions` does.
    """
    texts, videos = split_directions(similarity / validate_temperature(temperature), same_item, pairs)
    return negative_log_likelihood(texts).mean() + negative_log_likelihood(videos).mean()


def source_wise_info_nce(
    video: Tensor,
    frame: Tensor,
    subtitle: Tensor,
    caption: Tensor,
    form: SourceWiseForm = "d",
    temperature: float | Tensor = TEMPERATURE,
    same_item: Tensor | None = None,
    *,
    text_reduction: TextReduction = "mean",
) -> Tensor:
    """CLIP-ViP's loss over video V, middle frame F, subtitle S and auxiliary caption C: unit rows (n, d).

    (a) V<->S + F<->C   (b) V<->S + V<->C   (c) V<->S + V<->C + F<->C   (d) V<->S,C + F<->C

    X<->Y is `info_nce`. In (d) subtitles and captions are one pool of candidates, see `joint_info_nce`.
    `text_reduction` of (d): "mean" halves the sum over the two texts, as the paper's formula does; "sum" adds
    them up, as the released code does, so that V<->S,C weighs twice as much against F<->C. `same_item` (n, n)
    bool marks rows of one item.

    Raises ValueError for another form or reduction, a temperature that is not above 0, and as
    `negatives.split_directions` does.
    """
    if form not in get_args(SourceWiseForm):
        raise ValueError(f"no form {form!r}; known: {', '.join(get_args(SourceWiseForm))}")
    if text_reduction not in get_args(TextReduction):
        raise ValueError(f"no reduction {text_reduction!r}; known: {', '.join(get_args(TextReduction))}")

    def compute_info_nce(left: Tensor, right: Tensor) -> Tensor:
        return info_nce(left @ right.T, temperature, same_item)

    if form == "a":
        return compute_info_nce(video, subtitle) + compute_info_nce(frame, caption)
    if form == "b":
        return compute_info_nce(video, subtitle) + compute_info_nce(video, caption)
    if form == "c":
        return (
            compute_info_nce(video, subtitle)
            + compute_info_nce(video, caption)
            + compute_info_nce(frame, caption)
        )
    joint = joint_info_nce(video @ subtitle.T, video @ caption.T, temperature, same_item)
    return (2 if text_reduction == "sum" else 1) * joint + compute_info_nce(frame, caption)


def joint_info_nce(
    subtitle_similarity: Tensor,
    caption_similarity: Tensor,
    temperature: float | Tensor = TEMPERATURE,
    same_item: Tensor | None = None,
) -> Tensor:
    """L_v2t + L_t2v of a video with two texts, from similarities V S^T and V C^T (n, n) (form d).

    L_v2t = -1/2n * sum_i [log(exp(v_i s_i) / (sum_j exp(v_i s_j) + sum_{j != i} exp(v_i c_j)))
                         + log(exp(v_i c_i) / (sum_j exp(v_i c_j) + sum_{j != i} exp(v_i s_j)))]

    with similarities over the temperature: the other text of the same video is no negative. L_t2v is the mean
    over all 2n texts, whose candidates are the n videos.
    """
    scale = validate_temperature(temperature)
    to_subtitles, from_subtitles = split_directions(subtitle_similarity / scale, same_item)
    to_captions, from_captions = split_directions(caption_similarity / scale, same_item)
    candidates = torch.cat([to_subtitles.candidates, to_captions.candidates], 1)  # (n, 2n): one pool
    negative_mask = torch.cat([to_subtitles.negative_mask, to_captions.negative_mask], 1)
    directions = [
        AnchorSimilarities(side.positive, candidates, negative_mask) for side in (to_subtitles, to_captions)
    ]
    directions += [from_subtitles, from_captions]
    return torch.stack([negative_log_likelihood(side).mean() for side in directions]).sum() / 2


def negative_log_likelihood(anchors: AnchorSimilarities) -> Tensor:
    """(p,) softmax cross-entropy of the true pair against its negatives."""
    negatives = anchors.candidates.masked_fill(~anchors.negative_mask, -torch.inf)  # (p, m)
    logits = torch.cat([anchors.positive[:, None], negatives], 1)  # (p, 1 + m)
    return logits.logsumexp(1) - anchors.positive


def validate_temperature(temperature: float | Tensor) -> float | Tensor:
    """`temperature` if it is above 0, else ValueError."""
    value = float(temperature.detach()) if isinstance(temperature, Tensor) else temperature
    if not value > 0:
        raise ValueError(f"a temperature must be above 0, not {value}")
    return temperature
