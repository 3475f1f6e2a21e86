"""What is asked: one query of one or more parts, and what it may be answered with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from encoders.base import AffectError
from encoders.text_files import iterate_lines
from retrieval.features.spaces import SPACES
from retrieval.storage.unicode_names import find_on_disk
from spaces.circumplex import parse_mood

MODALITIES = ("image", "video", "audio")
DEFAULT_BALANCE = 1.05  # how strongly a merged list alternates between modalities; 1 is by score alone


@dataclass(frozen=True, kw_only=True)
class PhraseAffect:
    """A phrase as a text regressor reads it: a point (valence, arousal) and the SD of each."""

    phrase: str
    point: tuple[float, float]
    sds: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Query:
    """Words, an image, a sound, a video, an item of the library, or several of them as one question.

    mood:   to be near to: (valence, arousal) in [-1, 1], or words. A landmark such as "calm" becomes its
            point here; any other phrase is read by the library's text regressor in the search, see
            `retrieval.search.affect_search.resolve_mood`. Without a mood, a dial above 0 goes by that of
            what is asked with
    affect: the dial from 0, by content alone, to 1, by mood alone; see `affect_weight`

    Raises AffectError where a value makes no sense.
    """

    text: str | None = None
    image: Path | None = None
    audio: Path | None = None
    video: Path | None = None
    item: str | None = None
    k: int = 10
    modalities: tuple[str, ...] = MODALITIES
    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SPACES, 1.0))
    balance: float = DEFAULT_BALANCE
    min_score: float = 0.0
    mood: tuple[float, float] | str | PhraseAffect | None = None
    affect: float | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        if self.text is not None:
            _validate_query_text(self.text)
        if not self.parts and self.mood is None:
            raise AffectError("nothing to look for; give words, --image, --audio, --video, --item or --mood")
        self._validate_mood()
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise AffectError(f"k is {self.k!r}; it must be a whole number of at least 1")
        _validate_names("modality", self.modalities, MODALITIES)
        _validate_names("space", self.weights, SPACES)
        if len(set(self.modalities)) < len(self.modalities):
            raise AffectError(f"a modality is named twice: {', '.join(self.modalities)}")
        if not self.modalities:
            raise AffectError(f"no modality to search; choose from {', '.join(MODALITIES)}")
        if not all(math.isfinite(w) and w >= 0 for w in self.weights.values()) or not any(
            self.weights.values()
        ):
            raise AffectError("weights must be finite, not negative, and not all zero")
        if not (math.isfinite(self.balance) and self.balance > 0):
            raise AffectError(
                f"balance is {self.balance}; it must be above 0 (1: by score alone, 1.05: the default)"
            )
        if not 0 <= self.min_score <= 1:
            raise AffectError(f"the least score is {self.min_score}; it must be between 0 and 1")

    def _validate_mood(self) -> None:
        if isinstance(self.mood, str):
            validate_unicode(self.mood)
            object.__setattr__(self, "mood", parse_mood(self.mood))  # landmarks are points from here on
        if self.target_affect is not None and not all(
            math.isfinite(one) and -1 <= one <= 1 for one in self.target_affect
        ):
            raise AffectError(f"the mood is {self.mood}; valence and arousal lie between -1 and 1")
        if self.affect is not None and not 0 <= self.affect <= 1:
            raise AffectError(f"affect is {self.affect}; it must be between 0 (content) and 1 (mood)")
        if self.affect not in (None, 1) and not self.parts:
            raise AffectError(
                f"affect is {self.affect:g}, and only a mood is asked for; give content too, or no affect"
            )

    @property
    def target_affect(self) -> tuple[float, float] | None:
        """(valence, arousal) of the mood asked for; None without one, or while a phrase waits to be read."""
        if isinstance(self.mood, PhraseAffect):
            return self.mood.point
        return None if isinstance(self.mood, str) else self.mood

    @property
    def affect_weight(self) -> float:
        """0 by content alone to 1 by mood alone: as given, else half for a mood beside content."""
        if not self.parts:
            return 1.0
        if self.affect is not None:
            return self.affect
        return 0.0 if self.mood is None else 0.5

    @property
    def parts(self) -> dict[str, Any]:
        """What was given, by kind, in a fixed order."""
        given = {kind: getattr(self, kind) for kind in ("text", "image", "audio", "video", "item")}
        return {kind: value for kind, value in given.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """The parts as echoed in an answer; a path is one that opens the file (surrogateescape)."""
        echoed: dict[str, Any] = {kind: str(value) for kind, value in self.parts.items()}
        if self.mood is not None:
            echoed["mood"] = self.mood if self.target_affect is None else list(self.target_affect)
        if isinstance(self.mood, PhraseAffect):
            echoed |= {"mood_phrase": self.mood.phrase, "mood_sd": list(self.mood.sds)}
        return {**echoed, "affect": self.affect_weight} if self.affect_weight else echoed

    @classmethod
    def from_json(cls, json_object: Mapping[str, Any], defaults: Mapping[str, Any]) -> Self:
        """From one line of a query file; `defaults` fill in what the line leaves out. Raises AffectError."""
        own = {key: value for key, value in json_object.items() if key != "id"}
        values = {key: v for part in (defaults, own) for key, v in part.items() if v is not None}
        known = {f.name for f in fields(cls)}
        if unknown := set(values) - known:
            raise AffectError(
                f"no such field: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}"
            )
        try:
            return cls(
                **{key: _FIELD_PARSERS.get(key, _return_value)(value) for key, value in values.items()}
            )
        except (TypeError, ValueError, OverflowError) as bad:
            raise AffectError(f"{bad}") from bad


def parse_weights(text: str) -> dict[str, float]:
    """From "object=1,audio=.5"; a space not named weighs 1. Raises AffectError."""
    weights = dict.fromkeys(SPACES, 1.0)
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            raise AffectError(f"weight {part!r}: write it as object=1") from None
    _validate_names("space", weights, SPACES)
    return weights


def parse_modalities(text: str) -> tuple[str, ...]:
    """From "image,video". Raises AffectError."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    _validate_names("modality", names, MODALITIES)
    return names


def read_queries(
    lines: Iterable[str | bytes], defaults: Mapping[str, Any]
) -> Iterator[tuple[Any, Query | AffectError]]:
    """(id, query) of each line that is not blank; a bad line gives its error instead and costs no other."""
    for number, line in enumerate(iterate_lines(lines), 1):
        if not line.strip():
            continue
        name: Any = number
        try:
            given = json.loads(line)
            if not isinstance(given, dict):
                raise AffectError("a query is a JSON object")
            name = given.get("id", number)
            yield name, Query.from_json(given, defaults)
        except json.JSONDecodeError as bad:
            yield name, AffectError(f"line {number}: not JSON ({bad.msg} at column {bad.colno})")
        except (ValueError, RecursionError) as bad:  # not UTF-8, a number of 5,000 digits, 1,000 brackets
            yield name, AffectError(f"line {number}: not JSON that can be read ({bad})")
        except AffectError as bad:
            yield name, AffectError(f"line {number}: {bad}")


def _validate_query_text(text: str) -> None:
    if not text.strip():
        raise AffectError("the query text is empty; say what to look for")
    validate_unicode(text)


def validate_unicode(text: str) -> None:
    """Raises AffectError for words that came as bytes of another encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise AffectError(f"the query text is not Unicode: {text!r}") from None


def _validate_names(label: str, names: Iterable[str], allowed: tuple[str, ...]) -> None:
    for name in names:
        if name not in allowed:
            raise AffectError(f"no {label} {name!r}; choose from {', '.join(allowed)}")


def _return_value(value: Any) -> Any:
    return value


def _parse_string(value: Any) -> str:
    if not isinstance(value, str):
        raise AffectError(f"{json.dumps(value)} stands where a string must be")
    return value


def _parse_path(value: Any) -> Path:
    if "\0" in _parse_string(value) or not value:
        raise AffectError(f"{json.dumps(value)} is no file name")
    return find_on_disk(Path(value))


def _parse_modality_list(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(map(_parse_string, value))
    return parse_modalities(_parse_string(value))


def _parse_mood_value(value: Any) -> tuple[float, float] | str:
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    return parse_mood(_parse_string(value))


def _parse_weights(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return parse_weights(_parse_string(value))
    return {**dict.fromkeys(SPACES, 1.0), **{name: float(weight) for name, weight in value.items()}}


_FIELD_PARSERS: dict[str, Callable[[Any], Any]] = {
    "text": _parse_string,
    "item": _parse_string,
    "image": _parse_path,
    "audio": _parse_path,
    "video": _parse_path,
    "modalities": _parse_modality_list,
    "weights": _parse_weights,
    "balance": float,
    "min_score": float,
    "mood": _parse_mood_value,
    "affect": float,
}
