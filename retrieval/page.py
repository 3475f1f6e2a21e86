"""Answers as one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from encoders.base import AffectError, printable
from retrieval.engine import Hit
from retrieval.library import Library
from retrieval.query import Query
from retrieval.show import mood_of, when
from retrieval.thumbs import Moment, thumbnails
from spaces.circumplex import DIMENSIONS

Answer = tuple[Query, Sequence[Hit]]
FOUND = {"image": "photos", "video": "videos", "audio": "sounds"}


def write_page(file: Path, library: Library, answers: Sequence[Answer]) -> None:
    """Write a page with a section a query. Raises AffectError if the file can't be written."""
    shown = {moment for query, hits in answers for moment in [*_of_query(query), *map(_of_hit, hits)]}
    pictures = thumbnails(shown, library.segment)
    sections = [_section(pictures, query, hits) for query, hits in answers]
    template = (files("retrieval") / "page.html").read_text(encoding="utf-8")
    page = Environment(autoescape=True).from_string(template)
    html = page.render(title="affect search", subtitle=_held(library), sections=sections)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    except OSError as bad:
        raise AffectError(f"{printable(file)}: {bad.strerror}") from bad


def _held(library: Library) -> str:
    """ "3 sounds, 12 photos" """
    counts = library.catalog.all("SELECT modality, count(*) FROM items GROUP BY modality ORDER BY modality")
    return ", ".join(f"{count} {FOUND[modality]}" for modality, count in counts)


def _of_query(query: Query) -> list[Moment]:
    return [(Path(path), 0.0) for path in (query.image, query.video, query.audio) if path is not None]


def _of_hit(hit: Hit) -> Moment:
    return Path(hit.path), hit.start or 0.0


def _section(pictures: Mapping[Moment, str], query: Query, hits: Sequence[Hit]) -> dict[str, Any]:
    return {
        "asked": ", ".join(_asked(kind, value) for kind, value in query.parts.items()) or "by mood",
        "mood": _mood(query),
        "pictures": [pictures[moment] for moment in _of_query(query) if moment in pictures],
        "hits": [_hit(pictures, hit) for hit in hits],
    }


def _asked(kind: str, value: Any) -> str:
    if kind == "text":
        return f"“{value}”"
    return f"{kind} {value if kind == 'item' else printable(Path(value).name)}"


def _mood(query: Query) -> str:
    """ "calm +0.54 -0.52, dial 0.5", "its own mood, dial 0.3"; empty by content alone."""
    if not query.dial:
        return ""
    point = "its own mood" if query.mood is None else mood_of(dict(zip(DIMENSIONS, query.mood, strict=True)))
    return f"{point}, dial {query.dial:g}"


def _hit(pictures: Mapping[Moment, str], hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "name": printable(Path(hit.path).name),
        "modality": hit.modality,
        "when": when(hit.start, hit.end),
        "score": hit.score,
        "spaces": hit.spaces,
        "mood": mood_of(hit.affect),
        "picture": pictures.get(_of_hit(hit)),
    }
