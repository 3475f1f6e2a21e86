"""Text output of the command line: affect estimates, records, tables and library metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from encoders import to_printable
from retrieval.report.text_columns import Column, format_table, get_terminal_width, indent_text
from retrieval.search import Mood, PhraseAffect, Query, describe_mood, format_time
from spaces.circumplex import (
    DIMENSIONS,
    LANDMARKS,
    find_confident_landmark,
    is_uncertain,
    summarise_trajectory,
)

NO_MOOD_IN_WORDS = "no word of the query names a mood; found by content alone"
LITTLE_KNOWN = "little known"  # in place of a word, for estimates less reliable than the prior
INFO_INDENT = 13  # cells before the values of `affect info`


def format_affect(affect: Mapping[str, float] | None) -> str:
    """Valence and arousal after a landmark word: "calm +0.40 -0.30"; a dot for None (abstained).

    Where no landmark is certain, the larger SD follows instead: "+0.10 -0.20 ±0.4", after LITTLE_KNOWN where
    the estimate says less than the prior.
    """
    if affect is None:
        return "·"
    estimate = _unpack_estimate(affect)
    valence, arousal, *sds = estimate
    numbers = f"{valence:+.2f} {arousal:+.2f}"
    if word := find_confident_landmark(estimate):
        return f"{word} {numbers}"
    return f"{_format_hedge(estimate, ' ')}{numbers} ±{max(sds):.1f}"


def _format_hedge(estimate: tuple[float, float, float, float], separator: str) -> str:
    """LITTLE_KNOWN and the separator for an estimate less reliable than the prior, else nothing."""
    return f"{LITTLE_KNOWN}{separator}" if is_uncertain(estimate) else ""


def format_query_mood(query: Query) -> str:
    """The moods of a query, such as "mood calm: valence +0.54, arousal -0.52; not sad"; empty without any.

    NO_MOOD_IN_WORDS where it was to come from words that name none.
    """
    parts = [f"mood{_format_mood(query.mood)}"] if query.mood is not None else []
    if not parts and query.mood_from_words:
        parts = [NO_MOOD_IN_WORDS]
    parts += [] if query.radius is None else [f"within {query.radius:g}"]
    parts += [f"then{_format_mood(mood)}" for mood in query.then]
    parts += [f"{name.replace('-', ' ')} than what is asked with" for name in query.nudges]
    parts += [f"not {to_printable(describe_mood(mood))}" for mood in query.not_moods]
    return "; ".join(parts)


def _format_mood(mood: Mood) -> str:
    """Such as " calm: valence +0.54, arousal -0.52"; with SDs where the text regressor estimated a phrase."""
    if isinstance(mood, str):
        return f" {to_printable(mood)}"
    if isinstance(mood, PhraseAffect):
        (valence, arousal), (valence_sd, arousal_sd) = mood.point, mood.sds
        numbers = f"valence {valence:+.2f} ± {valence_sd:.2f}, arousal {arousal:+.2f} ± {arousal_sd:.2f}"
        hedge = _format_hedge((*mood.point, *mood.sds), ", ")
        return f" {to_printable(mood.phrase)}: {hedge}{numbers}, as the text regressor reads it"
    word = f" {describe_mood(mood)}" if mood in LANDMARKS.values() else ""
    return f"{word}: valence {mood[0]:+.2f}, arousal {mood[1]:+.2f}"


def _unpack_estimate(affect: Mapping[str, float]) -> tuple[float, float, float, float]:
    """Valence, arousal and their SDs."""
    return affect["valence"], affect["arousal"], affect["valence_sd"], affect["arousal_sd"]


def format_affect_record(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield a record's lines: fused estimate, estimates by modality, emotions, trajectory, attribution."""
    label = to_printable(record.get("path", record.get("text")))
    affect = record["affect"]
    yield f"{label}: {_format_estimate(affect)}" if affect else f"{label}: nothing to tell a feeling from"
    for modality, estimate in record["experts"].items():
        if estimate is not None:
            share = estimate["share"]
            share_text = f"says {share['valence']:.0%} of valence, {share['arousal']:.0%} of arousal"
            yield f"  {modality:<6} {_format_estimate(estimate)}, {share_text}"
    if events := (record["experts"].get("sound") or {}).get("events"):
        yield f"  heard  {', '.join(map(_format_event, events))}"
    for label, shares in (("voice", record["speech_emotion"]), ("face", record["face_emotion"])):
        if shares is not None:
            top_emotions = sorted(shares.items(), key=lambda entry: -entry[1])[:3]
            yield f"  {label:<6} {', '.join(f'{emotion} {share:.2f}' for emotion, share in top_emotions)}"
    if affect and (trajectory := _format_trajectory(record["trajectory"], _unpack_estimate(affect)[2:])):
        yield f"  course {trajectory}"
    for factor in record["why"]:
        if not any(round(factor[name], 2) for name in DIMENSIONS):
            continue  # it moved nothing that is shown
        time_text = f" at {factor['start']:.1f} s" if factor.get("start") is not None else ""
        effect = f"{factor['valence']:+.2f} {factor['arousal']:+.2f}"
        yield f"  why    {_format_evidence(factor)}{time_text}: {effect}"


def _format_evidence(factor: Mapping[str, Any]) -> str:
    """The modality and what was recognised, such as "sound Silence"; "a sound" where nothing was."""
    if what := factor.get("what"):
        return f"{factor['sense']} {what}"
    return "a sound" if factor["sense"] == "sound" else str(factor["sense"])


def _format_event(event: Mapping[str, Any]) -> str:
    """A sound event, its share in the affect of the sound, and the affect of its name."""
    return f"{event['name']} {event['share']:.0%} ({event['valence']:+.2f} {event['arousal']:+.2f})"


def _format_trajectory(steps: Sequence[Mapping[str, float]], sds: tuple[float, float]) -> str:
    """Start, end and peak of a trajectory: "starts calm +0.52 -0.49, ends ..., farthest from its mean at ..."

    sds: of the fused estimate, used for every step as well: averaging neighbours does not reduce the error

    Empty for fewer than two steps.
    """
    points = [[step["valence"], step["arousal"]] for step in steps]
    summary = summarise_trajectory(points, [step["start"] for step in steps]) if len(points) > 1 else None
    if summary is None:
        return ""
    start, end, peak = (_format_point(point, sds) for point in (summary.start, summary.end, summary.peak))
    return f"starts {start}, ends {end}, farthest from its mean at {summary.peak_seconds:.1f} s ({peak})"


def _format_point(point: tuple[float, float], sds: tuple[float, float]) -> str:
    word = find_confident_landmark((*point, *sds))
    return f"{f'{word} ' if word else ''}{point[0]:+.2f} {point[1]:+.2f}"


def _format_estimate(affect: Mapping[str, float]) -> str:
    numbers = ", ".join(f"{name} {affect[name]:+.2f} ± {affect[f'{name}_sd']:.2f}" for name in DIMENSIONS)
    estimate = _unpack_estimate(affect)
    word = find_confident_landmark(estimate)
    return f"{word}, {numbers}" if word else f"{_format_hedge(estimate, ', ')}{numbers}"


def format_time_span(start: float | None, end: float | None) -> str:
    """A span in seconds, such as "1:05-1:20"; empty without time."""
    return "" if start is None or end is None else f"{format_time(start)}-{format_time(end)}"


def format_course_step(step: Mapping[str, Any]) -> tuple[str, str]:
    """The time of a step of a course, and its affect beside that asked for there."""
    points = ((step["valence"], step["arousal"]), step["asked"])
    found, wanted = (f"{valence:+.2f} {arousal:+.2f}" for valence, arousal in points)
    return format_time_span(step["start"], step["end"]), f"{found} for {wanted}"


def format_moment(seconds: float | None) -> str:
    """A moment to a tenth of a second, such as "1:05.3"; empty for None."""
    if seconds is None:
        return ""
    tenths = round(seconds * 10)
    return f"{format_time(tenths // 10)}.{tenths % 10}"


LIST_COLUMNS = {  # columns by name; other columns are never dropped or shortened
    "path": Column(name="path", fill="path"), "reason": Column(name="reason", fill="text"),
    "weights": Column(name="weights", fill="text"), "id": Column(name="id", priority=1),
    "modality": Column(name="modality", priority=2), "duration": Column(name="duration", priority=3),
    "takes": Column(name="takes", priority=1), "dim": Column(name="dim", priority=2),
    "licence": Column(name="licence", priority=3), "width": Column(name="width", priority=4),
    "height": Column(name="height", priority=4), "segments": Column(name="segments", priority=5),
}  # fmt: skip


def print_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print one row per line: JSON objects, or columns."""
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


def print_library_info(info: Mapping[str, Any]) -> None:
    """Print one name and value per line; long values are wrapped and indented."""
    width = get_terminal_width()
    for name, value in info.items():
        text = ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
        first, *continuation = indent_text(str(text), INFO_INDENT, width)
        click.echo("\n".join([f"{name:<{INFO_INDENT}}{first[INFO_INDENT:]}", *continuation]))
