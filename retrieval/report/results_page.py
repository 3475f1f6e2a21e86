"""Search results as one HTML page: links to files, players at the matched segment, no external resources."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any
from urllib.parse import quote

from encoders import AffectError, to_printable
from retrieval.report.modality_style import MODALITY_PLURALS
from retrieval.report.templates import render_template
from retrieval.report.terminal import (
    format_affect,
    format_course_step,
    format_moment,
    format_query_mood,
    format_time_span,
)
from retrieval.report.thumbnails import ItemMoment, Moment, load_thumbnails
from retrieval.search import Answer, Hit, Query, summarise_explanation
from retrieval.storage import AnyLibrary

MAX_THUMBNAILS = 400  # thumbnails on a page, about 20 kB each; further results have none
TIMED_MODALITIES = {"audio", "video"}  # modalities that play over time


def write_results_page(path: Path, library: AnyLibrary, answers: Sequence[Answer]) -> None:
    """Write a page with a section per query, with what is to be said of its results, and why they were found.

    Raises AffectError if the file can't be written.
    """
    moments = [
        moment
        for answer in answers
        for moment in [*_list_query_moments(answer.query), *map(_get_hit_moment, answer.results.hits)]
    ]
    thumbnails = load_thumbnails(library, list(dict.fromkeys(moments))[:MAX_THUMBNAILS])
    folder = Path(os.path.normpath(path.absolute())).parent
    html = render_template(
        "page.html",
        title="affect search",
        subtitle=_format_item_counts(library),
        sections=[_make_section(thumbnails, folder, answer) for answer in answers],
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise AffectError(f"{to_printable(path)}: {error.strerror}") from error


def make_media_link(path: str, folder: Path, start: float | None = None, end: float | None = None) -> str:
    """A URI of a file for a page in `folder`: relative where both lie in one folder below the root.

    Every byte of the name outside unreserved ASCII is percent-encoded, whether it is UTF-8 or not. Times in
    seconds are added as a media fragment (W3C Media Fragments 1.0). A page reached through a symbolic link
    gets absolute URIs, because browsers resolve ".." against the address as typed.
    """
    target = Path(os.path.normpath(Path(path).absolute()))
    use_relative_uri = os.path.commonpath([target, folder]) != os.path.sep and os.path.realpath(
        folder
    ) == str(folder)
    uri = quote(os.fsencode(os.path.relpath(target, folder))) if use_relative_uri else target.as_uri()
    if start is None or end is None:
        return uri
    return f"{uri}#t={start:.3f},{end:.3f}"


def _format_item_counts(library: AnyLibrary) -> str:
    """Item counts by modality, such as "3 sounds, 12 photos"."""
    counts = library.catalog.count_items_by_modality()
    return ", ".join(f"{count} {MODALITY_PLURALS[modality]}" for modality, count in counts.items())


def _list_query_moments(query: Query) -> list[ItemMoment]:
    return [
        ItemMoment(path=Path(str(path)))
        for path in (query.image, query.video, query.audio)
        if path is not None
    ]


def _get_hit_moment(hit: Hit) -> ItemMoment:
    return ItemMoment(path=Path(hit.path), item_id=hit.id, start=hit.start, end=hit.end)


def _make_section(thumbnail_by_moment: Mapping[Moment, str], folder: Path, answer: Answer) -> dict[str, Any]:
    query = answer.query
    return {
        "query": ", ".join([*starmap(_format_query_part, query.parts.items()), *_list_exclusions(query)])
        or "by mood",
        "affect_query": _format_mood_and_dial(query),
        "notes": [*(query.reading.warnings if query.reading else []), *filter(None, [answer.results.note])],
        "query_thumbnails": [
            thumbnail_by_moment[moment.key]
            for moment in _list_query_moments(query)
            if moment.key in thumbnail_by_moment
        ],
        "hits": [
            {
                **_make_hit_entry(thumbnail_by_moment, folder, hit),
                **_make_explanation_entry(hit, answer.explanations.get(hit.id)),
            }
            for hit in answer.results.hits
        ],
    }


def _make_explanation_entry(hit: Hit, explanation: Mapping[str, Any] | None) -> dict[str, Any]:
    if explanation is None:
        return {"summary": "", "explanation_tables": []}
    return {
        "summary": summarise_explanation(hit, explanation),
        "explanation_tables": list(_list_explanation_tables(explanation)),
    }


def _list_exclusions(query: Query) -> list[str]:
    negatives = query.reading.negatives if query.reading else query.exclude
    return [f"not “{text}”" for text in negatives]


def _format_query_part(part_name: str, value: Any) -> str:
    if part_name == "text":
        return f"“{value}”"
    return f"{part_name} {value if part_name == 'item' else to_printable(Path(value).name)}"


def _format_mood_and_dial(query: Query) -> str:
    """Moods and dial of a query, such as "its own mood, dial 0.3"; at dial 0 only what is not wanted."""
    if not query.affect_weight:
        return "" if query.names_mood else format_query_mood(query)
    return f"{format_query_mood(query) or 'its own mood'}, dial {query.affect_weight:g}"


def _make_hit_entry(thumbnail_by_moment: Mapping[Moment, str], folder: Path, hit: Hit) -> dict[str, Any]:
    mime_type = mimetypes.guess_type(hit.path)[0] or ""
    is_playable = hit.modality in TIMED_MODALITIES and not mime_type.startswith(
        "image/"
    )  # an animated GIF is shown as an image
    return {
        "rank": hit.rank,
        "name": to_printable(Path(hit.path).name),
        "link": make_media_link(hit.path, folder, *((hit.start, hit.end) if is_playable else ())),
        "player": hit.modality if is_playable else "",
        "modality": hit.modality,
        "time_span": format_time_span(hit.start, hit.end),
        "score": hit.score,
        "spaces": hit.space_scores,
        "affect": format_affect(hit.affect) if hit.affect else "",
        "thumbnail": thumbnail_by_moment.get(_get_hit_moment(hit).key),
    }


def _list_score_parts(parts: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, str]]:
    """(name, value) of `explain_score`: terms of the sum, and factors."""
    yield from ((name, f"{value:+.2f}") for name, value in parts["sum"].items())
    yield from ((f"not {text}", f"× (1 - {value:.2f})") for text, value in parts.get("not", {}).items())
    yield from ((f"log-odds: {name}", f"{value:+.2f}") for name, value in parts.get("log_odds", {}).items())


def _list_explanation_tables(explanation: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Headings and (name, value) rows of the explanation by `explain_hit`, without empty tables."""
    tables_by_heading = {
        "Score": list(_list_score_parts(explanation["parts"])),
        "Looks like": [(name, f"{share:.2f}") for name, share in explanation["labels"]],
        "Sounds like": [(name, f"{score:.2f}") for name, score in explanation["events"]],
        "Strongest": [("at", moment)] if (moment := format_moment(explanation["moment"])) else [],
        "Scores": [(view, f"{score:.2f}") for view, score in explanation["views"].items()],
        "Faces": [(name, f"{value:.2f}") for name, value in (explanation["faces"] or {}).items()],
        "Course": list(map(format_course_step, explanation.get("course", ()))),
        "Mood by sense": [
            (modality, format_affect(estimate))
            for modality, estimate in explanation["affect"].items()
            if estimate
        ],
    }
    yield from ((heading, rows) for heading, rows in tables_by_heading.items() if rows)
