"""Captions from files in common formats, each on its own or merged by video as in the emotion report."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from encoders import AffectError, split_lines, to_printable
from experiments.datasets.records import parse_text_file

CAPTION_KEYS = ("caption", "text", "sentence")
ID_KEYS = ("video_id", "vid_key")
EXPECTED_FORMAT = "captions as a JSON list, JSONL, CSV or plain text, one a line"


@dataclass(frozen=True, kw_only=True)
class VideoCaption:
    """A caption or a video's captions, its file, its id, its duration in s and the caption's number.

    The latter are None where unknown, the number also for several captions.
    """

    caption: str
    video: str | None = None
    video_id: str | None = None
    duration: float | None = None
    sen_id: int | None = None


def read_video_captions(path: Path) -> list[VideoCaption]:
    """Captions of a file, see `read_captions`, several of one video joined, see `merge_by_video`."""
    return merge_by_video(read_captions(path))


def read_captions(path: Path) -> list[VideoCaption]:
    """Captions of a file: .json (a list of records, MSR-VTT's "sentences", or an object of captions by video
    id), .jsonl, .csv, .tsv, or text.

    A record has a caption, text or sentence (or a list of them) and, optionally, video, video_id, duration
    and sen_id. They are in the order of the file, numbered throughout unless all have a sen_id, as in the
    report's files. Raises AffectError, naming the malformed entry.
    """
    if path.is_dir():
        raise AffectError(f"{to_printable(path)}: a folder; give {EXPECTED_FORMAT}")
    parse = PARSERS.get(path.suffix.lower(), _parse_plain_text)
    captions = [
        caption
        for location, entry in parse_text_file(path, parse, EXPECTED_FORMAT)
        for caption in _parse_entry(entry, f"{to_printable(path)}: {location}")
    ]
    if not captions:
        raise AffectError(f"{to_printable(path)}: no captions; give {EXPECTED_FORMAT}")
    if any(caption.sen_id is None for caption in captions):
        return [replace(caption, sen_id=number) for number, caption in enumerate(captions)]
    return captions


def merge_by_video(captions: Sequence[VideoCaption]) -> list[VideoCaption]:
    """One entry a video, joined by ". ", in the order of ids, as by the report's `groupby`.

    If an entry has no id, each is on its own, in the order given.
    """
    if any(caption.video_id is None for caption in captions):
        return [replace(caption, sen_id=None) for caption in captions]
    by_video: dict[str, list[VideoCaption]] = {}
    for caption in captions:
        by_video.setdefault(str(caption.video_id), []).append(caption)
    return [
        replace(entries[0], caption=". ".join(entry.caption for entry in entries), sen_id=None)
        for _, entries in sorted(by_video.items())
    ]


def _parse_entry(entry: Any, location: str) -> list[VideoCaption]:
    """The captions of an entry, at least one."""
    if not isinstance(entry, Mapping):
        raise AffectError(f"{location} is no record; give {EXPECTED_FORMAT}")
    texts = next((entry[name] for name in CAPTION_KEYS if entry.get(name)), None)
    texts = texts if isinstance(texts, list) else [texts]
    if not all(isinstance(text, str) for text in texts) or not any(text.strip() for text in texts):
        raise AffectError(f"{location} has no {', '.join(CAPTION_KEYS[:-1])} or {CAPTION_KEYS[-1]}")
    video = _clean_value(entry.get("video"))
    video_id = next((value for key in ID_KEYS if (value := _clean_value(entry.get(key)))), None)
    if video_id is None and video is not None:
        video_id = PurePosixPath(video).stem if "." in video else video
    duration = _parse_seconds(entry.get("duration"), location)
    if video_id is None:  # nothing else tells which captions belong together
        texts = [". ".join(texts)]
    sen_id = _parse_sen_id(entry.get("sen_id"), location) if len(texts) == 1 else None
    return [
        VideoCaption(caption=text, video=video, video_id=video_id, duration=duration, sen_id=sen_id)
        for text in texts
    ]


def _parse_sen_id(value: Any, location: str) -> int | None:
    try:
        return None if value in (None, "") else int(value)
    except (TypeError, ValueError) as bad:
        raise AffectError(f"{location} has a sen_id that is no whole number: {value!r}") from bad


def _clean_value(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _parse_seconds(value: Any, location: str) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError) as bad:
        raise AffectError(f"{location} has a duration that is no number: {value!r}") from bad
    return seconds if math.isfinite(seconds) else None


Entries = Iterable[tuple[str, Any]]


def _parse_json(text: str) -> Entries:
    content = json.loads(text)
    if isinstance(content, dict):
        content = content.get("sentences", content.get("annotations", content))
    if isinstance(content, dict) and all(isinstance(texts, list) for texts in content.values()):
        return [
            (f"video {to_printable(name)}", {"video_id": name, "caption": texts})
            for name, texts in content.items()
        ]
    if not isinstance(content, list):
        raise ValueError('neither a list, an object with "sentences" nor one of captions by video id')
    return [(f"entry {number}", entry) for number, entry in enumerate(content, start=1)]


def _parse_jsonl(text: str) -> Entries:
    return [
        (f"line {number}", _parse_json_line(line, number)) for number, line in _number_lines(text)
    ]  # a list: errors have to be raised while the file is parsed


def _parse_json_line(line: str, line_number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as bad:
        raise ValueError(f"line {line_number}: {bad}") from bad


def _make_table_parser(delimiter: str) -> Callable[[str], Entries]:
    def parse(text: str) -> Entries:
        stream = io.StringIO(text, newline="")
        try:
            rows = list(csv.DictReader(stream, delimiter=delimiter))
        except csv.Error as bad:
            raise ValueError(str(bad)) from bad
        if rows and not set(CAPTION_KEYS) & set(rows[0]):
            raise ValueError(f"no column {', '.join(CAPTION_KEYS[:-1])} or {CAPTION_KEYS[-1]}")
        return [(f"row {number}", row) for number, row in enumerate(rows, start=1)]

    return parse


def _parse_plain_text(text: str) -> Entries:
    return [(f"line {number}", {"caption": line.strip()}) for number, line in _number_lines(text)]


def _number_lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(split_lines(text), start=1) if line.strip())


PARSERS: Mapping[str, Callable[[str], Entries]] = {
    ".json": _parse_json,
    ".jsonl": _parse_jsonl,
    ".ndjson": _parse_jsonl,
    ".csv": _make_table_parser(","),
    ".tsv": _make_table_parser("\t"),
}
