"""Ranked results as a terminal table, with explanations and remarks on their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from encoders import to_printable
from retrieval.features import SPACES
from retrieval.report.terminal import format_affect, format_course_step, format_moment, format_time_span
from retrieval.report.text_columns import Column, format_table, get_terminal_width, wrap_text
from retrieval.search import Hit, Query, SearchResults, summarise_explanation

BAR_WIDTH = 10  # characters
SHARE_ROUNDING = 1e-4  # exposure is given to four digits
RESULT_COLUMNS = (
    Column(name="", is_right_aligned=True),
    Column(name="score"),
    Column(name="", priority=5),
    *(Column(name=space, priority=6) for space in SPACES),
    Column(name="mood", priority=3),
    Column(name="id", priority=4),
    Column(name="kind", priority=2),
    Column(name="when", priority=1),
    Column(name="file", fill="path"),
)


def print_hits(
    query: Query, hits: Sequence[Hit], explanations: Sequence[Mapping[str, Any]] | None = None, note: str = ""
) -> None:
    """Print ranked results with a score bar and a column per space; a dot where the space abstains.

    `note` is printed instead if there are no results, else first of the remarks below them.
    """
    width = get_terminal_width()
    if not hits:
        click.echo("\n".join(wrap_text(note or "no match", width)))
        return
    explanation_lines = [
        _format_explanation(hit, explanation)
        for hit, explanation in zip(hits, explanations or (), strict=False)
    ]
    click.echo(
        "\n".join(format_table(RESULT_COLUMNS, [_format_row(hit) for hit in hits], width, explanation_lines))
    )
    for remark in [*filter(None, [note]), *list_remarks(query, hits)]:
        click.echo("\n".join(wrap_text(remark, width)))


def list_remarks(query: Query, hits: Sequence[Hit]) -> list[str]:
    """Remarks on the order: copies of the query file, and modalities that alternate against the scores."""
    remarks = [f"{hit.rank} is the file asked with" for hit in hits if hit.is_copy]
    scores = [round(hit.score, 2) for hit in hits if not hit.is_copy]
    if query.balance != 1 and any(following > preceding for preceding, following in pairwise(scores)):
        remarks.append("photos, videos and sounds take turns (--balance 1 orders by score alone)")
    if query.diversify not in (None, 1):
        remarks.append(f"what is like a result before it comes later (--diversify {query.diversify:g})")
    return remarks


def format_exposure(query: Query, results: SearchResults) -> str:
    """The balance found for wanted shares, and those that can't be had; empty for any other query.

    Such as "balance 1.31: exposure image 0.34, audio 0.66".
    """
    if not isinstance(query.balance, Mapping) or not results.hits:
        return ""
    shares = ", ".join(f"{modality} {results.exposure[modality]:.2f}" for modality in query.modalities)
    missed = [
        f"{modality} {share:g}"
        for modality, share in query.balance.items()
        if results.exposure.get(modality, 0.0) < share - SHARE_ROUNDING
    ]
    lacking = f"; {', '.join(missed)} can't be had, turns are the most that balance gives" if missed else ""
    return f"balance {results.balance:.3g}: exposure {shares}{lacking}"


def _format_row(hit: Hit) -> list[str]:
    filled = round(hit.score * BAR_WIDTH)
    spaces = ["·" if hit.space_scores[name] is None else f"{hit.space_scores[name]:.2f}" for name in SPACES]
    return [
        str(hit.rank),
        f"{hit.score:.2f}",
        "█" * filled + "░" * (BAR_WIDTH - filled),
        *spaces,
        format_affect(hit.affect),
        hit.id[:8],
        hit.modality,
        format_time_span(hit.start, hit.end),
        to_printable(hit.path),
    ]


def _format_explanation(hit: Hit, explanation: Mapping[str, Any]) -> str:
    labels, events = (
        ", ".join(f"{name} {share:.2f}" for name, share in explanation[kind][:3])
        for kind in ("labels", "events")
    )
    views = ", ".join(f"{view} {score:.2f}" for view, score in explanation["views"].items())
    faces = ", ".join(
        f"{name} {share:.2f}" for name, share in (explanation["faces"] or {}).items() if share >= 0.2
    )
    moods = ", ".join(
        f"{modality} {format_affect(estimate)}"
        for modality, estimate in explanation["affect"].items()
        if estimate
    )
    parts = {
        "score": _format_score_parts(explanation["parts"]), "looks like": labels,
        "sounds like": events, "strongest at": format_moment(explanation["moment"]), "scores": views,
        "faces": faces, "feels": moods, "course": _format_course(explanation.get("course", ())),
    }  # fmt: skip
    details = [f"{name} {values}" for name, values in parts.items() if values]
    return "; ".join([*filter(None, [summarise_explanation(hit, explanation)]), *details])


def _format_course(steps: Sequence[Mapping[str, Any]]) -> str:
    """The first and the last step of a course, with what was asked for there."""
    ends = [" ".join(format_course_step(step)) for step in steps[:: max(len(steps) - 1, 1)]]
    return " ... ".join(ends)


def _format_score_parts(parts: Mapping[str, Mapping[str, float]]) -> str:
    """Such as "(object 0.62 + mood 0.08) x (1 - a cat 0.90)"."""
    total = " ".join(
        f"{'- ' if value < 0 else '+ '}{name} {abs(value):.2f}" for name, value in parts["sum"].items()
    ).removeprefix("+ ")
    factors = "".join(f" x (1 - {text} {value:.2f})" for text, value in parts.get("not", {}).items())
    evidence = ", ".join(f"{name} {value:+.2f}" for name, value in parts.get("log_odds", {}).items())
    product = f"({total}){factors}" if factors else total
    return f"{product}, content by log-odds {evidence}" if evidence else product
