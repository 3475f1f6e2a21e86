"""The results of a run as Markdown, CSV and JSON files, and as a table on a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from encoders import write_atomically
from experiments.ablation.data_record import RESULTS_FILE
from experiments.ablation.notes import RunMetadata, list_notes, list_rules
from experiments.ablation.results import AblationResults, RowResult
from experiments.ablation.row_comparison import RsumDifference, Statement, format_p_value
from experiments.ablation.row_ranks import DIRECTION_TITLES, METRIC_NAMES
from experiments.ablation.row_statistics import MetricEstimate
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

STATEMENT_PARTS = ("p", "adjusted_p", "low", "high")
DIFFERENCE_COLUMNS = (
    "against",
    "value",
    *(f"{of} {part}" for of in ("method", "networks") for part in STATEMENT_PARTS),
    "words",
)
"""Columns of table.csv on the difference from another row."""


def write_results(
    out_folder: Path, metadata: RunMetadata, results: AblationResults, report: Mapping[str, Any]
) -> list[Path]:
    """Write table.md, table.csv and results.json, each whole or not at all; returns their paths."""
    texts = {
        "table.md": to_markdown(metadata, results),
        "table.csv": to_csv(results.rows),
        RESULTS_FILE: json.dumps(report, indent=1),
    }
    for name, text in texts.items():
        write_atomically(out_folder / name, text.encode())
    return [out_folder / name for name in texts]


def to_json(metadata: RunMetadata, results: AblationResults) -> dict[str, Any]:
    """All results, as written to results.json."""
    return {
        **asdict(metadata),
        "seed_numbers": list(range(metadata.seeds)),
        "told": list_rules(metadata),
        "rows": [_row_to_json(row) for row in results.rows],
        "spaces": [
            {"space": str(space), "seed": seed, **asdict(history)}
            for space, seeds in results.histories.items()
            for seed, history in seeds.items()
        ],
    }


def to_csv(rows: Sequence[RowResult]) -> str:
    """A line for each row; of every metric the mean over seeds, its standard deviation and its interval."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([
        "row", "spaces", "dev rsum",
        *(f"{name} {part}" for name in METRIC_NAMES for part in ("mean", "sd", "low", "high")),
        *(f"difference {column}" for column in DIFFERENCE_COLUMNS), "collapsed", "trainings",
    ])  # fmt: skip
    for row in rows:
        estimates = [value for name in METRIC_NAMES for value in row.estimates[name].to_json().values()]
        difference = _list_difference_cells(row.difference)
        writer.writerow(
            [row.name, row.description, row.dev_rsum, *estimates, *difference, row.collapsed, row.trainings]
        )
    return text.getvalue()


def _list_difference_cells(difference: RsumDifference | None) -> list[object]:
    """A value for each of DIFFERENCE_COLUMNS."""
    if difference is None:
        return [""] * len(DIFFERENCE_COLUMNS)
    statements = [
        getattr(statement, part) if statement else ""
        for statement in (difference.method, difference.networks)
        for part in STATEMENT_PARTS
    ]
    return [difference.against, difference.value, *statements, difference.words]


def to_markdown(metadata: RunMetadata, results: AblationResults) -> str:
    """The tables with their rules and notes."""
    lines = [f"# Ablation on {metadata.data}", ""]
    for direction, title in DIRECTION_TITLES.items():
        lines += [f"## {title}", "", *_format_direction_table(direction, results.rows), ""]
    lines += ["## Both, and what differs", "", *_format_rsum_table(results.rows), ""]
    lines += ["## What the rows are", "", *(f"* {row.name}: {row.description}" for row in results.rows), ""]
    lines += ["## Rules and notes", "", *(f"* {note}" for note in list_notes(metadata)), ""]
    return "\n".join(lines)


def _format_direction_table(direction: str, rows: Sequence[RowResult]) -> list[str]:
    metrics = [name for name in METRIC_NAMES if name.startswith(direction)]
    header = ["row", *(name.removeprefix(f"{direction} ") for name in metrics)]
    cells = [
        [format_row_name(row), *(_format_metric_estimate(row.estimates[name]) for name in metrics)]
        for row in rows
    ]
    return format_markdown_table(header, cells, align_right=True)


def _format_rsum_table(rows: Sequence[RowResult]) -> list[str]:
    header = [
        "row", "rsum", "dev rsum", "difference in rsum, of the method", "of these networks", "in words",
    ]  # fmt: skip
    cells = [
        [
            format_row_name(row),
            _format_metric_estimate(row.estimates["rsum"]),
            f"{row.dev_rsum:.1f}",
            *_format_difference_cells(row.difference),
        ]
        for row in rows
    ]
    return format_markdown_table(header, cells, align_right=True)


def make_terminal_table(metadata: RunMetadata, results: AblationResults) -> Table:
    """The means over seeds, rsum with its interval, and the differences."""
    table = Table(
        title=escape(f"Ablation on {metadata.data}, seeds: {metadata.seeds}"), title_justify="left", box=None
    )
    table.add_column("row", no_wrap=True)
    for name in METRIC_NAMES[:-1]:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("rsum\n± sd (95 %)", justify="right", no_wrap=True)
    table.add_column("difference in rsum")
    group = ""
    for row in results.rows:
        if group and row.group != group:
            table.add_section()
        group = row.group
        table.add_row(
            escape(format_row_name(row)),
            *(_format_mean(name, row.estimates[name].value) for name in METRIC_NAMES[:-1]),
            _format_metric_estimate(row.estimates["rsum"], ".0f"),
            escape(_format_difference(row.difference)),
        )
    return table


def format_row_name(row: RowResult) -> str:
    """A row's name, and how many of its trainings collapsed."""
    return f"{row.name} ({row.collapsed} of {row.trainings} collapsed)" if row.collapsed else row.name


def _format_metric_estimate(estimate: MetricEstimate, spec: str = ".1f") -> str:
    return format_estimate(estimate, spec, sd=estimate.sd)


def _format_difference(difference: RsumDifference | None) -> str:
    return "" if difference is None else f"{difference.value:+.1f}: {difference.words}"


def _format_difference_cells(difference: RsumDifference | None) -> list[str]:
    if difference is None:
        return ["", "", ""]
    statements = (difference.method, difference.networks)
    return [*(_format_statement(difference.value, part) for part in statements), difference.words]


def _format_statement(value: float, statement: Statement | None) -> str:
    if statement is None:
        return f"{value:+.1f}"
    interval = format_estimate(Estimate(value, statement.low, statement.high), "+.1f")
    return f"{interval}, {format_p_value(statement.adjusted_p)}"


def _format_mean(metric: str, value: float) -> str:
    return f"{value:.0f}" if metric.endswith("MdR") and value == int(value) else f"{value:.1f}"


def _row_to_json(row: RowResult) -> dict[str, Any]:
    return {
        "name": row.name,
        "told": row.description,
        "dev": row.dev_rsum,
        "seeds": row.metrics_by_seed,
        "rules": row.metrics_by_rules,
        "figures": {name: estimate.to_json() for name, estimate in row.estimates.items()},
        "collapsed": row.collapsed,
        "trainings": row.trainings,
        "gap": None if row.difference is None else row.difference.to_json(),
    }
