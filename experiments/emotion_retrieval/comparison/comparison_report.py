"""The comparison of models as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.emotion_retrieval.comparison.model_comparison import COMPARED_METRICS, METRICS, OWN_RULES
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

DIRECTION_NAMES = {"T2V": "text to video", "V2T": "video to text"}
RULES_NOTE = (
    "Rules: `project` takes ties in expectation and ranks among all captions; `clip-vip` and "
    "`emotion-report` are those of their code, which counts every place of a tie and takes a video's best "
    "caption; they are the same code."
)


def format_report(record: Mapping[str, Any]) -> str:
    """The whole report of what results.json holds."""
    counts = record["query sets"]
    lines = [
        "# Emotion text-to-video retrieval",
        "",
        f"{record['captions']} captions of {record['videos']} videos ({record['records']}); similarity: "
        f"{record['similarity']}. 95 % intervals, queries of a video together.",
        "",
        "| queries | text to video | video to text |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {sides['T2V']} | {sides['V2T']} |" for name, sides in counts.items()),
        "",
        RULES_NOTE,
    ]
    for direction, title in DIRECTION_NAMES.items():
        lines += ["", f"## {title.capitalize()}", "", *_format_metrics(record, direction)]
    if record["differences"]:
        baseline = next(iter(record["models"]))
        lines += [
            "", f"## Less {baseline}, paired over the same queries", "",
            *_format_differences(record["differences"]),
        ]  # fmt: skip
    return "\n".join([*lines, "", f"`{record['provenance']['command']}`"]) + "\n"


def _format_metrics(record: Mapping[str, Any], direction: str) -> list[str]:
    rows = []
    for query_set in record["query sets"]:
        for name, model in record["models"].items():
            for rules, by_set in group_equal_rules(model["rules"]):
                metrics = by_set[query_set][direction]
                cells = [_format_cell(metrics[metric], rules) for metric in METRICS]
                rows.append([query_set, name, rules, *cells])
    return format_markdown_table(["queries", "model", "rules", *METRICS], rows, align_right=True)


def group_equal_rules(by_rule: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(names of the rules, metrics): rules that give the same figures have one entry."""
    groups: list[tuple[str, Any]] = []
    for rule, metrics in by_rule.items():
        if groups and groups[-1][1] == metrics:
            groups[-1] = (f"{groups[-1][0]}, {rule}", metrics)
        else:
            groups.append((rule, metrics))
    return groups


def _format_cell(estimate: Mapping[str, float], rules: str) -> str:
    """Intervals once, by the project's rules: those of the others differ by ties only."""
    if OWN_RULES not in rules:
        return format_estimate(Estimate(estimate["value"]), ".1f")
    return format_estimate(Estimate(**estimate), ".1f")


def _format_differences(differences: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, by_set in differences.items():
        for query_set, by_direction in by_set.items():
            for direction, metrics in by_direction.items():
                cells = [
                    format_estimate(
                        Estimate(*(metrics[metric][part] for part in ("value", "low", "high"))), "+.1f"
                    )
                    for metric in COMPARED_METRICS
                ]
                rows.append([query_set, name, direction, *cells])
    header = ["queries", "model", "direction", *COMPARED_METRICS]
    return format_markdown_table(header, rows, align_right=True)
