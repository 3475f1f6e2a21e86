"""Items with several captions: masks of captions, and ranks of the best of an item's own captions.

MSR-VTT has 20 captions per video, 6 of them missing in the test set; MSVD has a varying number, of which
JEMC's Table 2 uses 5 at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.rank_counts import Ints, RankCounts, count_ranks_by_block
from retrieval.evaluation.similarity_blocks import Block, Similarity
from retrieval.vector_index import validate_k

Mask = npt.NDArray[np.bool_]


def make_caption_mask(caption_counts: Sequence[int], width: int = 20) -> Mask:
    """(items, width) mask of the captions of each item, padded to `width`.

    Raises ValueError for an item with more captions than `width` or fewer than 0.
    """
    number = np.asarray(caption_counts, np.int64)
    if ((number < 0) | (number > width)).any():
        raise ValueError(f"items have {number.min()} to {number.max()} captions; the width is {width}")
    return np.arange(width) < number[:, None]


def draw_caption_masks(
    caption_item_ids: Sequence[str], per_item: int = 5, draws: int = 20, *, seed: int
) -> Iterator[Mask]:
    """`draws` masks (c,) with `per_item` random captions of each item, or all where it has fewer.

    caption_item_ids: (c,) the id of each caption's item
    Raises ValueError for per_item < 1.
    """
    number = np.unique(np.asarray(caption_item_ids), return_inverse=True)[1]
    size, rng = validate_k(per_item), np.random.default_rng(seed)
    for _ in range(draws):
        order = np.lexsort((rng.random(len(number)), number))  # item by item, each in random order
        position = np.arange(len(number)) - np.searchsorted(number[order], number[order])
        mask = np.zeros(len(number), bool)
        mask[order] = position < size
        yield mask


def map_captions_to_videos(
    shape: tuple[int, int], caption_video_ids: Sequence[str], video_ids: Sequence[str]
) -> Ints:
    """(c,) the column of each caption's video, by id, else ValueError."""
    if shape != (len(caption_video_ids), len(video_ids)):
        raise ValueError(
            f"similarities {shape} of {len(caption_video_ids)} captions and {len(video_ids)} videos"
        )
    column = {video: index for index, video in enumerate(video_ids)}
    if len(column) != len(video_ids):
        raise ValueError("an id stands for two videos")
    if unknown := sorted(set(caption_video_ids) - set(column)):
        raise ValueError(f"captions of {len(unknown)} unknown videos: {', '.join(unknown[:3])} ...")
    return np.array([column[video] for video in caption_video_ids], np.int64)


def make_caption_ids(caption_video_ids: Sequence[str]) -> tuple[str, ...]:
    """(c,) "video#0", "video#1", ... in the order of the captions of each video."""
    counts: dict[str, int] = {}
    names = []
    for video in caption_video_ids:
        names.append(f"{video}#{counts.get(video, 0)}")
        counts[video] = counts.get(video, 0) + 1
    return tuple(names)


def group_captions_by_item(item_by_caption: Ints, item_count: int) -> Ints:
    """(items, max) caption numbers of each item; short rows repeat the item's last, empty ones hold 0."""
    order = np.argsort(item_by_caption, kind="stable")
    counts = np.bincount(item_by_caption, minlength=item_count)[:, None]
    starts = np.cumsum(counts)[:, None] - counts
    offsets = np.minimum(np.arange(max(1, counts.max(initial=0))), counts - 1)
    return np.where(counts > 0, np.append(order, 0)[starts + offsets], 0)


def count_ranks_among_captions(
    similarity: Similarity, item_by_caption: Ints, mask: Mask, *, siblings_tie: bool
) -> RankCounts:
    """Rank counts of each item's best own caption among all captions in the mask.

    similarity:      (v, c), one row per item
    item_by_caption: (c,) the number of each caption's item; counts of an item without captions are
                     meaningless
    mask:            (c,) captions that take part
    siblings_tie:    whether further captions of the item with the same similarity count as ties
    """
    columns = np.flatnonzero(mask)
    own = group_captions_by_item(item_by_caption[columns], similarity.shape[0])

    def select_block(queries: slice, block: Block) -> tuple[Block, Ints]:
        masked = np.take(block, columns, axis=1)  # a copy, and faster than by index
        targets = find_best_column(masked, own[queries])
        if not siblings_tie:
            best = np.take_along_axis(masked, targets[:, None], axis=1)
            np.put_along_axis(masked, own[queries], np.nan, axis=1)
            np.put_along_axis(masked, targets[:, None], best, axis=1)
        return masked, targets

    return count_ranks_by_block(similarity, select_block)


def count_ranks_among_items(similarity: Similarity, item_by_caption: Ints, mask: Mask) -> RankCounts:
    """As `count_ranks_among_captions` with one similarity per item: the largest over its captions."""
    columns = np.flatnonzero(mask)
    columns = columns[np.argsort(item_by_caption[columns], kind="stable")]
    items, starts = np.unique(item_by_caption[columns], return_index=True)
    targets = np.minimum(np.searchsorted(items, np.arange(similarity.shape[0])), len(items) - 1)

    def select_block(queries: slice, block: Block) -> tuple[Block, Ints]:
        return np.fmax.reduceat(np.take(block, columns, axis=1), starts, axis=1), targets[queries]

    return count_ranks_by_block(similarity, select_block)


def find_best_column(similarities: Block, own_columns: Ints) -> Ints:
    """(s,) the last of `own_columns` (s, max) with the largest value in its row (s, c)."""
    values = np.take_along_axis(similarities, own_columns, axis=1)
    is_present = ~np.isnan(values)
    filled = np.where(is_present, values, -np.inf)
    is_best = filled == filled.max(axis=1, keepdims=True)
    is_best &= is_present | ~is_present.any(axis=1, keepdims=True)
    return np.where(is_best, own_columns, -1).max(axis=1)
