"""The fields of a query as users write them: parsed from the command line's text and from JSON."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from encoders import AffectError
from retrieval.features import SPACES
from retrieval.search.query_media import QueryMedia
from retrieval.storage import MODALITIES, find_on_disk
from spaces.circumplex import parse_mood


def parse_weights(text: str) -> dict[str, float]:
    """From "object=1,audio=.5"; a space not named weighs 1. Raises AffectError."""
    weights = dict.fromkeys(SPACES, 1.0)
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            raise AffectError(f"weight {part!r}: write it as object=1") from None
    validate_names("space", weights, SPACES)
    return weights


def parse_balance(text: str) -> float | dict[str, float]:
    """From "1.05", or from least shares of the exposure such as "image=.3,audio=.2". Raises AffectError."""
    try:
        if "=" not in text:
            return float(text)
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {name.strip(): float(share) for name, _, share in pairs}
    except ValueError:
        raise AffectError(f"balance {text!r}: write it as 1.05, or shares as image=.3,audio=.2") from None


def validate_balance(balance: float | Mapping[str, float], modalities: tuple[str, ...]) -> None:
    """Raises AffectError for a factor that is not above 0, and for shares that can't be had together."""
    if not isinstance(balance, Mapping):
        if not 0 < balance < math.inf:
            raise AffectError(
                f"balance is {balance}; it must be above 0 (1: by score alone, 1.05: the default)"
            )
        return
    validate_names("modality searched", balance, modalities)
    if not all(0 <= share <= 1 for share in balance.values()) or sum(balance.values()) > 1:
        shown = ", ".join(f"{name}={share:g}" for name, share in balance.items())
        raise AffectError(f"balance {shown}; shares lie between 0 and 1, and sum to 1 at most")


def parse_modalities(text: str) -> tuple[str, ...]:
    """From "image,video". Raises AffectError."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    validate_names("modality", names, MODALITIES)
    return names


def validate_query_text(text: str) -> None:
    """Raises AffectError for text that is blank or no Unicode."""
    if not text.strip():
        raise AffectError("the query text is empty; say what to look for")
    validate_unicode(text)


def validate_unicode(text: str) -> None:
    """Raises AffectError for words that came as bytes of another encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise AffectError(f"the query text is not Unicode: {text!r}") from None


def validate_names(label: str, names: Iterable[str], allowed: tuple[str, ...]) -> None:
    """Raises AffectError for a name that is not allowed; `label` says what it names."""
    for name in names:
        if name not in allowed:
            raise AffectError(f"no {label} {name!r}; choose from {', '.join(allowed)}")


def _parse_string(value: Any) -> str:
    if not isinstance(value, str):
        raise AffectError(f"{json.dumps(value)} stands where a string must be")
    return value


def _parse_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AffectError(f"{json.dumps(value)} stands where a number must be")
    return float(value)


def _parse_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise AffectError(f"{json.dumps(value)} stands where true or false must be")
    return value


def _parse_path(value: Any) -> Path:
    if "\0" in _parse_string(value) or not value:
        raise AffectError(f"{json.dumps(value)} is no file name")
    return find_on_disk(Path(value))


def _parse_media(value: Any) -> Path | QueryMedia:
    return value if isinstance(value, QueryMedia) else _parse_path(value)


def parse_date(text: str) -> datetime:
    """A moment from "2024", "2024-05", "2024-05-31" or "2024-05-31T18:30", in local time unless it says else.

    Raises AffectError for any other text.
    """
    padded = text + "2000-01-01"[len(text) :] if re.fullmatch(r"\d{4}(-\d\d)?", text) else text
    try:
        return datetime.fromisoformat(padded).astimezone()
    except (ValueError, OverflowError, OSError):
        raise AffectError(f"{text!r} is no date; write it as 2024-05-31") from None


def parse_folder(path: Path) -> Path:
    """The folder or file as the catalogue names it: absolute, symbolic links as they are."""
    return find_on_disk(Path(os.path.abspath(path)))  # noqa: PTH100 - Path.resolve follows links


def _parse_modality_list(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(map(_parse_string, value))
    return parse_modalities(_parse_string(value))


def _parse_mood_value(value: Any) -> tuple[float, float] | str:
    if isinstance(value, list | tuple):
        value = ",".join(map(str, map(_parse_number, value)))
    return parse_mood(_parse_string(value))


def _parse_mood_list(value: Any) -> tuple[tuple[float, float] | str, ...]:
    """Of one mood, or a list of moods; a list of numbers is one point."""
    is_list = isinstance(value, list | tuple)
    is_point = is_list and value and not any(isinstance(one, str | list | tuple) for one in value)
    return tuple(map(_parse_mood_value, value if is_list and not is_point else [value]))


def _parse_balance_value(value: Any) -> float | dict[str, float]:
    if isinstance(value, str):
        return parse_balance(value)
    if isinstance(value, dict):
        return {name: _parse_number(share) for name, share in value.items()}
    return _parse_number(value)


def _parse_string_list(value: Any) -> tuple[str, ...]:
    return tuple(map(_parse_string, value if isinstance(value, list | tuple) else [value]))


def _parse_weights(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return parse_weights(_parse_string(value))
    return {**dict.fromkeys(SPACES, 1.0), **{name: _parse_number(weight) for name, weight in value.items()}}


FIELD_PARSERS: dict[str, Callable[[Any], Any]] = {
    "text": _parse_string,
    "exclude": _parse_string_list,
    "item": _parse_string,
    "image": _parse_media,
    "audio": _parse_media,
    "video": _parse_media,
    "under": lambda value: parse_folder(_parse_path(value)),
    "since": lambda value: parse_date(_parse_string(value)),
    "until": lambda value: parse_date(_parse_string(value)),
    "modalities": _parse_modality_list,
    "weights": _parse_weights,
    "balance": _parse_balance_value,
    "diversify": _parse_number,
    "min_score": _parse_number,
    "fusion": _parse_string,
    "mood": _parse_mood_value,
    "radius": _parse_number,
    "then": _parse_mood_list,
    "nudges": _parse_string_list,
    "not_moods": _parse_mood_list,
    "affect": _parse_number,
    "mood_from_words": _parse_flag,
}
"""Of the fields of `Query` in JSON; others are taken as they are."""
FIELD_BY_JSON_NAME = {"not": "exclude", "nudge": "nudges", "not_mood": "not_moods"}
"""Names in JSON that differ from those in Python."""
