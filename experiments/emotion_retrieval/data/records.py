"""Records of captions in the emotion report's format, read strictly and written back.

A file is a JSON list of {"video", "video_id", "caption", "duration", "emotion", "positive", "negative",
"neutral", "joy", ..., "anger"}, with "sen_id" where a row is one of several captions of a video.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from encoders import AffectError, compute_nrc_columns, describe_os_error, to_printable, write_atomically
from encoders.lexicon import EMOTIONS, NRC_COLUMNS
from experiments.datasets.records import parse_text_file

EXPECTED_FORMAT = 'a JSON list of records with "video_id" and "caption"'
POLARITIES = tuple(name for name in NRC_COLUMNS if name not in EMOTIONS)
VIDEO_SUFFIX = ".mp4"  # of a record that names no file


@dataclass(frozen=True, kw_only=True)
class EmotionRecord:
    """A caption of a video.

    video:    name of the video's file
    sen_id:   number of the caption, where a video has several records
    duration: of the video in s
    emotion:  whether it is emotional by the report's rule, VADER's sentiment or a keyword
    emotions: (8,) counts of NRC's words, in the order of EMOTIONS
    polarity: (3,) in the order of POLARITIES: positive and negative words, 1 for neutral without either

    All but the first two are None where the file has none.
    """

    video_id: str
    caption: str
    video: str
    sen_id: int | None = None
    duration: float | None = None
    emotion: bool | None = None
    emotions: tuple[float, ...] | None = None
    polarity: tuple[float, ...] | None = None

    @property
    def counts(self) -> tuple[float, ...]:
        """(8,) `emotions`, counted by the lexicon where the file has none."""
        if self.emotions is not None:
            return self.emotions
        columns = compute_nrc_columns(self.caption)
        return tuple(columns[name] for name in EMOTIONS)

    def to_json(self) -> dict[str, Any]:
        """The record as in the report's files: all eleven columns, sen_id only where there is one."""
        columns = compute_nrc_columns(self.caption)
        columns |= dict(zip(POLARITIES, self.polarity, strict=True)) if self.polarity else {}
        columns |= dict(zip(EMOTIONS, self.counts, strict=True))
        return {
            "video": self.video, "video_id": self.video_id, "caption": self.caption,
            **({} if self.sen_id is None else {"sen_id": self.sen_id}),
            "duration": self.duration, **({} if self.emotion is None else {"emotion": int(self.emotion)}),
            **columns,
        }  # fmt: skip


def read_records(path: Path) -> list[EmotionRecord]:
    """The records of a file, in its order; a caption that is a list becomes a record of each text.

    Raises AffectError, naming the entry, for no or an empty caption, a record without a video, some of the
    emotions without the others, numbers out of range, a caption given twice, or no record at all.
    """
    where = to_printable(path)
    content = parse_text_file(path, json.loads, EXPECTED_FORMAT)
    if not isinstance(content, list):
        raise AffectError(f"{where}: not {EXPECTED_FORMAT}")
    if not content:
        raise AffectError(f"{where}: no records; give {EXPECTED_FORMAT}")
    records: list[EmotionRecord] = []
    first_entries: dict[tuple[str, object], int] = {}
    for number, entry in enumerate(content, start=1):
        location = f"{where}: entry {number}"
        parsed = _parse_entry(entry, location)
        first = parsed[0]
        key = (first.video_id, first.caption if first.sen_id is None else first.sen_id)
        if key in first_entries:
            what = "caption" if first.sen_id is None else "sen_id"
            raise AffectError(
                f"{location} repeats the {what} of entry {first_entries[key]}, both of "
                f"{to_printable(first.video_id)}; remove one"
            )
        first_entries[key] = number
        records += parsed
    return records


def write_records(path: Path, records: Sequence[EmotionRecord]) -> None:
    """Write records as `read_records` reads them. Raises AffectError where the file can't be written."""
    text = json.dumps([record.to_json() for record in records], ensure_ascii=False)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise AffectError(f"{to_printable(path)}: {describe_os_error(error)}") from error


def require_video_ids(records: Iterable[EmotionRecord], known_ids: Iterable[str], source: str) -> None:
    """Raise AffectError if a record is of a video that `source` hasn't."""
    known = set(known_ids)
    if unknown := list(dict.fromkeys(one.video_id for one in records if one.video_id not in known)):
        raise AffectError(
            f"{len(unknown)} videos are not in {source}: the first is {to_printable(unknown[0])}"
        )


def _parse_entry(entry: Any, location: str) -> list[EmotionRecord]:
    """The records of an entry, at least one."""
    if not isinstance(entry, Mapping):
        raise AffectError(f"{location} is no record; give {EXPECTED_FORMAT}")
    video_id, video = _parse_video(entry, location)
    captions = entry.get("caption")
    captions = captions if isinstance(captions, list) else [captions]
    if "caption" not in entry:
        raise AffectError(f'{location} has no "caption"')
    if not captions or not all(isinstance(text, str) and text.strip() for text in captions):
        raise AffectError(f"{location} has an empty caption or one that is no text")
    sen_id = entry.get("sen_id")
    if sen_id is not None and (type(sen_id) is not int or len(captions) > 1):
        raise AffectError(f"{location} has a sen_id that is no whole number, or one for several captions")
    duration = entry.get("duration")
    if duration is not None:
        duration = _parse_number(duration, "duration", location)
    emotions = _parse_columns(entry, EMOTIONS, location)
    polarity = _parse_columns(entry, POLARITIES, location)
    emotion = _parse_flag(entry.get("emotion"), location)
    return [
        EmotionRecord(
            video_id=video_id, video=video, caption=text, sen_id=sen_id, duration=duration, emotion=emotion,
            emotions=emotions, polarity=polarity,
        )
        for text in captions
    ]  # fmt: skip


def _parse_video(entry: Mapping[str, Any], location: str) -> tuple[str, str]:
    """(video_id, video): each from the other where there is one alone."""
    video_id, video = entry.get("video_id"), entry.get("video")
    for name, value in (("video_id", video_id), ("video", video)):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise AffectError(f"{location} has a {name} that is no name: {value!r}")
    if video_id is None and video is None:
        raise AffectError(f'{location} has no "video_id" and no "video"')
    return video_id or PurePosixPath(str(video)).stem, video or f"{video_id}{VIDEO_SUFFIX}"


def _parse_columns(entry: Mapping[str, Any], names: Sequence[str], location: str) -> tuple[float, ...] | None:
    """The numbers of these columns; None where the entry has none of them."""
    missing = [name for name in names if entry.get(name) is None]
    if len(missing) == len(names):
        return None
    if missing:
        raise AffectError(f"{location} has some of {', '.join(names)} but not {', '.join(missing)}")
    return tuple(_parse_number(entry[name], name, location) for name in names)


def _parse_number(value: Any, name: str, location: str) -> float:
    """A number, 0 or more."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise AffectError(f"{location} has a {name} that is no number of 0 or more: {value!r}")
    return float(value)


def _parse_flag(value: Any, location: str) -> bool | None:
    if value is not None and value not in (0, 1):
        raise AffectError(f'{location} has an "emotion" that is neither 0 nor 1: {value!r}')
    return None if value is None else bool(value)
