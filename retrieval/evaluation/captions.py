"""Items with several captions: which are there, which count, and the best of an item's own.

MSR-VTT has 20 captions a video, 6 of them missing in the test set; MSVD has as many as people wrote, of
which JEMC's Table 2 uses 5 at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.rank_counts import Ints, RankCounts, count_ranks_by_block
from retrieval.evaluation.similarity_blocks import Block, Similarity
from retrieval.vector_index.topk import validate_k

Mask = npt.NDArray[np.bool_]


def make_caption_mask(caption_counts: Sequence[int], width: int = 20) -> Mask:
    """(items, width) which captions are there when each item's are padded to `width`.

    Raises ValueError for an item with more captions than `width` or fewer than 0.
    """
    number = np.asarray(caption_counts, np.int64)
    if ((number < 0) | (number > width)).any():
        raise ValueError(f"items have {number.min()} to {number.max()} captions; the width is {width}")
    return np.arange(width) < number[:, None]


def draw_caption_masks(
    caption_item_ids: Sequence[str], per_item: int = 5, draws: int = 20, *, seed: int
) -> Iterator[Mask]:
    """`draws` masks (c,) with `per_item` random captions of each item; `caption_item_ids` names each
    caption's item.

    An item with fewer has all of them. Raises ValueError for per_item < 1.
    """
    number = np.unique(np.asarray(caption_item_ids), return_inverse=True)[1]
    size, rng = validate_k(per_item), np.random.default_rng(seed)
    for _ in range(draws):
        order = np.lexsort((rng.random(len(number)), number))  # item by item, each in random order
        place = np.arange(len(number)) - np.searchsorted(number[order], number[order])
        mask = np.zeros(len(number), bool)
        mask[order] = place < size
        yield mask


def map_captions_to_videos(
    shape: tuple[int, int], caption_video_ids: Sequence[str], video_ids: Sequence[str]
) -> Ints:
    """(c,) the column of each caption's video, by id, else ValueError."""
    if shape != (len(caption_video_ids), len(video_ids)):
        raise ValueError(
            f"similarities {shape} of {len(caption_video_ids)} captions and {len(video_ids)} videos"
        )
    column = {video: place for place, video in enumerate(video_ids)}
    if len(column) != len(video_ids):
        raise ValueError("an id stands for two videos")
    if unknown := sorted(set(caption_video_ids) - set(column)):
        raise ValueError(f"captions of {len(unknown)} unknown videos: {', '.join(unknown[:3])} ...")
    return np.array([column[video] for video in caption_video_ids], np.int64)


def make_caption_ids(caption_video_ids: Sequence[str]) -> tuple[str, ...]:
    """(c,) "video#0", "video#1", ... in the order the captions of each video stand."""
    met: dict[str, int] = {}
    names = []
    for video in caption_video_ids:
        names.append(f"{video}#{met.get(video, 0)}")
        met[video] = met.get(video, 0) + 1
    return tuple(names)


def group_captions_by_item(item_by_caption: Ints, item_count: int) -> Ints:
    """(items, most) caption numbers of each item; short rows repeat the item's last, empty ones hold 0."""
    order = np.argsort(item_by_caption, kind="stable")
    counts = np.bincount(item_by_caption, minlength=item_count)[:, None]
    starts = np.cumsum(counts)[:, None] - counts
    place = np.minimum(np.arange(max(1, counts.max(initial=0))), counts - 1)
    return np.where(counts > 0, np.append(order, 0)[starts + place], 0)


def count_ranks_among_captions(
    similarity: Similarity, item_by_caption: Ints, mask: Mask, *, siblings_tie: bool
) -> RankCounts:
    """Of each item (rows of `similarity`, (v, c)) the best of its own captions, among all that are `mask`
    (c,).

    Unless `siblings_tie`, further captions of the item with the very same similarity are no rivals.
    `item_by_caption` (c,) numbers each caption's item; the standing of an item without captions means
    nothing.
    """
    columns = np.flatnonzero(mask)
    own = group_captions_by_item(item_by_caption[columns], similarity.shape[0])

    def select_block(queries: slice, block: Block) -> tuple[Block, Ints]:
        seen = np.take(block, columns, axis=1)  # a copy, and faster than by index
        wanted = find_best_column(seen, own[queries])
        if not siblings_tie:
            best = np.take_along_axis(seen, wanted[:, None], axis=1)
            np.put_along_axis(seen, own[queries], np.nan, axis=1)
            np.put_along_axis(seen, wanted[:, None], best, axis=1)
        return seen, wanted

    return count_ranks_by_block(similarity, select_block)


def count_ranks_among_items(similarity: Similarity, item_by_caption: Ints, mask: Mask) -> RankCounts:
    """The same with one similarity an item: the largest over its own `mask` captions; others as above."""
    columns = np.flatnonzero(mask)
    columns = columns[np.argsort(item_by_caption[columns], kind="stable")]
    asked, starts = np.unique(item_by_caption[columns], return_index=True)
    place = np.minimum(np.searchsorted(asked, np.arange(similarity.shape[0])), len(asked) - 1)

    def select_block(queries: slice, block: Block) -> tuple[Block, Ints]:
        return np.fmax.reduceat(np.take(block, columns, axis=1), starts, axis=1), place[queries]

    return count_ranks_by_block(similarity, select_block)


def find_best_column(similarities: Block, own_columns: Ints) -> Ints:
    """(s,) which column of (s, most) is largest in each row of (s, c): the last such, NaN only if all are."""
    values = np.take_along_axis(similarities, own_columns, axis=1)
    known = ~np.isnan(values)
    height = np.where(known, values, -np.inf)
    best = (height == height.max(axis=1, keepdims=True)) & (known | ~known.any(axis=1, keepdims=True))
    return np.where(best, own_columns, -1).max(axis=1)
