"""Answers as one HTML page: links to the files, players at the moment found, nothing from elsewhere."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment

from encoders.base import AffectError, printable
from retrieval.report.terminal import mood_line, mood_of, when
from retrieval.report.thumbnails import Moment, thumbnails
from retrieval.search.engine import Hit
from retrieval.search.query import Query
from retrieval.storage.library import Library

Reasons = Sequence[Mapping[str, Any]]
Answer = tuple[Query, Sequence[Hit], Reasons | None]
FOUND = {"image": "photos", "video": "videos", "audio": "sounds"}
MOST = 400  # thumbnails on a page, about 20 kB each; results beyond have none
MEDIA = {"audio", "video"}  # modalities that play over time


def write_page(file: Path, library: Library, answers: Sequence[Answer]) -> None:
    """Write a page with a section a query, its reasons where there are any.

    Raises AffectError if the file can't be written.
    """
    shown = [moment for query, hits, _ in answers for moment in [*_of_query(query), *map(_of_hit, hits)]]
    pictures = thumbnails(list(dict.fromkeys(shown))[:MOST], library.segment)
    template = (files("retrieval") / "page.html").read_text(encoding="utf-8")
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
    folder = Path(os.path.normpath(file.absolute())).parent
    html = page.render(
        title="affect search",
        subtitle=_held(library),
        sections=[_section(pictures, folder, *answer) for answer in answers],
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    except OSError as bad:
        raise AffectError(f"{printable(file)}: {bad.strerror}") from bad


def link_to(path: str, folder: Path, start: float | None = None, end: float | None = None) -> str:
    """A URI of a file for a page in `folder`: relative where both lie in one folder below the root.

    Every byte of the name outside unreserved ASCII is percent-encoded, whether it is UTF-8 or not. Times in
    seconds are added as a media fragment (W3C Media Fragments 1.0). A page reached through a symbolic link
    gets absolute URIs: browsers resolve ".." by the address they were given.
    """
    place = Path(os.path.normpath(Path(path).absolute()))
    near = os.path.commonpath([place, folder]) != os.path.sep and os.path.realpath(folder) == str(folder)
    uri = quote(os.fsencode(os.path.relpath(place, folder))) if near else place.as_uri()
    if start is None or end is None:
        return uri
    return f"{uri}#t={start:.3f},{end:.3f}"


def _held(library: Library) -> str:
    """ "3 sounds, 12 photos" """
    counts = library.catalog.all("SELECT modality, count(*) FROM items GROUP BY modality ORDER BY modality")
    return ", ".join(f"{count} {FOUND[modality]}" for modality, count in counts)


def _of_query(query: Query) -> list[Moment]:
    return [(Path(path), 0.0) for path in (query.image, query.video, query.audio) if path is not None]


def _of_hit(hit: Hit) -> Moment:
    return Path(hit.path), hit.start or 0.0


def _section(
    pictures: Mapping[Moment, str], folder: Path, query: Query, hits: Sequence[Hit], reasons: Reasons | None
) -> dict[str, Any]:
    return {
        "asked": ", ".join(_asked(kind, value) for kind, value in query.parts.items()) or "by mood",
        "mood": _mood(query),
        "pictures": [pictures[moment] for moment in _of_query(query) if moment in pictures],
        "hits": [
            {**_hit(pictures, folder, hit), "reasons": list(_reasons(reason))}
            for hit, reason in zip(hits, reasons or [{}] * len(hits), strict=True)
        ],
    }


def _asked(kind: str, value: Any) -> str:
    if kind == "text":
        return f"“{value}”"
    return f"{kind} {value if kind == 'item' else printable(Path(value).name)}"


def _mood(query: Query) -> str:
    """ "mood calm: valence +0.54, arousal -0.52, dial 0.5", "its own mood, dial 0.3"; empty at 0."""
    return f"{mood_line(query) or 'its own mood'}, dial {query.dial:g}" if query.dial else ""


def _hit(pictures: Mapping[Moment, str], folder: Path, hit: Hit) -> dict[str, Any]:
    guessed = mimetypes.guess_type(hit.path)[0] or ""
    plays = hit.modality in MEDIA and not guessed.startswith("image/")  # a GIF moves, and is no film
    return {
        "rank": hit.rank,
        "name": printable(Path(hit.path).name),
        "link": link_to(hit.path, folder, *((hit.start, hit.end) if plays else ())),
        "player": hit.modality if plays else "",
        "modality": hit.modality,
        "when": when(hit.start, hit.end),
        "score": hit.score,
        "spaces": hit.spaces,
        "mood": mood_of(hit.affect) if hit.affect else "",
        "picture": pictures.get(_of_hit(hit)),
    }


def _reasons(reason: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Headings and rows of name and value, of what `retrieval.search.explain.why` tells; without empty ones."""
    if not reason:
        return
    told = {
        "Looks like": [(name, f"{share:.2f}") for name, share in reason["labels"]],
        "Scores": [(view, f"{score:.2f}") for view, score in reason["views"].items()],
        "Faces": [(name, f"{value:.2f}") for name, value in (reason["faces"] or {}).items()],
        "Mood by sense": [(sense, mood_of(row)) for sense, row in reason["affect"].items() if row],
    }
    yield from ((heading, rows) for heading, rows in told.items() if rows)
