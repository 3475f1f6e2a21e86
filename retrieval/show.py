"""What the command line prints for people: progress, tables with score bars, summaries."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from encoders.base import printable
from retrieval.engine import Hit
from retrieval.query import SPACES, Query
from spaces.circumplex import DIMENSIONS, nearest_word, trajectory

if TYPE_CHECKING:
    from retrieval.aligning import Outcome as Alignment
    from retrieval.teaching import Outcome

BAR = 10  # characters


@contextmanager
def training_progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A live line on standard error for each space in training."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(space: str, done: int, count: int) -> None:
            if space not in tasks:
                tasks[space] = bar.add_task(f"training {space}", total=count)
            bar.update(tasks[space], completed=done)

        yield report


def outcomes_table(outcomes: Sequence[Outcome]) -> None:
    """What training came to, a line a space."""
    for one in outcomes:
        told = f"{one.space:<9} {one.items} items, {one.texts} captions"
        if one.gain is None:
            click.echo(f"{told}: left as it is: {one.why}")
            continue
        low, high = one.gain
        verdict = "taken" if one.taken else "left as it is: no gain beyond the interval"
        click.echo(
            f"{told}: mean average precision on what was held out {one.before:.1f} -> {one.after:.1f} % "
            f"(gain {low:+.1f} to {high:+.1f}): {verdict}"
        )


def alignment_line(outcome: Alignment) -> str:
    """What aligning came to."""
    told = f"{outcome.segments} segments of {outcome.videos} videos"
    if outcome.gain is None:
        return f"{told}: left as it is: {outcome.why}"
    low, high = outcome.gain
    verdict = "taken" if outcome.taken else "left as it is: no gain beyond the interval"
    return (
        f"{told}, {outcome.method}: CCC of sound with pictures on videos held out {outcome.before:.2f} -> "
        f"{outcome.after:.2f} (gain {low:+.2f} to {high:+.2f}, p {outcome.p:.3f}): {verdict}"
    )


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
