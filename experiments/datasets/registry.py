"""Data sets with captions by name, and captions in a user's CSV file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from encoders import AffectError, UnknownNameError, to_printable
from experiments.datasets.animal_sounds import load_animal_captions
from experiments.datasets.av_clips import load_av_clips
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.exercise_activity import load_exercises
from experiments.datasets.flickr1k import load_flickr1k_captions
from experiments.datasets.msrvtt import PROTOCOLS, load_msrvtt
from experiments.datasets.msvd import load_msvd
from experiments.datasets.oasis import load_oasis_captions
from experiments.datasets.ravdess import load_ravdess_captions
from experiments.datasets.records import CaptionDataset, DatasetItem
from retrieval.training import read_captions

CAPTIONS_FILE = "captions.csv"

DATASETS: dict[str, Callable[[Path], CaptionDataset]] = {
    "animal_sounds": load_animal_captions,
    "av_clips": load_av_clips,
    "exercise_activity": load_exercises,
    "flickr1k": load_flickr1k_captions,
    "msvd": load_msvd,
    "oasis": load_oasis_captions,
    "ravdess_speech": load_ravdess_captions,
    **{f"msrvtt-{protocol}": partial(load_msrvtt, protocol=protocol) for protocol in PROTOCOLS},
}


def load_named_dataset(name: str, data_root: Path = DATA_ROOT, *, needs_media: bool = True) -> CaptionDataset:
    """A set by name, a CSV file, or a folder with a captions.csv. Raises AffectError, UnknownNameError.

    needs_media: as for `load_caption_csv`
    """
    if name in DATASETS:
        return DATASETS[name](data_root)
    path = Path(name)
    if path.is_dir():
        path /= CAPTIONS_FILE
    if not path.exists():
        raise UnknownNameError(f"no data set and no file {name!r}; sets: {', '.join(sorted(DATASETS))}")
    return load_caption_csv(path, needs_media=needs_media)


def load_caption_csv(path: Path, name: str | None = None, *, needs_media: bool = True) -> CaptionDataset:
    """Items from a table with the columns media and caption and, optionally, split and group.

    name: by default the name of the file, with that of its folder before "captions"
    needs_media: whether a medium that is not there is an error; otherwise its item has features alone

    A medium may have several rows; a caption that it has twice is kept once, and a note counts those. Media
    paths are relative to the table. Raises AffectError naming the malformed line, or the missing medium.
    """
    entries = read_captions(path)
    missing = [entry.name for entry in entries if not entry.path.exists()]
    if missing and needs_media:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise AffectError(
            f"{to_printable(path)}: names {missing[0]}{others}, which is not there; put it beside the table, "
            "or give --features"
        )
    items = tuple(
        DatasetItem(
            id=entry.name,
            captions=tuple(dict.fromkeys(entry.captions)),
            split=entry.split,
            media=(entry.path,) if entry.path.exists() else (),
            group=entry.group,
        )
        for entry in entries
    )
    repeated = sum(len(entry.captions) - len(set(entry.captions)) for entry in entries)
    rows = "1 row" if repeated == 1 else f"{repeated} rows"
    note = f"{rows} of {path.name} left out: the same media and caption as another"
    return CaptionDataset(
        name=name or name_caption_file(path), items=items, notes=(note,) if repeated else ()
    )


def name_caption_file(path: Path) -> str:
    """The name of the set in a table: "mine" of mine.csv, "clips-captions" of clips/captions.csv."""
    if path.name == CAPTIONS_FILE:
        return f"{path.parent.resolve().name}-{path.stem}".removeprefix("-")
    return path.stem
