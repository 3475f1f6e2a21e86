"""What a run tells: Markdown and CSV tables, a JSON file with everything, the table on a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from encoders.onnx_runtime import write_whole
from experiments.ablation.results import Line, Measured
from experiments.ablation.row_statistics import DRAWS, MEASURES, SIDES, Figure, Gap
from experiments.statistics.report import machine
from retrieval.evaluation.rules import PROTOCOL

RULES = (
    "Ties: average rank. MdR = floor(median) + 1. V2T: the best of an item's captions among all captions.",
    "Similarities of several spaces: their mean over those that speak of the item; an item of which none "
    "speaks ranks below all others.",
    "Figures: mean over seeds, ± standard deviation over seeds, and in brackets the 95 % bootstrap interval "
    f"over queries ({DRAWS} draws of whole items, seeds averaged within a draw).",
    f"Differences: in rsum, over the same queries; permutation test ({DRAWS} draws, whole items), p "
    "corrected by Holm over all rows that are compared.",
    "The epoch kept is the best by rsum of the dev part; nothing is chosen on the part reported on.",
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a run was: the set, its parts, the settings, what could not be had."""

    data: str
    seeds: int
    settings: Mapping[str, Any]
    encoders: Mapping[str, str]
    notes: tuple[str, ...]
    left_out: Mapping[str, str]


def write(out: Path, told: Told, found: Measured, everything: Mapping[str, Any]) -> list[Path]:
    """Write table.md, table.csv and results.json, each whole."""
    texts = {
        "table.md": to_markdown(told, found),
        "table.csv": to_csv(found.lines),
        "results.json": json.dumps(everything, indent=1),
    }
    for name, text in texts.items():
        write_whole(out / name, text.encode())
    return [out / name for name in texts]


def to_json(told: Told, found: Measured) -> dict[str, Any]:
    """Everything, for results.json."""
    return {
        **asdict(told),
        "rules": {**asdict(PROTOCOL), "told": RULES},
        "machine": machine(),
        "rows": [_line(line) for line in found.lines],
        "spaces": [
            {"space": str(space), "seed": seed, **asdict(history)}
            for space, seeds in found.histories.items()
            for seed, history in seeds.items()
        ],
    }


def to_csv(lines: Sequence[Line]) -> str:
    """One line a row; of every measure the mean, sd, low and high."""
    text = io.StringIO()
    parts = ("mean", "sd", "low", "high")
    gap = ("against", "value", "low", "high", "p", "holm", "words")
    header = ["row", "spaces", "dev rsum", *(f"{name} {part}" for name in MEASURES for part in parts)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, *(f"difference {part}" for part in gap), "collapsed", "trainings"])
    for line in lines:
        figures = [getattr(line.figures[name], part) for name in MEASURES for part in parts]
        differs = [getattr(line.gap, part) if line.gap else "" for part in gap]
        writer.writerow([line.name, line.told, line.dev, *figures, *differs, line.collapsed, line.trainings])
    return text.getvalue()


def to_markdown(told: Told, found: Measured) -> str:
    """The tables with their rules and notes."""
    lines = [f"# Ablation on {told.data}", ""]
    for side in SIDES:
        names = [name for name in MEASURES if name.startswith(side)]
        title = {"T2V": "Words find items (T2V)", "V2T": "Items find words (V2T)"}[side]
        lines += [f"## {title}", "", *_markdown(["row", *(name[4:] for name in names)], [
            [marked(line), *(told_of(line.figures[name]) for name in names)] for line in found.lines
        ]), ""]  # fmt: skip
    lines += ["## Both, and what differs", "", *_markdown(
        ["row", "rsum", "dev rsum", "difference in rsum", "p", "p (Holm)", "in words"],
        [
            [marked(line), told_of(line.figures["rsum"]), f"{line.dev:.1f}", *_differs(line.gap)]
            for line in found.lines
        ],
    ), ""]  # fmt: skip
    lines += ["## What the rows are", "", *(f"* {line.name}: {line.told}" for line in found.lines), ""]
    lines += ["## Rules and notes", "", *(f"* {note}" for note in notes(told)), ""]
    return "\n".join(lines)


def notes(told: Told) -> list[str]:
    """Rules, and what must be known beside the figures."""
    return [
        *RULES,
        f"Seeds: {told.seeds}.",
        *(f"{told.data}: {note}" for note in told.notes),
        *(f"Left out: {name} {why}." for name, why in told.left_out.items()),
        f"Settings: {', '.join(f'{name} {value}' for name, value in told.settings.items())}.",
        *(f"Encoder of {role}: {card}." for role, card in told.encoders.items()),
    ]


def on_terminal(told: Told, found: Measured) -> Table:
    """The means, rsum with its interval, and the differences."""
    table = Table(
        title=escape(f"Ablation on {told.data}, seeds: {told.seeds}"), title_justify="left", box=None
    )
    table.add_column("row", no_wrap=True)
    for name in MEASURES[:-1]:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("rsum\n± sd (95 %)", justify="right", no_wrap=True)
    table.add_column("difference in rsum")
    group = ""
    for line in found.lines:
        if group and line.name.split()[0] != group:
            table.add_section()
        group = line.name.split()[0]
        means = [_short(name, line.figures[name].mean) for name in MEASURES[:-1]]
        gap = f"{line.gap.value:+.1f}, p {_p(line.gap.holm)}: {line.gap.words}" if line.gap else ""
        table.add_row(escape(marked(line)), *means, told_of(line.figures["rsum"], 0), escape(gap))
    return table


def marked(line: Line) -> str:
    """A row's name, and how many of its trainings had collapsed."""
    return f"{line.name} ({line.collapsed} of {line.trainings} collapsed)" if line.collapsed else line.name


def told_of(figure: Figure, digits: int = 1) -> str:
    """Such as "12.3 ±0.4 (10.1 to 14.5)"."""
    sd = "" if figure.sd is None else f" ±{figure.sd:.{digits}f}"
    return f"{figure.mean:.{digits}f}{sd} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def _differs(gap: Gap | None) -> list[str]:
    if gap is None:
        return ["", "", "", ""]
    value = f"{gap.value:+.1f} ({gap.low:+.1f} to {gap.high:+.1f})"
    return [value, _p(gap.p), _p(gap.holm), gap.words]


def _p(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def _short(name: str, value: float) -> str:
    return f"{value:.0f}" if name.endswith("MdR") and value == int(value) else f"{value:.1f}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (header, ruler, *rows)]


def _line(line: Line) -> dict[str, Any]:
    told = asdict(line)
    if line.gap:
        told["gap"]["words"] = line.gap.words
    return told
