"""True pairs and negatives in a table of similarities.

A table has one row per video and one column per text. Its true pairs are given as (row, column) and default
to the diagonal. Other entries of the same item (a second caption of a video) are neither pairs nor negatives;
the mask `same_item` marks them.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class PairLoss(Protocol):
    """A loss over similarities (v, t), with a mask and pairs as in `split_directions`."""

    def __call__(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """The loss () of a batch."""
        ...


class AnchorSimilarities(NamedTuple):
    """One direction: p anchors, each with its positive and m candidates."""

    positive: Tensor  # (p,) similarity of the true pair
    candidates: Tensor  # (p, m) similarities of the anchor to every candidate, including its positive
    negative_mask: Tensor  # (p, m) bool, where a candidate is a negative


def make_same_item_mask(video_ids: Tensor, text_ids: Tensor | None = None) -> Tensor:
    """(v, t) bool mask of rows and columns of one item, by item numbers (v,) and (t,), or (v,) for both."""
    return video_ids[:, None] == (video_ids if text_ids is None else text_ids)[None, :]


def split_directions(
    similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
) -> tuple[AnchorSimilarities, AnchorSimilarities]:
    """Both directions of a table (v, t): each pair's video against all texts, its text against all videos.

    same_item: (v, t) bool, entries of one item, which are no negatives
    pairs:     (p, 2) int64, the true (row, column) entries, which are no negatives of each other; a row or
               column may be in several. By default the diagonal of a square table

    Raises ValueError for shapes that don't fit, no pairs, pairs outside the table, or a table that is not
    square without pairs.
    """
    row, column = validate_pairs(similarity, pairs)
    is_negative = (
        torch.ones_like(similarity, dtype=torch.bool)
        if same_item is None
        else ~validate_same_item(similarity, same_item)
    )
    is_negative[row, column] = False
    positive = similarity[row, column]  # (p,)
    texts = AnchorSimilarities(positive, similarity[row], is_negative[row])  # (p, t)
    videos = AnchorSimilarities(positive, similarity.T[column], is_negative.T[column])  # (p, v)
    return texts, videos


def validate_pairs(similarity: Tensor, pairs: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows (p,) and columns (p,) of the true pairs, else ValueError; see `split_directions`."""
    if similarity.ndim != 2 or similarity.numel() == 0:
        raise ValueError(
            f"similarities must be (videos, texts), one or more of each, not {tuple(similarity.shape)}"
        )
    height, width = similarity.shape
    if pairs is None:
        if height != width:
            raise ValueError(f"{height} videos and {width} texts: name the true pairs (p, 2)")
        diagonal = torch.arange(height, device=similarity.device)
        return diagonal, diagonal
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0 or pairs.dtype != torch.int64:
        raise ValueError(f"pairs must be int64 (p, 2), one or more, not {pairs.dtype} {tuple(pairs.shape)}")
    row, column = pairs.unbind(1)
    if bool((pairs < 0).any() | (row >= height).any() | (column >= width).any()):
        raise ValueError(f"a pair lies outside the table of {height} videos and {width} texts")
    return row, column


def validate_same_item(similarity: Tensor, same_item: Tensor) -> Tensor:
    """`same_item` if it is bool and as large as the table, else ValueError."""
    if same_item.dtype != torch.bool or same_item.shape != similarity.shape:
        raise ValueError(
            f"`same_item` must be bool {tuple(similarity.shape)}, "
            f"not {same_item.dtype} {tuple(same_item.shape)}"
        )
    return same_item
