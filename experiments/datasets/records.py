"""What a data set is: items with their words and their part, and splits whose groups never cross."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, to_printable
from encoders.text_files import read_text
from retrieval.evaluation.splits import split_by_group
from retrieval.training import captions_csv

DATA_ROOT = Path("../shared/data")

QueryRule = Literal["every", "padded", "one", "label"]
"""Which captions are queries. every: all; padded: a fixed number a video, the missing masked; one: a single
fixed caption; label: the words are a class, and all items of that class are right answers."""


@dataclass(frozen=True, kw_only=True)
class LabelledFile:
    """A file, what it is labelled with (one label, or several captions), and its part of the set."""

    path: Path
    labels: tuple[str, ...]
    split: str


@dataclass(frozen=True, kw_only=True)
class RatedFile:
    """A file with the mood people gave it, valence and arousal in [-1, 1]; groups never cross a split."""

    path: Path
    valence: float
    arousal: float
    group: str
    split: str


@dataclass(frozen=True, kw_only=True)
class DatasetItem:
    """One thing to be found and the words that find it.

    media: its file; several pictures are the frames of one clip, in order; none where only features are had
    group: what must not be torn apart by a split (theme, series, actor); the item's own id by default
    """

    id: str
    captions: tuple[str, ...]
    split: str
    media: tuple[Path, ...] = ()
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class CaptionDataset:
    """Items with captions.

    feature_sources: where each role's feature files are, or a folder in JEMC's layout, for `read_features`
    captions_per_item: captions a video under the rule "padded"
    notes: what must be said beside figures measured on it
    """

    name: str
    items: tuple[DatasetItem, ...]
    query_rule: QueryRule = "every"
    captions_per_item: int = 0
    feature_sources: Mapping[str, Path] | Path | None = None
    notes: tuple[str, ...] = ()

    def select_splits(self, *splits: str) -> CaptionDataset:
        """The items of these splits. Raises AffectError if there are none."""
        items = tuple(item for item in self.items if item.split in splits)
        if not items:
            there = ", ".join(sorted({item.split for item in self.items})) or "none"
            raise AffectError(f"{self.name}: no item in the split {', '.join(splits)}; splits here: {there}")
        return replace(self, items=items)

    @property
    def groups(self) -> tuple[str, ...]:
        """What a split must not tear apart, item by item: its group, or itself alone."""
        return tuple(item.group or item.id for item in self.items)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids in order."""
        return tuple(item.id for item in self.items)

    def flatten_captions(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """All captions (n,) item by item, and for each the row of its item (n,)."""
        said = [caption for item in self.items for caption in item.captions]
        own = np.repeat(np.arange(len(self.items)), [len(item.captions) for item in self.items])
        return said, own

    def make_caption_mask(self, width: int | None = None) -> npt.NDArray[np.bool_]:
        """(items, width) True where a caption is there, for matrices of a fixed number of captions an item.

        Raises ValueError where an item has more captions than that.
        """
        counts = np.array([len(item.captions) for item in self.items], np.int64)
        width = (self.captions_per_item or int(counts.max(initial=0))) if width is None else width
        if counts.max(initial=0) > width:
            raise ValueError(f"{self.name}: {counts.max()} captions of one item, more than {width}")
        return np.asarray(np.arange(width) < counts[:, None])


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a table of the data sets. Raises AffectError if it is not there, or no CSV file."""
    if not path.exists():
        raise AffectError(f"{path}: not here; name the folder of the data sets with --data or --data-root")
    yield from captions_csv.read_csv_rows(path)


def parse_text_file(path: Path, parse: Callable[[str], Any], expected: str) -> Any:
    """What a text file holds. Raises AffectError, saying what was `expected`, where it can't be had."""
    try:
        return parse(read_text(path))
    except OSError as bad:
        raise AffectError(
            f"{to_printable(path)}: {(bad.strerror or str(bad)).lower()}; give {expected}"
        ) from bad
    except ValueError as bad:  # not text, or not JSON
        raise AffectError(f"{to_printable(path)}: not {expected} ({bad})") from bad


def hold_out_split(
    dataset: CaptionDataset, share: float, seed: int, *, source: str = "train", target: str = "dev"
) -> CaptionDataset:
    """The set with `share` of one split's items moved to another, whole groups at a time.

    For sets without a validation split, such as MSR-VTT 1k-A.
    """
    inside = [row for row, item in enumerate(dataset.items) if item.split == source]
    everyone = dataset.groups
    groups = [everyone[row] for row in inside]
    found = dict(zip(inside, split_by_group(groups, {source: 1 - share, target: share}, seed), strict=True))
    items = tuple(
        replace(item, split=str(found.get(row, item.split))) for row, item in enumerate(dataset.items)
    )
    return replace(
        dataset, items=items, notes=(*dataset.notes, f"{target}: {share:.0%} of {source}, seed {seed}")
    )


def sample_captions(dataset: CaptionDataset, count: int, seed: int) -> CaptionDataset:
    """The set with `count` captions an item drawn at random, in their order; JEMC's Table 2 takes 5 of MSVD.

    Items that have no more keep all.
    """
    rng = np.random.default_rng(seed)
    items = []
    for item in dataset.items:
        chosen = np.sort(rng.permutation(len(item.captions))[:count])
        items.append(replace(item, captions=tuple(item.captions[index] for index in chosen)))
    return replace(
        dataset, items=tuple(items), notes=(*dataset.notes, f"{count} captions an item, draw {seed}")
    )
