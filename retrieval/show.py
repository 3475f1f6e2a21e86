"""What the command line prints for people: progress, tables with score bars, summaries."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from encoders.base import printable
from retrieval.engine import Hit
from retrieval.indexing import Progress as Counts
from retrieval.query import SPACES, Query
from spaces.circumplex import DIMENSIONS, nearest_word, trajectory

BAR = 10  # characters
SHOWN = 20  # files that could not be read, before the list is cut short


@contextmanager
def index_progress(*, quiet: bool) -> Iterator[Callable[[Counts], None]]:
    """A live line on standard error: files, frames a second, time left, failures so far."""
    if quiet:
        yield lambda counts: None
        return
    columns = (
        TextColumn("indexing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(), TextColumn("{task.fields[failed]}"),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("index", total=None, speed="", failed="")

        def report(counts: Counts) -> None:
            bar.update(
                task, total=counts.todo, completed=counts.done,
                speed=f"{counts.frames / max(counts.seconds, 1e-9):.1f} frames/s",
                failed=f"[red]{len(counts.failed)} failed" if counts.failed else "",
            )  # fmt: skip

        yield report


def index_summary(counts: Counts, folder: Path) -> None:
    """One line of counts, then what could not be read and why."""
    parts = {
        "indexed": counts.indexed, "unchanged": counts.unchanged, "moved or copied": counts.moved,
        "forgotten": counts.removed, "unreadable": len(counts.failed),
    }  # fmt: skip
    said = ", ".join(f"{count} {name}" for name, count in parts.items() if count) or "no media files found"
    click.echo(f"{printable(folder)}: {said} in {counts.seconds:.1f} s")
    for path, why in sorted(counts.failed.items())[:SHOWN]:
        click.echo(f"  unreadable: {path}: {why}")
    if (more := len(counts.failed) - SHOWN) > 0:
        click.echo(f"  ... and {more} more: affect list --failed --library {printable(folder)}")


def hits_table(query: Query, hits: Sequence[Hit], reasons: Sequence[Mapping[str, Any]] | None) -> None:
    """Ranked results with a bar for the score and a column a space; a dot where it abstained."""
    if not hits:
        click.echo(
            "no good match" if query.min_score > 0 else "no match: nothing here can be compared with it"
        )
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "score", "", *SPACES, "mood", "id", "kind", "when", "file"):
        table.add_column(name, overflow="fold", no_wrap=name not in ("file",))
    for hit, reason in zip(hits, reasons or [{}] * len(hits), strict=True):
        table.add_row(*_row(hit))
        if reason:
            table.add_row(*[""] * 10, f"[dim]{escape(_said(reason))}")
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _row(hit: Hit) -> list[str]:
    filled = round(hit.score * BAR)
    spaces = ["·" if hit.spaces[name] is None else f"{hit.spaces[name]:.2f}" for name in SPACES]
    return [
        str(hit.rank), f"{hit.score:.2f}", "█" * filled + "░" * (BAR - filled), *spaces,
        mood_of(hit.affect), hit.id[:8], hit.modality, when(hit.start, hit.end), escape(printable(hit.path)),
    ]  # fmt: skip


def mood_of(affect: Mapping[str, float] | None) -> str:
    """ "calm +0.4 -0.3", the nearest word and the point; a dot where it abstains."""
    if affect is None:
        return "·"
    point = affect["valence"], affect["arousal"]
    return f"{nearest_word(point)} {point[0]:+.2f} {point[1]:+.2f}"


@contextmanager
def feel_progress(count: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A live line on standard error: inputs done, time left."""
    console = Console(stderr=True)
    columns = TextColumn("feeling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("feel", total=count)
        yield lambda: bar.advance(task)


def feel_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """A record for people: the whole, then each sense that spoke, then what moved it most."""
    name = record.get("path", record.get("text"))
    affect = record["affect"]
    yield f"{name}: {_point(affect)}" if affect else f"{name}: nothing to tell a feeling from"
    for sense, found in record["experts"].items():
        if found is not None:
            share = found["share"]
            said = f"says {share['valence']:.0%} of valence, {share['arousal']:.0%} of arousal"
            yield f"  {sense:<6} {_point(found)}, {said}"
    for name, shares in (("voice", record["speech_emotion"]), ("face", record["face_emotion"])):
        if shares is not None:
            best = sorted(shares.items(), key=lambda one: -one[1])[:3]
            yield f"  {name:<6} {', '.join(f'{emotion} {share:.2f}' for emotion, share in best)}"
    if way := _way(record["trajectory"]):
        yield f"  course {way}"
    for reason in record["why"]:
        what = reason.get("what", "")
        at = f" at {reason['start']:.1f} s" if reason.get("start") is not None else ""
        effect = f"{reason['valence']:+.2f} {reason['arousal']:+.2f}"
        yield f"  why    {reason['sense']}{what and ' '}{what}{at}: {effect}"


def _way(steps: Sequence[Mapping[str, float]]) -> str:
    """ "starts calm, ends excited, farthest at 3.5 s (tense)"; empty for less than two steps."""
    points = [[step["valence"], step["arousal"]] for step in steps]
    found = trajectory(points, [step["start"] for step in steps]) if len(points) > 1 else None
    if found is None:
        return ""
    ends = f"starts {nearest_word(found.start)}, ends {nearest_word(found.end)}"
    return f"{ends}, farthest from its mean at {found.peak_at:.1f} s ({nearest_word(found.peak)})"


def _point(row: Mapping[str, float]) -> str:
    numbers = (f"{name} {row[name]:+.2f} ± {row[f'{name}_sd']:.2f}" for name in DIMENSIONS)
    return f"{nearest_word((row['valence'], row['arousal']))}, {', '.join(numbers)}"


def when(start: float | None, end: float | None) -> str:
    """ "1:05-1:20" from seconds; empty where there is no time."""
    return "" if start is None or end is None else f"{_clock(start)}-{_clock(end)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _said(reason: Mapping[str, Any]) -> str:
    labels = ", ".join(f"{name} {share:.2f}" for name, share in reason["labels"][:3])
    views = ", ".join(f"{view} {score:.2f}" for view, score in reason["views"].items())
    faces = ", ".join(
        f"{name} {share:.2f}" for name, share in (reason["faces"] or {}).items() if share >= 0.2
    )
    moods = ", ".join(f"{sense} {mood_of(row)}" for sense, row in reason["affect"].items() if row)
    parts = {"looks like": labels, "scores": views, "faces": faces, "feels": moods}
    return "; ".join(f"{name} {said}" for name, said in parts.items() if said)


def lines(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """One row a line: JSON objects, or columns."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if value is None else str(value)) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 200).print(table) if rows else click.echo("nothing")


def about_table(facts: Mapping[str, Any]) -> None:
    """Name and value, a line each."""
    for name, value in facts.items():
        said = ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
        click.echo(f"{name:<12} {said}")
