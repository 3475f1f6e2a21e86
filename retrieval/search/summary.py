"""The summary of a result: what it shows, sounds like and feels like, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from encoders import MIN_CLASS_SCORE
from retrieval.search.hits import Hit
from spaces.circumplex import find_confident_landmark, is_uncertain

AFFECT_NAMES = ("valence", "arousal", "valence_sd", "arousal_sd")
MAX_NAMES = 2  # of labels, and of sound events
PARTS_OF_SCORE = {  # what is said where nothing is certain enough to be named, by term of the score
    "object": "nearest by what it shows",
    "activity": "nearest by what happens in it",
    "audio": "nearest by what it sounds like",
    "mood": "nearest by how it feels",
    "same file": "the file asked with",
}


def summarise_explanation(hit: Hit, explanation: Mapping[str, Any]) -> str:
    """Such as "shows: tabby cat; sounds: meow at 0:12; feels calm", of an explanation by `explain_hit`.

    Labels and sound events are named from MIN_CLASS_SCORE on, a mood where its estimate is certain enough
    for a word (see `find_confident_landmark`). Where none is, what gave most of the score; empty if that has
    no name either.
    """
    parts = [
        *_format_names("shows", _select_names(explanation["labels"])),
        *_format_names("sounds", _list_sounds(explanation)),
        *_format_feeling(hit),
    ]
    return "; ".join(parts) or _name_largest_part(hit, explanation["parts"]["sum"])


def format_time(seconds: float) -> str:
    """Minutes and seconds, such as "1:05", with hours from the first one on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _format_names(verb: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{verb}: {', '.join(names)}"


def _select_names(scored_classes: Sequence[tuple[str, float]]) -> list[str]:
    """The best of classes with scores, if they are certain enough."""
    return [name for name, score in scored_classes if score >= MIN_CLASS_SCORE][:MAX_NAMES]


def _list_sounds(explanation: Mapping[str, Any]) -> list[str]:
    """The sound at the moment that the query asks for, then the others of the segment."""
    names = [_to_sentence_case(name) for name in _select_names(explanation["events"])]
    if explanation["moment"] is None or explanation["moment_event"] is None:
        return names
    name = _to_sentence_case(explanation["moment_event"])
    others = [other for other in names if other != name]
    return [f"{name} at {format_time(explanation['moment'])}", *others][:MAX_NAMES]


def _format_feeling(hit: Hit) -> Iterator[str]:
    if hit.affect is None:
        return
    if word := find_confident_landmark([hit.affect[name] for name in AFFECT_NAMES]):
        yield f"feels {word}"


def _name_largest_part(hit: Hit, terms: Mapping[str, float]) -> str:
    """What gave most of the score; that little is known of a mood that did, where its estimate says so."""
    largest = max(terms, key=lambda name: terms[name], default="")
    if largest == "mood" and hit.affect and is_uncertain([hit.affect[name] for name in AFFECT_NAMES]):
        return "little is known of how it feels"
    return PARTS_OF_SCORE.get(largest, "")


def _to_sentence_case(name: str) -> str:
    """A class name without its capital, unless another follows."""
    return name[:1].lower() + name[1:] if name[1:] == name[1:].lower() else name
