"""The records data sets are loaded into, and the readers of their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from encoders import AffectError, describe_os_error, read_text, to_printable
from retrieval.training import captions_csv
from spaces.circumplex import RATING_SCALES, rescale

QueryRule = Literal["every", "padded", "one", "label"]
"""Which captions are queries. every: all; padded: a fixed number a video, the missing masked; one: a single
fixed caption; label: the words are a class, and all items of that class are relevant."""


@dataclass(frozen=True, kw_only=True)
class LabelledFile:
    """A file, its labels (a single class, or several captions), and its split."""

    path: Path
    labels: tuple[str, ...]
    split: str


@dataclass(frozen=True, kw_only=True)
class RatedFile:
    """A file with its mean rating, valence and arousal in [-1, 1]; groups never cross a split."""

    path: Path
    valence: float
    arousal: float
    group: str
    split: str


@dataclass(frozen=True, kw_only=True)
class RatedText:
    """A text with its mean rating (valence, arousal) in [-1, 1]; groups never cross a split."""

    text: str
    affect: tuple[float, float]
    split: str
    group: str


@dataclass(frozen=True, kw_only=True)
class DatasetItem:
    """An item to be retrieved and its captions.

    media: its file; several pictures are the frames of one clip, in order; empty for features alone
    descriptions: further texts about it, to train on; never queries
    group: items of one group stay in one split (theme, series, actor); empty for an item on its own
    """

    id: str
    captions: tuple[str, ...]
    split: str
    media: tuple[Path, ...] = ()
    descriptions: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class CaptionDataset:
    """Items with captions.

    feature_sources: where each role's feature files are, or a folder in JEMC's layout, for `read_features`
    captions_per_item: captions a video under the rule "padded"
    notes: what has to be stated beside metrics measured on it
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
            available = ", ".join(sorted({item.split for item in self.items})) or "none"
            raise AffectError(
                f"{self.name}: no item in the split {', '.join(splits)}; splits here: {available}"
            )
        return replace(self, items=items)

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each item, its own id where it has none."""
        return tuple(item.group or item.id for item in self.items)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids in order."""
        return tuple(item.id for item in self.items)

    def flatten_captions(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """All captions (n,) item by item, and for each the index of its item (n,)."""
        return _flatten([item.captions for item in self.items])

    def flatten_descriptions(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """As `flatten_captions`, of the descriptions."""
        return _flatten([item.descriptions for item in self.items])

    def make_caption_mask(self, width: int | None = None) -> npt.NDArray[np.bool_]:
        """(items, width) True where an item has a caption, for matrices of a fixed width.

        Raises ValueError where an item has more captions than that.
        """
        counts = np.array([len(item.captions) for item in self.items], np.int64)
        width = (self.captions_per_item or int(counts.max(initial=0))) if width is None else width
        if counts.max(initial=0) > width:
            raise ValueError(f"{self.name}: {counts.max()} captions of one item, more than {width}")
        return np.asarray(np.arange(width) < counts[:, None])


def _flatten(texts_by_item: Sequence[Sequence[str]]) -> tuple[list[str], npt.NDArray[np.int64]]:
    item_indices = np.repeat(np.arange(len(texts_by_item)), [len(texts) for texts in texts_by_item])
    return [text for texts in texts_by_item for text in texts], item_indices


def make_caption_dataset(
    name: str, files: Iterable[LabelledFile], query_rule: QueryRule, *, group_by_label: bool = False
) -> CaptionDataset:
    """Files as items named like them, their labels as captions, the first label as group where wanted."""
    items = tuple(
        DatasetItem(
            id=file.path.name,
            captions=file.labels,
            split=file.split,
            media=(file.path,),
            group=file.labels[0] if group_by_label else "",
        )
        for file in files
    )
    return CaptionDataset(name=name, items=items, query_rule=query_rule)


def average_ratings(ratings: Iterable[tuple[str, str, tuple[float, float]]]) -> list[RatedText]:
    """Texts from (text, split, affect): one for each text and split, with the mean affect; its own group."""
    affect_by_text: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for text, split, affect in ratings:
        affect_by_text.setdefault((text, split), []).append(affect)
    means = {key: np.mean(values, axis=0) for key, values in affect_by_text.items()}
    return [
        RatedText(text=text, affect=(float(mean[0]), float(mean[1])), split=split, group=text)
        for (text, split), mean in means.items()
    ]


def parse_affect(valence: str | None, arousal: str | None, scale: str) -> tuple[float, float]:
    """A rating on one of RATING_SCALES as valence and arousal in [-1, 1]; NaN for an empty cell."""
    ratings = [float(cell or "nan") for cell in (valence, arousal)]
    first, second = rescale(ratings, *RATING_SCALES[scale]).tolist()
    return first, second


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a data set's CSV table. Raises AffectError if it is missing or malformed."""
    if not path.exists():
        raise AffectError(f"{path}: not here; name the folder of the data sets with --data or --data-root")
    yield from captions_csv.read_csv_rows(path)


def parse_text_file(path: Path, parse: Callable[[str], Any], expected: str) -> Any:
    """The content of a text file, parsed. Raises AffectError, naming what is `expected`."""
    try:
        return parse(read_text(path))
    except OSError as bad:
        raise AffectError(f"{to_printable(path)}: {describe_os_error(bad)}; give {expected}") from bad
    except ValueError as bad:  # not text, or not JSON
        raise AffectError(f"{to_printable(path)}: not {expected} ({bad})") from bad


def list_ogg_files(folder: Path) -> list[Path]:
    """Ogg files of a folder, by name. Raises AffectError where there is none."""
    paths = sorted(folder.glob("*.ogg"))
    if not paths:
        raise AffectError(
            f"{folder}: no sounds there; name the folder of the data sets with --data or --data-root"
        )
    return paths
