"""Captions from files of any common form, one entry a video as the emotion report merged them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from encoders.base import AffectError, printable
from encoders.text_files import split_lines
from experiments.datasets.records import reading

WORDS = ("caption", "text", "sentence")
IDS = ("video_id", "vid_key")
WANTED = "captions as a JSON list, JSONL, CSV or plain text, one a line"


@dataclass(frozen=True, kw_only=True)
class Captioned:
    """What is said of a video: its file and id and its length in seconds, each None where nobody told."""

    caption: str
    video: str | None = None
    video_id: str | None = None
    duration: float | None = None


def read(file: Path) -> list[Captioned]:
    """Captions of a file: .json (a list of records, or MSR-VTT's "sentences"), .jsonl, .csv, .tsv, or text.

    A record has a caption, text or sentence (or a list of them) and, if known, video, video_id and duration.
    Several captions of one video become one entry, joined by ". ", and entries are in the order of their ids,
    as the report's `groupby` has them. Without ids every caption stands alone, in the order of the file.
    Raises AffectError, naming the entry that can't be used.
    """
    if file.is_dir():
        raise AffectError(f"{printable(file)}: a folder; give {WANTED}")
    parse = PARSERS.get(file.suffix.lower(), _lines)
    found = [
        _captioned(entry, f"{printable(file)}: {where}") for where, entry in reading(file, parse, WANTED)
    ]
    if not found:
        raise AffectError(f"{printable(file)}: no captions; give {WANTED}")
    return merged(found)


def merged(found: Sequence[Captioned]) -> list[Captioned]:
    """One entry a video, in the order of ids; as they are if some have none."""
    if any(one.video_id is None for one in found):
        return list(found)
    videos: dict[str, list[Captioned]] = {}
    for one in found:
        videos.setdefault(str(one.video_id), []).append(one)
    return [
        replace(videos[name][0], caption=". ".join(one.caption for one in videos[name]))
        for name in sorted(videos)
    ]


def _captioned(entry: Any, where: str) -> Captioned:
    if not isinstance(entry, Mapping):
        raise AffectError(f"{where} is no record; give {WANTED}")
    said = next((entry[name] for name in WORDS if entry.get(name)), None)
    if isinstance(said, list):
        said = ". ".join(said) if all(isinstance(one, str) for one in said) else None
    if not isinstance(said, str) or not said.strip():
        raise AffectError(f"{where} has no {', '.join(WORDS[:-1])} or {WORDS[-1]}")
    video = _known(entry.get("video"))
    name = next((known for key in IDS if (known := _known(entry.get(key)))), None)
    if name is None and video is not None:
        name = PurePosixPath(video).stem if "." in video else video
    return Captioned(
        caption=said, video=video, video_id=name, duration=_seconds(entry.get("duration"), where)
    )


def _known(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _seconds(value: Any, where: str) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError) as bad:
        raise AffectError(f"{where} has a duration that is no number: {value!r}") from bad
    return seconds if math.isfinite(seconds) else None


Entries = Iterable[tuple[str, Any]]


def _json(text: str) -> Entries:
    found = json.loads(text)
    if isinstance(found, dict):
        found = found.get("sentences", found.get("annotations"))
    if not isinstance(found, list):
        raise ValueError('neither a list nor an object with "sentences"')
    return [(f"entry {number}", entry) for number, entry in enumerate(found, start=1)]


def _jsonl(text: str) -> Entries:
    return [
        (f"line {number}", _loaded(line, number)) for number, line in _numbered(text)
    ]  # a list: an error must come out while the file is being read


def _loaded(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as bad:
        raise ValueError(f"line {number}: {bad}") from bad


def _table(delimiter: str) -> Callable[[str], Entries]:
    def parse(text: str) -> Entries:
        stream = io.StringIO(text, newline="")
        try:
            rows = list(csv.DictReader(stream, delimiter=delimiter))
        except csv.Error as bad:
            raise ValueError(str(bad)) from bad
        if rows and not set(WORDS) & set(rows[0]):
            raise ValueError(f"no column {', '.join(WORDS[:-1])} or {WORDS[-1]}")
        return [(f"row {number}", row) for number, row in enumerate(rows, start=1)]

    return parse


def _lines(text: str) -> Entries:
    return [(f"line {number}", {"caption": line.strip()}) for number, line in _numbered(text)]


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(split_lines(text), start=1) if line.strip())


PARSERS: Mapping[str, Callable[[str], Entries]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
}
