"""Answers as one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from encoders.base import AffectError, printable
from retrieval.about import about
from retrieval.engine import Hit
from retrieval.library import Library
from retrieval.query import Query
from retrieval.show import when
from retrieval.thumbs import Thumbnails

Answer = tuple[Query, Sequence[Hit]]
FOUND = {"image": "photos", "video": "videos", "audio": "sounds"}


def write_page(file: Path, library: Library, answers: Sequence[Answer]) -> None:
    """Write a page with a section a query. Raises AffectError if the file can't be written."""
    with Thumbnails(library.segment) as thumbnails:
        sections = [_section(thumbnails, query, hits) for query, hits in answers]
    template = Environment(autoescape=True).from_string((files("retrieval") / "page.html").read_text())
    items = about(library)["items"]
    held = ", ".join(f"{count} {FOUND[modality]}" for modality, count in items.items())
    html = template.render(title="affect search", subtitle=f"{held}", sections=sections)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    except OSError as bad:
        raise AffectError(f"{printable(file)}: {bad.strerror}") from bad


def _section(thumbnails: Thumbnails, query: Query, hits: Sequence[Hit]) -> dict[str, Any]:
    asked = [thumbnails.uri(path) for path in (query.image, query.video, query.audio) if path is not None]
    return {
        "asked": ", ".join(_asked(kind, value) for kind, value in query.parts.items()),
        "pictures": [uri for uri in asked if uri],
        "hits": [_hit(thumbnails, hit) for hit in hits],
    }


def _asked(kind: str, value: Any) -> str:
    if kind == "text":
        return f"“{value}”"
    return f"{kind} {value if kind == 'item' else printable(Path(value).name)}"


def _hit(thumbnails: Thumbnails, hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "name": printable(Path(hit.path).name),
        "modality": hit.modality,
        "when": when(hit.start, hit.end),
        "score": hit.score,
        "spaces": hit.spaces,
        "picture": thumbnails.uri(hit.path, hit.start),
    }
