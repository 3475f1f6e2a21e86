"""The sets of ../shared/data, captions in a CSV file, and all sets by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from encoders.base import AffectError, UnknownNameError, to_printable
from experiments.datasets.msrvtt import PROTOCOLS, load_msrvtt
from experiments.datasets.msvd import load_msvd
from experiments.datasets.records import (
    DATA_ROOT,
    CaptionDataset,
    DatasetItem,
    LabelledFile,
    QueryRule,
    RatedFile,
    read_table,
)
from retrieval.training.captions_csv import read_captions


def load_flickr1k(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """Photos with five captions each (Hodosh et al. 2013)."""
    captions: dict[str, list[str]] = {}
    splits = {}
    for row in read_table(data_root / "flickr1k" / "captions.csv"):
        captions.setdefault(row["image"], []).append(row["caption"])
        splits[row["image"]] = row["split"]
    return [
        LabelledFile(path=data_root / "flickr1k" / "images" / name, labels=tuple(said), split=splits[name])
        for name, said in captions.items()
    ]


def load_oasis(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """Photos with their theme, such as "Lake" (Kurdi, Lozano & Banaji 2017)."""
    return _read_labelled_files(data_root / "oasis", "oasis.csv", "theme_base")


def load_animal_sounds(data_root: Path = DATA_ROOT) -> list[LabelledFile]:
    """Clips with the animal that is heard; the source's folders come in parts, which are one class."""
    found = _read_labelled_files(data_root / "animal_sounds", "labels.csv", "folder")
    return [
        LabelledFile(path=one.path, labels=(one.labels[0].split("-")[0],), split=one.split) for one in found
    ]


def load_vgmidi(data_root: Path = DATA_ROOT) -> list[RatedFile]:
    """Game music, the rating of the 15 s that are heard; the group is the series (Ferreira 2019)."""
    return [
        RatedFile(
            path=data_root / "vgmidi" / "audio" / f"{row['clip']}.ogg",
            valence=float(row["valence_first15s"]),
            arousal=float(row["arousal_first15s"]),
            group=row["midi"].split("_")[0],
            split=row["split"],
        )
        for row in read_table(data_root / "vgmidi" / "piece_va.csv")
    ]


ENGLISH_ANIMAL_NAMES = {
    "Kedi": "cat", "Kopek": "dog", "Kus": "bird", "Inek": "cow", "Aslan": "lion", "Koyun": "sheep",
    "Kurbaga": "frog", "Tavuk": "chicken", "Esek": "donkey", "Maymun": "monkey",
}  # fmt: skip


def load_flickr1k_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """flickr1k for caption retrieval."""
    return _make_caption_dataset("flickr1k", load_flickr1k(data_root), "every")


def load_oasis_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """OASIS photos by the word of their theme; a theme is never split."""
    return _make_caption_dataset("oasis", load_oasis(data_root), "label", group_by_label=True)


def load_animal_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """Sounds by the English word for the animal."""
    found = [
        LabelledFile(path=one.path, labels=(ENGLISH_ANIMAL_NAMES[one.labels[0]],), split=one.split)
        for one in load_animal_sounds(data_root)
    ]
    return _make_caption_dataset("animal_sounds", found, "label")


def load_exercises(data_root: Path = DATA_ROOT, *, include_instructions: bool = False) -> CaptionDataset:
    """Activities, start and end frame, by name (and by their instructions, where there are some).

    The group is the series: the name before a dash, comma or bracket ("Bench Press" of "Bench Press - With
    Bands"). The set's own split does not keep series together.
    """
    folder, items = data_root / "exercise_activity", []
    for row in read_table(folder / "exercises.csv"):
        said = (
            (row["name"], row["instructions"])
            if include_instructions and row["instructions"]
            else (row["name"],)
        )
        frames = (folder / row["file"], folder / row["file1"])
        series = re.split(r" - |[,(]", row["name"])[0].strip().lower()
        items.append(
            DatasetItem(id=row["name"], captions=said, split=row["split"], media=frames, group=series)
        )
    return CaptionDataset(name="exercise_activity", items=tuple(items), query_rule="every")


def load_av_clips(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """Short real videos by the words of their file or folder name; those without a word are left out."""
    folder = data_root / "av_clips"
    items = [
        DatasetItem(
            id=row["file"], captions=(row["label"],), split=row["split"], media=(folder / row["file"],)
        )
        for row in read_table(folder / "clips.csv")
        if row["label"]
    ]
    return CaptionDataset(name="av_clips", items=tuple(items), query_rule="label")


def load_ravdess_speech(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """RAVDESS speech by the word of its acted emotion; the group is the actor (Livingstone & Russo 2018)."""
    folder = data_root / "ravdess_speech"
    items = [
        DatasetItem(
            id=row["clip"],
            captions=(row["emotion"],),
            split=row["split"],
            media=(folder / "audio" / f"{row['clip']}.ogg",),
            group=row["actor"],
        )
        for row in read_table(folder / "labels.csv")
    ]
    return CaptionDataset(name="ravdess_speech", items=tuple(items), query_rule="label")


def load_caption_csv(path: Path, name: str | None = None) -> CaptionDataset:
    """A table with the columns media, caption and, if there is one, split and group; several rows a medium.

    Paths are relative to the table. Raises AffectError naming the line that can't be used, or the medium that
    is not there.
    """
    found = read_captions(path)
    if missing := next((one.name for one in found if not one.path.exists()), None):
        raise AffectError(f"{to_printable(path)}: names {missing}, which is not there")
    items = tuple(
        DatasetItem(id=one.name, captions=one.captions, split=one.split, media=(one.path,), group=one.group)
        for one in found
    )
    return CaptionDataset(name=name or path.parent.name, items=items)


DATASETS: dict[str, Callable[[Path], CaptionDataset]] = {
    "animal_sounds": load_animal_captions,
    "av_clips": load_av_clips,
    "exercise_activity": load_exercises,
    "flickr1k": load_flickr1k_captions,
    "msvd": load_msvd,
    "oasis": load_oasis_captions,
    "ravdess_speech": load_ravdess_speech,
    **{f"msrvtt-{protocol}": partial(load_msrvtt, protocol=protocol) for protocol in PROTOCOLS},
}


def load_named_dataset(name: str, data_root: Path = DATA_ROOT) -> CaptionDataset:
    """A set by name, a CSV file, or a folder with a captions.csv. Raises AffectError, UnknownNameError."""
    if name in DATASETS:
        return DATASETS[name](data_root)
    path = Path(name)
    if path.is_dir():
        path /= "captions.csv"
    if not path.exists():
        raise UnknownNameError(f"no data set and no file {name!r}; sets: {', '.join(sorted(DATASETS))}")
    return load_caption_csv(path)


def _read_labelled_files(folder: Path, table_name: str, label_column: str) -> list[LabelledFile]:
    return [
        LabelledFile(path=folder / row["file"], labels=(row[label_column],), split=row["split"])
        for row in read_table(folder / table_name)
    ]


def _make_caption_dataset(
    name: str, files: Iterable[LabelledFile], query_rule: QueryRule, *, group_by_label: bool = False
) -> CaptionDataset:
    items = tuple(
        DatasetItem(
            id=one.path.name,
            captions=one.labels,
            split=one.split,
            media=(one.path,),
            group=one.labels[0] if group_by_label else "",
        )
        for one in files
    )
    return CaptionDataset(name=name, items=items, query_rule=query_rule)
