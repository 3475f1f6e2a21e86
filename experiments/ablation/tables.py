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

from encoders.files import write_atomically
from experiments.ablation.results import AblationResults, RowResult
from experiments.ablation.row_statistics import (
    DIRECTIONS,
    METRIC_NAMES,
    RESAMPLES,
    MetricEstimate,
    RsumDifference,
)
from experiments.statistics.report import describe_machine
from retrieval.evaluation.rules import DEFAULT_PROTOCOL

REPORTING_RULES = (
    "Ties: average rank. MdR = floor(median) + 1. V2T: the best of an item's captions among all captions.",
    "Similarities of several spaces: their mean over those that speak of the item; an item of which none "
    "speaks ranks below all others.",
    "Figures: mean over seeds, ± standard deviation over seeds, and in brackets the 95 % bootstrap interval "
    f"over queries ({RESAMPLES} draws of whole items, seeds averaged within a draw).",
    f"Differences: in rsum, over the same queries; permutation test ({RESAMPLES} draws, whole items), p "
    "corrected by Holm over all rows that are compared.",
    "The epoch kept is the best by rsum of the dev part; nothing is chosen on the part reported on.",
)

JSON_NAMES = {
    "description": "told",
    "dev_rsum": "dev",
    "metrics_by_seed": "seeds",
    "estimates": "figures",
    "difference": "gap",
}  # fields of a row that results.json calls otherwise


@dataclass(frozen=True, kw_only=True)
class RunMetadata:
    """What a run was: the set, its parts, the settings, what could not be had."""

    data: str
    seeds: int
    settings: Mapping[str, Any]
    encoders: Mapping[str, str]
    notes: tuple[str, ...]
    left_out: Mapping[str, str]


def write_results(
    out_folder: Path, metadata: RunMetadata, results: AblationResults, report: Mapping[str, Any]
) -> list[Path]:
    """Write table.md, table.csv and results.json, each whole."""
    texts = {
        "table.md": to_markdown(metadata, results),
        "table.csv": to_csv(results.rows),
        "results.json": json.dumps(report, indent=1),
    }
    for name, text in texts.items():
        write_atomically(out_folder / name, text.encode())
    return [out_folder / name for name in texts]


def to_json(metadata: RunMetadata, results: AblationResults) -> dict[str, Any]:
    """Everything, for results.json."""
    return {
        **asdict(metadata),
        "rules": {**asdict(DEFAULT_PROTOCOL), "told": REPORTING_RULES},
        "machine": describe_machine(),
        "rows": [_row_to_json(line) for line in results.rows],
        "spaces": [
            {"space": str(space), "seed": seed, **asdict(history)}
            for space, seeds in results.histories.items()
            for seed, history in seeds.items()
        ],
    }


def to_csv(rows: Sequence[RowResult]) -> str:
    """One line a row; of every measure the mean, sd, low and high."""
    text = io.StringIO()
    parts = ("mean", "sd", "low", "high")
    gap = ("against", "value", "low", "high", "p", "holm", "words")
    header = ["row", "spaces", "dev rsum", *(f"{name} {part}" for name in METRIC_NAMES for part in parts)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, *(f"difference {part}" for part in gap), "collapsed", "trainings"])
    for line in rows:
        figures = [getattr(line.estimates[name], part) for name in METRIC_NAMES for part in parts]
        differs = [getattr(line.difference, part) if line.difference else "" for part in gap]
        writer.writerow(
            [line.name, line.description, line.dev_rsum, *figures, *differs, line.collapsed, line.trainings]
        )
    return text.getvalue()


def to_markdown(metadata: RunMetadata, results: AblationResults) -> str:
    """The tables with their rules and notes."""
    lines = [f"# Ablation on {metadata.data}", ""]
    for side in DIRECTIONS:
        names = [name for name in METRIC_NAMES if name.startswith(side)]
        title = {"T2V": "Words find items (T2V)", "V2T": "Items find words (V2T)"}[side]
        lines += [
            f"## {title}",
            "",
            *_format_markdown_table(
                ["row", *(name[4:] for name in names)],
                [
                    [format_row_name(line), *(format_estimate(line.estimates[name]) for name in names)]
                    for line in results.rows
                ],
            ),
            "",
        ]
    lines += [
        "## Both, and what differs",
        "",
        *_format_markdown_table(
            ["row", "rsum", "dev rsum", "difference in rsum", "p", "p (Holm)", "in words"],
            [
                [
                    format_row_name(line),
                    format_estimate(line.estimates["rsum"]),
                    f"{line.dev_rsum:.1f}",
                    *_format_difference_cells(line.difference),
                ]
                for line in results.rows
            ],
        ),
        "",
    ]
    lines += [
        "## What the rows are",
        "",
        *(f"* {line.name}: {line.description}" for line in results.rows),
        "",
    ]
    lines += ["## Rules and notes", "", *(f"* {note}" for note in list_notes(metadata)), ""]
    return "\n".join(lines)


def list_notes(metadata: RunMetadata) -> list[str]:
    """Rules, and what must be known beside the figures."""
    return [
        *REPORTING_RULES,
        f"Seeds: {metadata.seeds}.",
        *(f"{metadata.data}: {note}" for note in metadata.notes),
        *(f"Left out: {name} {why}." for name, why in metadata.left_out.items()),
        f"Settings: {', '.join(f'{name} {value}' for name, value in metadata.settings.items())}.",
        *(f"Encoder of {role}: {card}." for role, card in metadata.encoders.items()),
    ]


def make_terminal_table(metadata: RunMetadata, results: AblationResults) -> Table:
    """The means, rsum with its interval, and the differences."""
    table = Table(
        title=escape(f"Ablation on {metadata.data}, seeds: {metadata.seeds}"), title_justify="left", box=None
    )
    table.add_column("row", no_wrap=True)
    for name in METRIC_NAMES[:-1]:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("rsum\n± sd (95 %)", justify="right", no_wrap=True)
    table.add_column("difference in rsum")
    group = ""
    for line in results.rows:
        if group and line.name.split()[0] != group:
            table.add_section()
        group = line.name.split()[0]
        means = [_format_metric(name, line.estimates[name].mean) for name in METRIC_NAMES[:-1]]
        gap = (
            f"{line.difference.value:+.1f}, p {_format_p_value(line.difference.holm)}: "
            f"{line.difference.words}"
            if line.difference
            else ""
        )
        table.add_row(
            escape(format_row_name(line)), *means, format_estimate(line.estimates["rsum"], 0), escape(gap)
        )
    return table


def format_row_name(row: RowResult) -> str:
    """A row's name, and how many of its trainings had collapsed."""
    return f"{row.name} ({row.collapsed} of {row.trainings} collapsed)" if row.collapsed else row.name


def format_estimate(estimate: MetricEstimate, digits: int = 1) -> str:
    """Such as "12.3 ±0.4 (10.1 to 14.5)"."""
    sd = "" if estimate.sd is None else f" ±{estimate.sd:.{digits}f}"
    return f"{estimate.mean:.{digits}f}{sd} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def _format_difference_cells(difference: RsumDifference | None) -> list[str]:
    if difference is None:
        return ["", "", "", ""]
    value = f"{difference.value:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})"
    return [value, _format_p_value(difference.p), _format_p_value(difference.holm), difference.words]


def _format_p_value(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def _format_metric(metric: str, value: float) -> str:
    return f"{value:.0f}" if metric.endswith("MdR") and value == int(value) else f"{value:.1f}"


def _format_markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (header, ruler, *rows)]


def _row_to_json(row: RowResult) -> dict[str, Any]:
    told = {JSON_NAMES.get(name, name): value for name, value in asdict(row).items()}
    if row.difference:
        told["gap"]["words"] = row.difference.words
    return told
