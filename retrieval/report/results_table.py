"""Ranked results for people: a table, what was seen, and why the order is what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from encoders.base import printable
from retrieval.report.terminal import mood_of, when
from retrieval.report.text_columns import Column, table, terminal_width, wrapped
from retrieval.search.engine import Hit
from retrieval.search.query import SPACES, Query

BAR = 10  # characters
COLUMNS = (
    Column(name="", right=True),
    Column(name="score"),
    Column(name="", rank=5),
    *(Column(name=space, rank=6) for space in SPACES),
    Column(name="mood", rank=3),
    Column(name="id", rank=4),
    Column(name="kind", rank=2),
    Column(name="when", rank=1),
    Column(name="file", fill="path"),
)


def print_hits(
    query: Query, hits: Sequence[Hit], reasons: Sequence[Mapping[str, Any]] | None = None, note: str = ""
) -> None:
    """Ranked results with a bar for the score and a column a space; a dot where it abstained.

    Without any, `note` says why.
    """
    width = terminal_width()
    if not hits:
        click.echo("\n".join(wrapped(note or "no match", width)))
        return
    below = [_seen(reason) for reason in reasons or ()]
    click.echo("\n".join(table(COLUMNS, [_row(hit) for hit in hits], width, below)))
    for remark in remarks(query, hits):
        click.echo("\n".join(wrapped(remark, width)))


def remarks(query: Query, hits: Sequence[Hit]) -> list[str]:
    """What has to be said of the order: the file that was asked with, scores that do not fall."""
    said = [f"{hit.rank} is the file asked with" for hit in hits if hit.copy]
    rest = [round(hit.score, 2) for hit in hits if not hit.copy]
    if query.balance != 1 and any(after > before for before, after in pairwise(rest)):
        said.append("photos, videos and sounds take turns (--balance 1 orders by score alone)")
    return said


def _row(hit: Hit) -> list[str]:
    filled = round(hit.score * BAR)
    spaces = ["·" if hit.spaces[name] is None else f"{hit.spaces[name]:.2f}" for name in SPACES]
    return [
        str(hit.rank), f"{hit.score:.2f}", "█" * filled + "░" * (BAR - filled), *spaces,
        mood_of(hit.affect), hit.id[:8], hit.modality, when(hit.start, hit.end), printable(hit.path),
    ]  # fmt: skip


def _seen(reason: Mapping[str, Any]) -> str:
    labels = ", ".join(f"{name} {share:.2f}" for name, share in reason["labels"][:3])
    views = ", ".join(f"{view} {score:.2f}" for view, score in reason["views"].items())
    faces = ", ".join(
        f"{name} {share:.2f}" for name, share in (reason["faces"] or {}).items() if share >= 0.2
    )
    moods = ", ".join(f"{sense} {mood_of(row)}" for sense, row in reason["affect"].items() if row)
    parts = {"looks like": labels, "scores": views, "faces": faces, "feels": moods}
    return "; ".join(f"{name} {said}" for name, said in parts.items() if said)
