"""The sets of ../shared/data, captions in a CSV file, and all sets by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from encoders.base import AffectError, UnknownName, printable
from experiments.datasets.msrvtt import PROTOCOLS, msrvtt
from experiments.datasets.msvd import msvd
from experiments.datasets.records import DATA, Captioned, Item, Labelled, Rated, Rule, table
from retrieval.training.captions_csv import read_captions


def flickr1k(data: Path = DATA) -> list[Labelled]:
    """Photos with five captions each (Hodosh et al. 2013)."""
    captions: dict[str, list[str]] = {}
    splits = {}
    for row in table(data / "flickr1k" / "captions.csv"):
        captions.setdefault(row["image"], []).append(row["caption"])
        splits[row["image"]] = row["split"]
    return [
        Labelled(path=data / "flickr1k" / "images" / name, labels=tuple(said), split=splits[name])
        for name, said in captions.items()
    ]


def oasis(data: Path = DATA) -> list[Labelled]:
    """Photos with their theme, such as "Lake" (Kurdi, Lozano & Banaji 2017)."""
    return _labelled(data / "oasis", "oasis.csv", "theme_base")


def animal_sounds(data: Path = DATA) -> list[Labelled]:
    """Clips with the animal that is heard; the source's folders come in parts, which are one class."""
    found = _labelled(data / "animal_sounds", "labels.csv", "folder")
    return [Labelled(path=one.path, labels=(one.labels[0].split("-")[0],), split=one.split) for one in found]


def vgmidi(data: Path = DATA) -> list[Rated]:
    """Game music, the rating of the 15 s that are heard; the group is the series (Ferreira 2019)."""
    return [
        Rated(
            path=data / "vgmidi" / "audio" / f"{row['clip']}.ogg",
            valence=float(row["valence_first15s"]),
            arousal=float(row["arousal_first15s"]),
            group=row["midi"].split("_")[0],
            split=row["split"],
        )
        for row in table(data / "vgmidi" / "piece_va.csv")
    ]


ANIMALS = {
    "Kedi": "cat", "Kopek": "dog", "Kus": "bird", "Inek": "cow", "Aslan": "lion", "Koyun": "sheep",
    "Kurbaga": "frog", "Tavuk": "chicken", "Esek": "donkey", "Maymun": "monkey",
}  # fmt: skip


def photos(data: Path = DATA) -> Captioned:
    """flickr1k for caption retrieval."""
    return _captioned("flickr1k", flickr1k(data), "every")


def themes(data: Path = DATA) -> Captioned:
    """OASIS photos by the word of their theme; a theme is never split."""
    return _captioned("oasis", oasis(data), "label", by_label=True)


def animals(data: Path = DATA) -> Captioned:
    """Sounds by the English word for the animal."""
    found = [
        Labelled(path=one.path, labels=(ANIMALS[one.labels[0]],), split=one.split)
        for one in animal_sounds(data)
    ]
    return _captioned("animal_sounds", found, "label")


def exercises(data: Path = DATA, *, instructions: bool = False) -> Captioned:
    """Activities, start and end frame, by name (and by their instructions, where there are some).

    The group is the series: the name before a dash, comma or bracket ("Bench Press" of "Bench Press - With
    Bands"). The set's own split does not keep series together.
    """
    folder, items = data / "exercise_activity", []
    for row in table(folder / "exercises.csv"):
        said = (row["name"], row["instructions"]) if instructions and row["instructions"] else (row["name"],)
        frames = (folder / row["file"], folder / row["file1"])
        series = re.split(r" - |[,(]", row["name"])[0].strip().lower()
        items.append(Item(id=row["name"], captions=said, split=row["split"], media=frames, group=series))
    return Captioned(name="exercise_activity", items=tuple(items), rule="every")


def clips(data: Path = DATA) -> Captioned:
    """Short real videos by the words of their file or folder name; those without a word are left out."""
    folder = data / "av_clips"
    items = [
        Item(id=row["file"], captions=(row["label"],), split=row["split"], media=(folder / row["file"],))
        for row in table(folder / "clips.csv")
        if row["label"]
    ]
    return Captioned(name="av_clips", items=tuple(items), rule="label")


def speech(data: Path = DATA) -> Captioned:
    """RAVDESS speech by the word of its acted emotion; the group is the actor (Livingstone & Russo 2018)."""
    folder = data / "ravdess_speech"
    items = [
        Item(
            id=row["clip"],
            captions=(row["emotion"],),
            split=row["split"],
            media=(folder / "audio" / f"{row['clip']}.ogg",),
            group=row["actor"],
        )
        for row in table(folder / "labels.csv")
    ]
    return Captioned(name="ravdess_speech", items=tuple(items), rule="label")


def from_csv(file: Path, name: str | None = None) -> Captioned:
    """A table with the columns media, caption and, if there is one, split and group; several rows a medium.

    Paths are relative to the table. Raises AffectError naming the line that can't be used, or the medium that
    is not there.
    """
    found = read_captions(file)
    if missing := next((one.name for one in found if not one.path.exists()), None):
        raise AffectError(f"{printable(file)}: names {missing}, which is not there")
    items = tuple(
        Item(id=one.name, captions=one.captions, split=one.split, media=(one.path,), group=one.group)
        for one in found
    )
    return Captioned(name=name or file.parent.name, items=items)


SETS: dict[str, Callable[[Path], Captioned]] = {
    "animal_sounds": animals,
    "av_clips": clips,
    "exercise_activity": exercises,
    "flickr1k": photos,
    "msvd": msvd,
    "oasis": themes,
    "ravdess_speech": speech,
    **{f"msrvtt-{protocol}": partial(msrvtt, protocol=protocol) for protocol in PROTOCOLS},
}


def named(name: str, data: Path = DATA) -> Captioned:
    """A set by name, a CSV file, or a folder with a captions.csv. Raises AffectError, UnknownName."""
    if name in SETS:
        return SETS[name](data)
    path = Path(name)
    if path.is_dir():
        path /= "captions.csv"
    if not path.exists():
        raise UnknownName(f"no data set and no file {name!r}; sets: {', '.join(sorted(SETS))}")
    return from_csv(path)


def _labelled(folder: Path, file: str, column: str) -> list[Labelled]:
    return [
        Labelled(path=folder / row["file"], labels=(row[column],), split=row["split"])
        for row in table(folder / file)
    ]


def _captioned(name: str, found: Iterable[Labelled], rule: Rule, *, by_label: bool = False) -> Captioned:
    items = tuple(
        Item(
            id=one.path.name,
            captions=one.labels,
            split=one.split,
            media=(one.path,),
            group=one.labels[0] if by_label else "",
        )
        for one in found
    )
    return Captioned(name=name, items=items, rule=rule)
