"""Who belongs to whom in a batch: the true pairs of a table of similarities and what may count against them.

A table has one row a video and one column a text. Its true pairs are places (row, column); without any
being named they are the diagonal. What else shows the same item (a second caption of a video) is neither
a pair nor a negative: `same` says where.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class PairLoss(Protocol):
    """What a training loop calls: similarities (v, t) to a loss (); masks and pairs as in `facing`."""

    def __call__(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """The loss () of a batch."""
        ...


class AnchorSimilarities(NamedTuple):
    """One direction: p anchors, each with its own partner and m candidates."""

    positive: Tensor  # (p,) similarity of the true pair
    candidates: Tensor  # (p, m) similarities of the anchor to every candidate, its own partner among them
    negative_mask: Tensor  # (p, m) bool, where a candidate is a negative


def make_same_item_mask(video_ids: Tensor, text_ids: Tensor | None = None) -> Tensor:
    """(v, t) bool, which rows and columns are of one item, by numbers (v,) and (t,), or (v,) for both."""
    return video_ids[:, None] == (video_ids if text_ids is None else text_ids)[None, :]


def split_directions(
    similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
) -> tuple[AnchorSimilarities, AnchorSimilarities]:
    """The two directions of a table (v, t): every pair's video among the texts, its text among the videos.

    `same_item` (v, t) bool marks what is of one item, and `pairs` (p, 2) int64 the true (row, column)
    places; then v and t may differ, and a row or column stands in as many pairs as it likes. Neither
    `same_item` places nor any true pair are negatives.

    Raises ValueError for shapes that don't fit, no pairs, places outside the table, or a table that is not
    square while no pairs are named.
    """
    row, column = validate_pairs(similarity, pairs)
    allowed = (
        torch.ones_like(similarity, dtype=torch.bool)
        if same_item is None
        else ~validate_same_item(similarity, same_item)
    )
    allowed[row, column] = False
    own = similarity[row, column]  # (p,)
    texts = AnchorSimilarities(own, similarity[row], allowed[row])  # (p, t)
    videos = AnchorSimilarities(own, similarity.T[column], allowed.T[column])  # (p, v)
    return texts, videos


def validate_pairs(similarity: Tensor, pairs: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows (p,) and columns (p,) of the true pairs, else ValueError; see `facing`."""
    if similarity.ndim != 2 or similarity.numel() == 0:
        raise ValueError(
            f"similarities must be (videos, texts), one or more of each, not {tuple(similarity.shape)}"
        )
    height, width = similarity.shape
    if pairs is None:
        if height != width:
            raise ValueError(f"{height} videos and {width} texts: name the true pairs (p, 2)")
        places = torch.arange(height, device=similarity.device)
        return places, places
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
            f"`same` must be bool {tuple(similarity.shape)}, not {same_item.dtype} {tuple(same_item.shape)}"
        )
    return same_item
