"""The emotion report's sets of MSR-VTT, from a user's files.

| set | videos | captions |
| --- | --- | --- |
| train9k, train7k | the lists of 1k-A | 20 a video |
| emotional6k | those of train9k that the rule says emotional (6,137 in the report) | 20 a video |
| test1k | 1,000, emotional ones first | one a video |
| emotional34, neutral34 | the emotional ones of test1k, and as many others, drawn by seed | one a video |

With nltk's copy of VADER, as reported, 34 of test1k are emotional; with today's 35.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders import AffectError, to_printable
from encoders.lexicon import EMOTIONS
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.msrvtt import (
    ANNOTATION_FOLDER,
    FIXED_TEST_LIST,
    OFFICIAL_ANNOTATION,
    list_msrvtt_ids,
    list_official_files,
    read_official_sentences,
)
from experiments.datasets.records import parse_text_file, read_table
from experiments.emotion_retrieval.data.records import POLARITIES, VIDEO_SUFFIX, EmotionRecord
from experiments.lexicons.annotation import COMPOUND_THRESHOLD, AnnotatedCaption
from experiments.lexicons.caption_files import VideoCaption, read_captions
from experiments.lexicons.selection import Unit, annotate_captions

TRAIN_PROTOCOLS = {"train9k": "1k-a", "train7k": "1k-a-7k", "emotional6k": "1k-a"}
TEST_SETS = ("test1k", "emotional34", "neutral34")
SETS = (*TRAIN_PROTOCOLS, *TEST_SETS)
TEST_CAPTIONS_FILE = "msrvtt_ret_test1k.json"  # of CLIP-ViP: captions with durations

OnText = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """How videos are selected and records annotated.

    bound:      least |compound| of VADER
    as_reported: by nltk's copy of VADER
    annotating: of the training sets, a record per video (captions joined) or per caption (with sen_id)
    seed:       of the neutral test videos
    """

    bound: float = COMPOUND_THRESHOLD
    as_reported: bool = False
    annotating: Unit = "video"
    seed: int = 0


def load_report_sets(
    names: Collection[str] = SETS, rule: SplitRule | None = None, *, data_root: Path = DATA_ROOT,
    annotation: Path | None = None, on_text: OnText = lambda done, total: None,
) -> dict[str, list[EmotionRecord]]:  # fmt: skip
    """The records of these sets by name, in the order of SETS.

    data_root:  folder that holds `msrvtt_annotations` with the lists, and the test captions
    annotation: the official JSON file of the training captions, or a folder with several; by default those
                in `msrvtt_annotations`
    on_text:    called with the number of texts annotated and of all of a set

    Raises AffectError for an unknown set, a missing file, a video of a list that has no captions, or a video
    with an empty one.
    """
    if unknown := [name for name in names if name not in SETS]:
        raise AffectError(f"no set {', '.join(unknown)}; sets: {', '.join(SETS)}")
    rule = rule or SplitRule()
    folder = data_root / ANNOTATION_FOLDER
    sets: dict[str, list[EmotionRecord]] = {}
    if wanted := [name for name in TRAIN_PROTOCOLS if name in names]:
        source = annotation or folder
        captions = _read_train_captions(source, wanted)
        for name in wanted:
            ids = list_msrvtt_ids(TRAIN_PROTOCOLS[name], folder)["train"]
            chosen = _select_ids(captions, ids, name, source)
            sets[name] = _annotate_train(chosen, name, rule, on_text)
    if any(name in names for name in TEST_SETS):
        sets |= _annotate_test(_read_test_captions(folder), rule, on_text)
    return {name: sets[name] for name in SETS if name in names}


def _read_train_captions(source: Path, wanted: Sequence[str]) -> dict[str, list[VideoCaption]]:
    """Captions by video id. Raises AffectError for an empty one, or without a file."""
    if not list_official_files(source):
        raise AffectError(
            f"{to_printable(source)}: no captions of {', '.join(wanted)}; give {OFFICIAL_ANNOTATION}, or "
            f"choose the sets {', '.join(TEST_SETS)}, which need none"
        )
    durations = {
        video: seconds for file in list_official_files(source) for video, seconds in _read_durations(file)
    }
    captions: dict[str, list[VideoCaption]] = {}
    for (video, sen_id), text in read_official_sentences(source).items():
        if not text:
            raise AffectError(f"{to_printable(source)}: caption {sen_id} of {to_printable(video)} is empty")
        captions.setdefault(video, []).append(
            VideoCaption(
                caption=text, video=f"{video}{VIDEO_SUFFIX}", video_id=video, sen_id=sen_id,
                duration=durations.get(video),
            )
        )  # fmt: skip
    return captions


def _read_durations(file: Path) -> list[tuple[str, float]]:
    """Seconds of the videos that an annotation gives start and end times of."""
    content = parse_text_file(file, json.loads, OFFICIAL_ANNOTATION)
    videos: list[Mapping[str, Any]] = content.get("videos", []) if isinstance(content, dict) else []
    try:
        return [
            (entry["video_id"], round(float(entry["end time"]) - float(entry["start time"]), 2))
            for entry in videos
            if "start time" in entry and "end time" in entry
        ]
    except (KeyError, TypeError, ValueError) as bad:
        raise AffectError(f"{to_printable(file)}: not {OFFICIAL_ANNOTATION}: {bad!r} in videos") from bad


def _select_ids(
    captions: Mapping[str, list[VideoCaption]], ids: Sequence[str], name: str, source: Path
) -> list[VideoCaption]:
    """The captions of a list's videos, which have to be there."""
    if missing := [video for video in ids if video not in captions]:
        raise AffectError(
            f"{to_printable(source)}: no captions of {len(missing)} of the {len(ids)} videos of {name}, such "
            f"as {to_printable(missing[0])}; add the annotation they are in, or choose other sets"
        )
    return [caption for video in ids for caption in captions[video]]


def _annotate_train(
    captions: Sequence[VideoCaption], name: str, rule: SplitRule, on_text: OnText
) -> list[EmotionRecord]:
    """All videos emotional first, or the emotional ones alone."""
    annotated = annotate_captions(
        captions, threshold=rule.bound, as_reported=rule.as_reported, lower_case=False, on_text=on_text
    )
    records = annotated.make_subsets("video", rule.annotating, seed=rule.seed)["all"]
    return [make_record(one) for one in records if name != "emotional6k" or one.is_emotional]


def _read_test_captions(folder: Path) -> list[VideoCaption]:
    """The captions of 1k-A, with durations where CLIP-ViP's file is there."""
    rows = {row["video_id"]: row["sentence"] for row in read_table(folder / FIXED_TEST_LIST)}
    durations: dict[str | None, float | None] = {}
    if (file := folder / TEST_CAPTIONS_FILE).exists():
        durations = {caption.video_id: caption.duration for caption in read_captions(file)}
    return [
        VideoCaption(
            caption=text, video=f"{video}{VIDEO_SUFFIX}", video_id=video, duration=durations.get(video)
        )
        for video, text in rows.items()
    ]


def _annotate_test(
    captions: Sequence[VideoCaption], rule: SplitRule, on_text: OnText
) -> dict[str, list[EmotionRecord]]:
    annotated = annotate_captions(
        captions, threshold=rule.bound, as_reported=rule.as_reported, lower_case=False, on_text=on_text
    )
    subsets = annotated.make_subsets("video", "video", seed=rule.seed)
    names = {"test1k": "all", "emotional34": "emotional", "neutral34": "neutral"}
    return {name: [make_record(one) for one in subsets[subset]] for name, subset in names.items()}


def make_record(annotated: AnnotatedCaption) -> EmotionRecord:
    """The record of an annotated caption of a video with an id."""
    source = annotated.source
    return EmotionRecord(
        video=source.video or f"{source.video_id}{VIDEO_SUFFIX}",
        video_id=str(source.video_id),
        caption=source.caption,
        sen_id=source.sen_id,
        duration=source.duration,
        emotion=annotated.is_emotional,
        emotions=tuple(annotated.nrc_scores[name] for name in EMOTIONS),
        polarity=tuple(annotated.nrc_scores[name] for name in POLARITIES),
    )
