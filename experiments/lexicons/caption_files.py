"""Captions from files in common formats, one entry a video, merged as in the emotion report."""

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
    """A video's captions, its file, its id and its duration in s; each of the latter None where unknown."""

    caption: str
    video: str | None = None
    video_id: str | None = None
    duration: float | None = None


def read_video_captions(path: Path) -> list[VideoCaption]:
    """Captions of a file: .json (a list of records, or MSR-VTT's "sentences"), .jsonl, .csv, .tsv, or text.

    A record has a caption, text or sentence (or a list of them) and, optionally, video, video_id and
    duration. Several captions of one video become one entry, joined by ". ", and entries are in the order
    of their ids, as by the report's `groupby`. Without ids each caption is an entry, in the order of the
    file. Raises AffectError, naming the malformed entry.
    """
    if path.is_dir():
        raise AffectError(f"{to_printable(path)}: a folder; give {EXPECTED_FORMAT}")
    parse = PARSERS.get(path.suffix.lower(), _parse_plain_text)
    captions = [
        _parse_entry(entry, f"{to_printable(path)}: {location}")
        for location, entry in parse_text_file(path, parse, EXPECTED_FORMAT)
    ]
    if not captions:
        raise AffectError(f"{to_printable(path)}: no captions; give {EXPECTED_FORMAT}")
    return merge_by_video(captions)


def merge_by_video(captions: Sequence[VideoCaption]) -> list[VideoCaption]:
    """One entry a video, in the order of ids; unchanged if an entry has no id."""
    if any(caption.video_id is None for caption in captions):
        return list(captions)
    by_video: dict[str, list[VideoCaption]] = {}
    for caption in captions:
        by_video.setdefault(str(caption.video_id), []).append(caption)
    return [
        replace(entries[0], caption=". ".join(entry.caption for entry in entries))
        for _, entries in sorted(by_video.items())
    ]


def _parse_entry(entry: Any, location: str) -> VideoCaption:
    if not isinstance(entry, Mapping):
        raise AffectError(f"{location} is no record; give {EXPECTED_FORMAT}")
    caption = next((entry[name] for name in CAPTION_KEYS if entry.get(name)), None)
    if isinstance(caption, list):
        caption = ". ".join(caption) if all(isinstance(text, str) for text in caption) else None
    if not isinstance(caption, str) or not caption.strip():
        raise AffectError(f"{location} has no {', '.join(CAPTION_KEYS[:-1])} or {CAPTION_KEYS[-1]}")
    video = _clean_value(entry.get("video"))
    video_id = next((value for key in ID_KEYS if (value := _clean_value(entry.get(key)))), None)
    if video_id is None and video is not None:
        video_id = PurePosixPath(video).stem if "." in video else video
    duration = _parse_seconds(entry.get("duration"), location)
    return VideoCaption(caption=caption, video=video, video_id=video_id, duration=duration)


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
        content = content.get("sentences", content.get("annotations"))
    if not isinstance(content, list):
        raise ValueError('neither a list nor an object with "sentences"')
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
