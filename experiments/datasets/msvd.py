"""MSVD (Chen & Dolan 2011) on its official lists; its videos have no sound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from encoders import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.msrvtt import find_video, read_words
from experiments.datasets.records import CaptionDataset, DatasetItem, parse_text_file

FOLDER = "msvd_captions"
CAPTIONS_FILE = "captions_msvd.json"
SPLIT_LISTS = {"train": "train_list.txt", "dev": "val_list.txt", "test": "test_list.txt"}
CAPTIONS_DESCRIPTION = "a JSON object of captions by video id"


def load_msvd(
    data_root: Path = DATA_ROOT,
    *,
    video_folder: Path | None = None,
    feature_sources: Mapping[str, Path] | Path | None = None,
) -> CaptionDataset:
    """1200 / 100 / 670 videos, all their captions (80,827); JEMC's Table 2 is on
    `sample_captions(load_msvd(), 5, seed)`.

    video_folder: folder with <id>.avi or .mp4
    feature_sources: as for `read_features`

    Raises AffectError.
    """
    file = data_root / FOLDER / CAPTIONS_FILE
    captions_by_id = parse_text_file(file, json.loads, CAPTIONS_DESCRIPTION)
    if not isinstance(captions_by_id, dict):
        raise AffectError(f"{to_printable(file)}: not {CAPTIONS_DESCRIPTION}")
    items = []
    for split, list_name in SPLIT_LISTS.items():
        for video in read_words(data_root / FOLDER / list_name):
            if video not in captions_by_id:
                raise AffectError(f"{to_printable(file)}: no captions of {video}, which {list_name} lists")
            captions = tuple(captions_by_id[video])
            items.append(
                DatasetItem(id=video, captions=captions, split=split, media=find_video(video_folder, video))
            )
    return CaptionDataset(
        name="msvd", items=tuple(items), feature_sources=feature_sources, notes=("MSVD has no sound",)
    )
