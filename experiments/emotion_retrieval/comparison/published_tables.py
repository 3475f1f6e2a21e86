"""The emotion report's tables as Markdown: published figures, and those of a user's runs beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.emotion_retrieval.comparison.published_results import (
    PUBLISHED_METRICS,
    PUBLISHED_TABLES,
    SOURCE,
    SWAPPED_NOTE,
    PublishedTable,
)
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

EMPTY_CELL = "-"


def format_tables(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """All tables.

    runs: by name of the table, a run's "metrics" by query set, direction and metric, "counts" of queries by
          query set and direction, and "similarity"; tables without a run have the published figures alone
    """
    lines = [
        f"Published: {SOURCE}. Percent, median and mean rank. Note: {SWAPPED_NOTE}.",
        "",
        "Yours: by the report's rules, with 95 % intervals, queries of a video together. Its test set has "
        "1,000 queries, 34 of them emotional.",
    ]
    for name, table in PUBLISHED_TABLES.items():
        lines += ["", f"## {name}: {table.title}", "", *_format_table(table, runs.get(name))]
    return "\n".join(lines) + "\n"


def _format_table(table: PublishedTable, run: Mapping[str, Any] | None) -> list[str]:
    rows = []
    for (query_set, direction), values in table.rows.items():
        published = [f"{value:.1f}" for value in values]
        rows.append([query_set, direction, "published", *published])
        rows.append([query_set, direction, *_format_run(run, query_set, direction)])
    return format_markdown_table(["queries", "direction", "", *PUBLISHED_METRICS], rows, align_right=True)


def _format_run(run: Mapping[str, Any] | None, query_set: str, direction: str) -> list[str]:
    """What it is, and its values."""
    if run is None or query_set not in run["metrics"]:
        return ["yours", *[EMPTY_CELL] * len(PUBLISHED_METRICS)]
    metrics = run["metrics"][query_set][direction]
    label = f"yours, {run['counts'][query_set][direction]} queries, {run['similarity']}"
    return [label, *(format_estimate(Estimate(**metrics[metric]), ".1f") for metric in PUBLISHED_METRICS)]
