"""MSR-VTT (Xu et al. 2016) in its published splits; the user supplies captions and videos.

| protocol | train / dev / test | test queries |
| --- | --- | --- |
| full | 6513 / 497 / 2990 | 20 a video, 6 missing: 59,794 |
| 1k-a, 1k-a-7k | 9000 or 7010 / none / 1000 | one fixed caption a video (Yu et al. 2018, JSFusion) |
| 1k-b | 6656 / none / 1000 | the first caption of each video (Miech et al. 2018; CE) |

1k-A and 1k-B have no validation split: `hold_out_split` takes one out of train. The test set of 1k-A is part
of the Full test set, as is most of that of 1k-B, and the 9k list trains on the rest of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from encoders import AffectError, UnknownNameError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import (
    CaptionDataset,
    DatasetItem,
    QueryRule,
    parse_text_file,
    read_table,
)

ANNOTATION_FOLDER = "msrvtt_annotations"
FIXED_TEST_LIST = "MSRVTT_JSFUSION_test.csv"
CAPTIONS_PER_VIDEO = 20  # under the protocol full
FULL_SPLITS = {"train": range(6513), "dev": range(6513, 7010), "test": range(7010, 10000)}
PROTOCOLS: dict[str, dict[str, str]] = {
    "full": {},
    "1k-a": {"train": "MSRVTT_train.9k.csv", "test": FIXED_TEST_LIST},
    "1k-a-7k": {"train": "MSRVTT_train.7k.csv", "test": FIXED_TEST_LIST},
    "1k-b": {"train": "train_list_miech.txt", "test": "test_list_miech.txt"},
}
QUERY_RULES: dict[str, QueryRule] = {"full": "padded"}
OFFICIAL_ANNOTATION = "the official annotation (*videodatainfo*.json or MSRVTT_data.json)"
VIDEO_SUFFIXES = (".mp4", ".avi", ".webm", ".mkv", ".mov")


def list_msrvtt_ids(protocol: str, list_folder: Path) -> dict[str, tuple[str, ...]]:
    """Video ids by split. Raises UnknownNameError for another protocol, AffectError without a list."""
    if protocol not in PROTOCOLS:
        raise UnknownNameError(f"no MSR-VTT protocol {protocol!r}; known: {', '.join(PROTOCOLS)}")
    if protocol == "full":
        return {
            split: tuple(f"video{number}" for number in numbers) for split, numbers in FULL_SPLITS.items()
        }
    return {split: _read_id_list(list_folder / file) for split, file in PROTOCOLS[protocol].items()}


def load_msrvtt(
    data_root: Path = DATA_ROOT,
    protocol: str = "full",
    *,
    annotation: Path | None = None,
    video_folder: Path | None = None,
    feature_sources: Mapping[str, Path] | Path | None = None,
) -> CaptionDataset:
    """MSR-VTT under a protocol.

    data_root:  folder that holds `msrvtt_annotations` with the lists
    annotation: the official JSON file, or a folder with several (train/val and test); by default those in
                `msrvtt_annotations`. Without any, 1k-A has its test split alone: its list has captions
    video_folder: folder with video0.mp4 ...
    feature_sources: feature files by role, or the folder of JEMC's, see `read_features`

    Videos that the annotation lacks are left out, which a note states. Raises AffectError, UnknownNameError.
    """
    list_folder = data_root / ANNOTATION_FOLDER
    ids_by_split = list_msrvtt_ids(protocol, list_folder)
    captions_by_split = _select_captions(protocol, ids_by_split, list_folder, annotation or list_folder)
    if not any(captions_by_split.values()):
        raise AffectError(
            f"{to_printable(annotation or list_folder)}: none of the protocol's videos; "
            f"give {OFFICIAL_ANNOTATION}"
        )
    items = tuple(
        DatasetItem(id=name, captions=tuple(captions), split=split, media=find_video(video_folder, name))
        for split, captions_by_id in captions_by_split.items()
        for name, captions in captions_by_id.items()
    )
    query_rule = QUERY_RULES.get(protocol, "one")
    return CaptionDataset(
        name=f"msrvtt-{protocol}",
        items=items,
        query_rule=query_rule,
        captions_per_item=CAPTIONS_PER_VIDEO if query_rule == "padded" else 0,
        feature_sources=feature_sources,
        notes=_describe_missing(captions_by_split, ids_by_split),
    )


def _select_captions(
    protocol: str, ids_by_split: Mapping[str, tuple[str, ...]], list_folder: Path, annotation: Path
) -> dict[str, dict[str, list[str]]]:
    """Captions by split and video id, in test those that the protocol queries with."""
    official = read_official_captions(annotation, required=protocol not in ("1k-a", "1k-a-7k"))
    captions = {
        split: {name: list(official[name]) for name in ids if name in official}
        for split, ids in ids_by_split.items()
    }
    if protocol.startswith("1k-a"):
        rows = read_table(list_folder / FIXED_TEST_LIST)
        captions["test"] = {row["video_id"]: [row["sentence"]] for row in rows}
    elif protocol == "1k-b":
        captions["test"] = {name: texts[:1] for name, texts in captions["test"].items()}
    return captions


def read_official_captions(path: Path, *, required: bool = True) -> dict[str, list[str]]:
    """Captions by video id, those of a video in the order of sen_id; see `read_official_sentences`."""
    captions: dict[str, list[str]] = {}
    for (video, _), caption in read_official_sentences(path, required=required).items():
        captions.setdefault(video, []).append(caption)
    return captions


def read_official_sentences(path: Path, *, required: bool = True) -> dict[tuple[str, int], str]:
    """Captions by video id and sen_id, in the order of sen_id.

    path: a JSON file {"videos": [...], "sentences": [{"video_id", "sen_id", "caption"}]}, or a folder with
          such files

    Raises AffectError where a `required` file is missing, or one has another layout.
    """
    files = list_official_files(path)
    if not files and required:
        raise AffectError(f"{to_printable(path)}: no captions here; give {OFFICIAL_ANNOTATION}")
    sentences: dict[tuple[str, int], str] = {}
    for file in files:
        sentences |= _parse_sentences(parse_text_file(file, json.loads, OFFICIAL_ANNOTATION), file)
    return dict(sorted(sentences.items(), key=lambda entry: entry[0][1]))


def list_official_files(path: Path) -> list[Path]:
    """The annotation files of a folder, by name; a file itself."""
    if not path.is_dir():
        return [path]
    return sorted({*path.glob("*videodatainfo*.json"), *path.glob("MSRVTT_data.json")})


def find_video(video_folder: Path | None, video_id: str) -> tuple[Path, ...]:
    """The video of this name in a folder, at most one; empty where there is none."""
    if video_folder is None:
        return ()
    paths = (video_folder / f"{video_id}{suffix}" for suffix in VIDEO_SUFFIXES)
    return tuple(path for path in paths if path.exists())[:1]


def _parse_sentences(content: Any, path: Path) -> dict[tuple[str, int], str]:
    sentences: dict[tuple[str, int], str] = {}
    try:
        for entry in content["sentences"]:
            key = (entry["video_id"], int(entry["sen_id"]))
            if key in sentences:
                raise AffectError(f"{to_printable(path)}: caption {key[1]} of {key[0]} is there twice")
            sentences[key] = entry["caption"].strip()
    except (KeyError, TypeError, AttributeError, ValueError) as bad:
        raise AffectError(
            f'{to_printable(path)}: not {OFFICIAL_ANNOTATION}: wanted "sentences", '
            "each with video_id, sen_id and caption"
        ) from bad
    return sentences


def _read_id_list(path: Path) -> tuple[str, ...]:
    """Ids of a list: a CSV file with the column video_id, or one id a line."""
    if path.suffix == ".csv":
        return tuple(row["video_id"] for row in read_table(path))
    return read_words(path)


def read_words(path: Path) -> tuple[str, ...]:
    """The words of a text file, in order. Raises AffectError."""
    words: list[str] = parse_text_file(path, str.split, "a list with one id a line")
    return tuple(words)


def _describe_missing(
    captions_by_split: Mapping[str, Mapping[str, list[str]]], ids_by_split: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """A note for each split that lacks videos."""
    return tuple(
        f"{split}: {len(captions_by_split[split])} of {len(ids)} videos, not the published split"
        for split, ids in ids_by_split.items()
        if len(captions_by_split[split]) != len(ids)
    )
