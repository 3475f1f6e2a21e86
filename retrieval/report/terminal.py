"""What the command line prints for people: progress, tables with score bars, summaries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from encoders import to_printable
from retrieval.report.text_columns import Column, format_table, get_terminal_width, indent_text
from retrieval.search import PhraseAffect, Query
from spaces.circumplex import DIMENSIONS, LANDMARKS, find_confident_landmark, summarise_trajectory

INFO_INDENT = 13  # cells before the values of `affect info`


def format_affect(affect: Mapping[str, float] | None) -> str:
    """ "calm +0.40 -0.30" where an estimate is sure of its word, else "+0.10 -0.20 ±0.4", the larger SD.

    A dot where it abstains.
    """
    if affect is None:
        return "·"
    valence, arousal, *sds = _unpack_estimate(affect)
    word = find_confident_landmark((valence, arousal, *sds))
    numbers = f"{valence:+.2f} {arousal:+.2f}"
    return f"{word} {numbers}" if word else f"{numbers} ±{max(sds):.1f}"


def format_query_mood(query: Query) -> str:
    """ "mood scary: valence -0.74 ± 0.34, arousal +0.35 ± 0.13, as the text regressor reads it".

    The point that a query with a mood is searched by. Empty without one.
    """
    if query.target_affect is None:
        return ""
    valence, arousal = query.target_affect
    if isinstance(query.mood, PhraseAffect):
        (valence_sd, arousal_sd), phrase = query.mood.sds, to_printable(query.mood.phrase)
        numbers = f"valence {valence:+.2f} ± {valence_sd:.2f}, arousal {arousal:+.2f} ± {arousal_sd:.2f}"
        return f"mood {phrase}: {numbers}, as the text regressor reads it"
    word = next((word for word, point in LANDMARKS.items() if point == (valence, arousal)), "")
    return f"mood{word and ' '}{word}: valence {valence:+.2f}, arousal {arousal:+.2f}"


def _unpack_estimate(affect: Mapping[str, float]) -> tuple[float, float, float, float]:
    """valence, arousal and their SDs of a record."""
    return affect["valence"], affect["arousal"], affect["valence_sd"], affect["arousal_sd"]


def format_affect_record(record: Mapping[str, Any]) -> Iterator[str]:
    """A record for people: the whole, then each sense that spoke, then what moved it most."""
    name = to_printable(record.get("path", record.get("text")))
    affect = record["affect"]
    yield f"{name}: {_format_estimate(affect)}" if affect else f"{name}: nothing to tell a feeling from"
    for sense, found in record["experts"].items():
        if found is not None:
            share = found["share"]
            said = f"says {share['valence']:.0%} of valence, {share['arousal']:.0%} of arousal"
            yield f"  {sense:<6} {_format_estimate(found)}, {said}"
    for name, shares in (("voice", record["speech_emotion"]), ("face", record["face_emotion"])):
        if shares is not None:
            best = sorted(shares.items(), key=lambda one: -one[1])[:3]
            yield f"  {name:<6} {', '.join(f'{emotion} {share:.2f}' for emotion, share in best)}"
    if affect and (way := _format_trajectory(record["trajectory"], _unpack_estimate(affect)[2:])):
        yield f"  course {way}"
    for reason in record["why"]:
        what = reason.get("what", "")
        at = f" at {reason['start']:.1f} s" if reason.get("start") is not None else ""
        effect = f"{reason['valence']:+.2f} {reason['arousal']:+.2f}"
        yield f"  why    {reason['sense']}{what and ' '}{what}{at}: {effect}"


def _format_trajectory(steps: Sequence[Mapping[str, float]], sds: tuple[float, float]) -> str:
    """ "starts calm +0.52 -0.49, ends +0.10 -0.20, farthest from its mean at 3.5 s (tense -0.02 +0.70)".

    Empty for less than two steps. Steps are about as sure as the whole, whose SDs these are: an estimate gets
    no surer by averaging neighbours.
    """
    points = [[step["valence"], step["arousal"]] for step in steps]
    found = summarise_trajectory(points, [step["start"] for step in steps]) if len(points) > 1 else None
    if found is None:
        return ""
    start, end, peak = (_format_point(point, sds) for point in (found.start, found.end, found.peak))
    return f"starts {start}, ends {end}, farthest from its mean at {found.peak_seconds:.1f} s ({peak})"


def _format_point(point: tuple[float, float], sds: tuple[float, float]) -> str:
    word = find_confident_landmark((*point, *sds))
    return f"{f'{word} ' if word else ''}{point[0]:+.2f} {point[1]:+.2f}"


def _format_estimate(affect: Mapping[str, float]) -> str:
    numbers = ", ".join(f"{name} {affect[name]:+.2f} ± {affect[f'{name}_sd']:.2f}" for name in DIMENSIONS)
    word = find_confident_landmark(_unpack_estimate(affect))
    return f"{word}, {numbers}" if word else numbers


def format_time_span(start: float | None, end: float | None) -> str:
    """ "1:05-1:20" from seconds; empty where there is no time."""
    return "" if start is None or end is None else f"{_format_time(start)}-{_format_time(end)}"


def _format_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


LIST_COLUMNS = {  # columns by name; of others all is shown
    "path": Column(name="path", fill="path"), "reason": Column(name="reason", fill="text"),
    "weights": Column(name="weights", fill="text"), "id": Column(name="id", priority=1),
    "modality": Column(name="modality", priority=2), "duration": Column(name="duration", priority=3),
    "takes": Column(name="takes", priority=1), "dim": Column(name="dim", priority=2),
    "licence": Column(name="licence", priority=3), "width": Column(name="width", priority=4),
    "height": Column(name="height", priority=4), "segments": Column(name="segments", priority=5),
}  # fmt: skip


def print_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """One row a line: JSON objects, or columns."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    elif rows:
        columns = [LIST_COLUMNS.get(name, Column(name=name)) for name in rows[0]]
        cells = [[_format_cell(value) for value in row.values()] for row in rows]
        click.echo("\n".join(format_table(columns, cells, get_terminal_width())))
    else:
        click.echo("nothing")


def _format_cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return "" if value is None else to_printable(str(value))


def print_encoders(rows: Sequence[Mapping[str, Any]]) -> None:
    """A table, then what to run for those whose weights are not here: a line each, whole, to be copied."""
    short = [{**row, "weights": row["weights"].partition(": ")[0]} for row in rows]
    print_rows(short, as_json=False)
    for row in rows:
        if why := row["weights"].partition(": ")[2]:
            click.echo(f"\n{row['name']}: {why}")


def print_library_info(info: Mapping[str, Any]) -> None:
    """Name and value, a line each; a long value goes on below itself."""
    width = get_terminal_width()
    for name, value in info.items():
        said = ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
        first, *more = indent_text(str(said), INFO_INDENT, width)
        click.echo("\n".join([f"{name:<{INFO_INDENT}}{first[INFO_INDENT:]}", *more]))
