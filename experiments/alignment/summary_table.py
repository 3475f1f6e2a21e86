"""The summary of a study: a row for each set, and the lines printed on a terminal."""

from __future__ import annotations

from experiments.alignment.requirements import check_requirements
from experiments.alignment.set_result import MapResult, SetResult
from experiments.alignment.study_config import PRECISION_DEPTH
from experiments.alignment.study_results import StudyResults
from experiments.alignment.video_tables import list_segment_lengths, list_variations
from experiments.statistics.markdown import format_estimate
from experiments.statistics.report import Cell, format_table


def summarise_sets(study: StudyResults) -> list[dict[str, Cell]]:
    """A row for each set: its best maps and its verdict."""
    rows: list[dict[str, Cell]] = []
    for name, verdict in study.compute_verdicts().items():
        result = study.results[name]
        rows.append({
            "set": name,
            "pairs": len(result.data.pair_rows),
            "M^2 (PROTEST p)": _format_protest(result),
            "best linear": _format_map(result.find_best("linear")),
            "best curved": _format_map(result.find_best("curved")),
            f"best P@{PRECISION_DEPTH} (chance)": _format_best_precision(result),
            "spaces": verdict.relation,
            "hypothesis": verdict.hypothesis,
        })  # fmt: skip
    return rows


def format_terminal(study: StudyResults) -> list[str]:
    """The lines to print: the summary, the tables of videos, the verdicts and the requirements."""
    lines = [*format_table(summarise_sets(study)), ""] if study.results else []
    if study.video_study is not None:
        lines += [
            *format_table(list_variations(study.video_study)),
            "",
            *format_table(list_segment_lengths(study.video_study, study)),
            "",
        ]
    for name, verdict in study.compute_verdicts().items():
        lines.append(f"{name}: {verdict.explanation}")
        if verdict.hypothesis != "not tested":
            lines.append(f"  hypothesis {verdict.hypothesis}: {verdict.hypothesis_explanation}")
    lines += [f"{name}: left out, {reason}" for name, reason in study.list_left_out().items()]
    return [*lines, *map(str, check_requirements(study.results))]


def _format_protest(result: SetResult) -> str:
    return "" if result.protest is None else f"{result.protest.disparity:.3f} ({result.protest.p_value:.3f})"


def _format_map(map_result: MapResult | None) -> str:
    return "" if map_result is None else f"{map_result.name} {format_estimate(map_result.disparity, '.3f')}"


def _format_best_precision(result: SetResult) -> str:
    precisions = [(row.name, row.precision.value) for row in result.maps if row.precision is not None]
    if not precisions or result.chance_precision is None:
        return ""
    name, value = max(precisions, key=lambda named_value: named_value[1])
    return f"{name} {value:.3f} ({result.chance_precision:.3f})"
