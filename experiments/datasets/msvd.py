"""MSVD (Chen & Dolan 2011) on its official lists; its videos have no sound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from encoders.base import AffectError, printable
from experiments.datasets.msrvtt import lines, media_of
from experiments.datasets.records import DATA, Captioned, Item, reading

FOLDER = "msvd_captions"
FILE = "captions_msvd.json"
LISTS = {"train": "train_list.txt", "dev": "val_list.txt", "test": "test_list.txt"}
WANTED = "a JSON object of captions by video id"


def msvd(
    data: Path = DATA, *, videos: Path | None = None, features: Mapping[str, Path] | Path | None = None
) -> Captioned:
    """1200 / 100 / 670 videos, all their captions (80,827); for JEMC's Table 2, `drawn(msvd(), 5, seed)`.

    videos: folder with <id>.avi or .mp4; features: as for `read_features`. Raises AffectError.
    """
    file = data / FOLDER / FILE
    said = reading(file, json.loads, WANTED)
    if not isinstance(said, dict):
        raise AffectError(f"{printable(file)}: not {WANTED}")
    items = []
    for split, name in LISTS.items():
        for video in lines(data / FOLDER / name):
            if video not in said:
                raise AffectError(f"{printable(file)}: no captions of {video}, which {name} lists")
            captions = tuple(said[video])
            items.append(Item(id=video, captions=captions, split=split, media=media_of(videos, video)))
    return Captioned(name="msvd", items=tuple(items), features=features, notes=("MSVD has no sound",))
