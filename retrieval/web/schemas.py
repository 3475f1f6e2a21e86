"""The JSON of the API, for its description in OpenAPI; answers are not made of these."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Error(_Body):
    """What was wrong, in one line."""

    error: str


class Affect(_Body):
    """An estimate of valence and arousal, each in [-1, 1], with standard deviations."""

    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float


class Result(_Body):
    """One result, as `affect search --json` prints it."""

    rank: int
    id: str
    path: str
    modality: str
    score: float
    spaces: dict[str, float | None]
    start: float | None
    end: float | None
    affect: Affect | None
    mood: float | None
    group: str | None = Field(description="id of the first result that it nearly duplicates")
    why: dict[str, Any] | None = Field(None, description="where it was asked for")
    summary: str | None = Field(None, description="why, in one line")


class SearchAnswer(_Body):
    """What `affect search --json` prints, with the warnings that it logs and the time it took."""

    query: dict[str, Any]
    results: list[Result]
    note: str | None = Field(None, description="where nothing was found, or nothing matches well")
    balance: float | None = Field(None, description="with wanted shares of exposure alone")
    exposure: dict[str, float] | None = Field(None, description="with wanted shares of exposure alone")
    warnings: list[str]
    took_ms: float


class Upload(_Body):
    """A file that was sent to search with."""

    upload: str
    modality: str
    name: str
    seconds: float | None


class Folder(_Body):
    """A folder, and the number of items at or below it."""

    path: str
    items: int


class Landmark(_Body):
    """A word for a mood and its point."""

    word: str
    valence: float
    arousal: float


class LibraryInfo(_Body):
    """What the library holds, and whether it can be searched now."""

    library: str
    items: dict[str, int]
    files: int
    segments: int
    unreadable: int
    missing: int
    spaces: list[str]
    folders: list[Folder]
    landmarks: list[Landmark]
    moods: list[str]
    segment: float | None
    version: str
    fusion: list[str]
    state: str
    notice: str | None


class ListedItem(_Body):
    """An item in a list; date: when its file was changed."""

    id: str
    path: str
    modality: str
    duration: float | None
    affect: Affect | None
    date: str | None


class ItemPage(_Body):
    """A page of a list, and how many items the whole list has."""

    total: int
    items: list[ListedItem]


class Face(_Body):
    """A face in a frame: its upper left corner and size as shares of the frame's; null seconds in a photo."""

    seconds: float | None
    x: float
    y: float
    width: float
    height: float
    confidence: float


class ItemSegment(_Body):
    """A segment in seconds, null for a picture, and its affect."""

    start: float | None
    end: float | None
    affect: Affect | None


class Item(ListedItem):
    """An item; missing: whether none of its files was there when the library was last indexed."""

    paths: list[str]
    width: int | None
    height: int | None
    segments: list[ItemSegment]
    labels: list[tuple[str, float]]
    events: list[tuple[str, float]]
    faces: list[Face]
    incomplete: str | None
    missing: bool


class Waveform(_Body):
    """Peaks in [0, 1] of equal parts of a sound of so many seconds."""

    peaks: list[float]
    seconds: float


class MapColumns(_Body):
    """Items whose affect is known, or a sample of them, column by column.

    total: how many there are; modalities: positions in modality_names
    """

    total: int
    ids: list[str]
    modalities: list[int]
    modality_names: list[str]
    valence: list[float]
    arousal: list[float]
    valence_sd: list[float]
    arousal_sd: list[float]
    names: list[str]


class UnreadableFile(_Body):
    """A file that could not be read, and why."""

    path: str
    reason: str


class Job(_Body):
    """The command that runs, or ran last, and the folders indexed before.

    summary: what `affect index --json` printed at its end
    writer: id of the process that writes to the library, where it is another one; "unknown" if it is not told
    """

    job: str | None
    running: bool
    progress: dict[str, Any] | None
    summary: dict[str, Any] | None
    error: str | None
    log: list[str]
    writer: str | None
    roots: list[str]


class Captions(_Body):
    """Captions by item."""

    captions: dict[str, str]
