"""The report of a study as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.alignment.diagnostics import MAX_CCC_COLUMNS
from experiments.alignment.fitted_maps_table import format_fitted_maps, format_power
from experiments.alignment.loss_ablation import VariantResult
from experiments.alignment.requirements import check_recovery, check_requirements
from experiments.alignment.segment_lengths import VideoStudy
from experiments.alignment.set_result import MapResult, SetResult
from experiments.alignment.study_config import NDCG_DEPTH, PRECISION_DEPTH
from experiments.alignment.study_results import StudyResults, list_rules
from experiments.alignment.summary_table import summarise_sets
from experiments.alignment.verdict import Verdict
from experiments.alignment.video_tables import list_segment_lengths, list_variations
from experiments.statistics.markdown import format_estimate, format_markdown_table, format_value
from experiments.statistics.report import Cell


def to_markdown(study: StudyResults) -> str:
    """The whole report."""
    lines = [
        "# Alignment study",
        "",
        *(_format_table(summarise_sets(study)) if study.results else []),
        "",
    ]
    if study.video_study is not None:
        lines += _format_video_section(study.video_study, study)
    if left_out := study.list_left_out():
        lines += [*(f"* {name}: left out, {reason}." for name, reason in left_out.items()), ""]
    if requirements := check_requirements(study.results):
        lines += ["## Bars", "", *(f"* {requirement}" for requirement in requirements), ""]
    verdicts = study.compute_verdicts()
    for name, result in study.results.items():
        lines += _format_set_section(name, result, verdicts[name])
    lines += _format_gpa_section(study)
    if study.variants:
        lines += _format_variants(study.variants)
    lines += ["## How the figures were made", "", *(f"* {rule}" for rule in list_rules(study.config)), ""]
    return "\n".join(lines)


def _format_video_section(video_study: VideoStudy, study: StudyResults) -> list[str]:
    folder = video_study.folder
    skipped = [f"{folder.silent_count} more have no sound track", f"{folder.duplicate_count} are copies"]
    return [
        f"## Videos of {folder.name}",
        "",
        f"{len(folder.videos)} videos with sound, {video_study.total_duration / 60:.1f} minutes; "
        f"{', '.join(skipped)}.",
        "",
        *(f"* Left out: {file}: {reason}." for file, reason in folder.unreadable.items()),
        *([""] if folder.unreadable else []),
        "How readings vary inside segments: root mean square standard deviation, with the 95 % interval over "
        "whole videos (without, where those are too few), and the share of all scatter that lies inside.",
        "",
        *_format_table(list_variations(video_study)),
        "",
        "* A picture is read each second. Sound is read from 3 s about each half second, so that neighbours "
        "share most of what they hear and segments shorter than 3 s look steadier than they are.",
        "* In a video no longer than a segment all scatter but that between videos lies inside: lengths "
        "compare only where videos are longer than all of them.",
        "",
        "The senses of one segment, by its length:",
        "",
        *_format_table(list_segment_lengths(video_study, study)),
        "",
        "* The best map is chosen by the disparity that is told of it, which is too low for that. p over all "
        "is the least of the set's maps after Holm's correction over maps, and over the folder's sets too.",
        "* Sets of one folder are the same videos cut anew: they are no independent findings.",
        "",
    ]


def _format_set_section(name: str, result: SetResult, verdict: Verdict) -> list[str]:
    lines = [f"## {name}", "", f"**{verdict.explanation}**", ""]
    if verdict.hypothesis != "not tested" or result.data.pairs.construction:
        lines += [f"Hypothesis of section 8.1, {verdict.hypothesis}: {verdict.hypothesis_explanation}", ""]
    lines += _format_set_notes(result)
    lines += ["", *_format_table([_make_map_cells(row, result) for row in result.maps]), ""]
    recovered = check_recovery(name, result).get("recovered", {})
    controls = [_make_control_cells(row, recovered.get(row.name)) for row in result.maps]
    lines += ["Controls:", "", *_format_table(controls), ""]
    lines += format_fitted_maps(result)
    if any(row.learning_curve for row in result.maps):
        curves: list[dict[str, Cell]] = [
            {"map": row.name, **{f"{size}": format_value(value, ".3f") for size, value in row.learning_curve}}
            for row in result.maps
        ]
        lines += ["Disparity by number of anchors:", "", *_format_table(curves), ""]
    return lines


def _format_set_notes(result: SetResult) -> list[str]:
    """A list of the data, the baselines and the warnings of a set."""
    pairs, analysis, fusion = result.data.pairs, result.protest, result.fusion
    lines = [
        f"* {pairs.modalities[0]} to {pairs.modalities[1]}, {len(result.data.pair_rows)} pairs in "
        f"{len(set(result.data.groups.tolist()))} groups, {result.data.source.shape[1]} columns to "
        f"{result.data.target.shape[1]}; shuffled: {pairs.exchange}.",
        *(f"* {note[:1].upper()}{note[1:]}." for note in pairs.notes),
    ]
    if analysis is not None and result.average_cosine is not None:
        lines.append(
            f"* Procrustes as the report used it: disparity {analysis.disparity:.3f}, average cosine "
            f"{result.average_cosine:.2f} (unrelated clouds have .5); PROTEST t "
            f"{analysis.correlation:.3f}, p {analysis.p_value:.3f}."
        )
    if result.chance_precision is not None:
        lines.append(f"* P@{PRECISION_DEPTH} by chance {result.chance_precision:.3f}.")
    if result.random_ndcg is not None:
        lines.append(f"* nDCG@{NDCG_DEPTH} in random order {result.random_ndcg:.3f}.")
    if result.power is not None:
        lines.append(f"* {format_power(result.power)}.")
    if result.levels is not None and (levels := result.levels.describe()):
        lines.append(f"* By PROTEST of group means, and of deviations shuffled within groups, {levels}.")
    if fusion is not None:
        lines.append(
            f"* Emotion named right: {pairs.modalities[0]} {fusion.source}, {pairs.modalities[1]} "
            f"{fusion.target}, both {fusion.both}; both over the better one {fusion.gain_on_best}."
        )
    lines += [f"* Warning: {warning}." for warning in result.warnings]
    return lines + [f"* {map_name} left out: {reason}." for map_name, reason in result.left_out.items()]


def _make_map_cells(map_result: MapResult, result: SetResult) -> dict[str, Cell]:
    columns = result.data.pairs.columns
    cells: dict[str, Cell] = {
        "map": map_result.name,
        "disparity": format_estimate(map_result.disparity, ".3f"),
    }
    if len(columns) <= MAX_CCC_COLUMNS:
        for column, ccc in zip(columns, map_result.ccc, strict=True):
            cells[f"CCC {column}"] = format_estimate(ccc, ".3f")
    else:
        cells["mean CCC"] = format_estimate(map_result.mean_ccc, ".3f")
    return {
        **cells,
        f"P@{PRECISION_DEPTH}": format_estimate(map_result.precision, ".3f"),
        "others": format_estimate(map_result.precision_without_pair, ".3f"),
        f"nDCG@{NDCG_DEPTH}": format_estimate(map_result.ndcg, ".3f"),
        "gain on identity": format_estimate(map_result.gain_on_identity, ".3f"),
        "gain on best linear": format_estimate(map_result.gain_on_best_linear, ".3f"),
    }


def _make_control_cells(map_result: MapResult, recovery: Mapping[str, bool] | None) -> dict[str, Cell]:
    """Cells of the controls; `recovery` states whether the map should and did recover a known relation."""
    reflections = map_result.reflection_share
    cells: dict[str, Cell] = {
        "map": map_result.name,
        "p": f"{map_result.p:.3f}",
        "p (Holm)": f"{map_result.holm:.3f}",
        "shuffled pairs: mean, least": ", ".join(
            format_value(value, ".3f") for value in map_result.null_disparity
        ),
        "rise with swapped axes": format_estimate(map_result.swapped_axes_rise, ".3f"),
        "reflects": "" if reflections is None else f"{100 * reflections:.0f} % of folds",
    }
    if recovery is not None:
        cells["recovered: expected, found"] = ", ".join(
            "yes" if recovery[key] else "no" for key in ("expected", "found")
        )
    return {**cells, "warnings": "; ".join(map_result.warnings)}


def _format_gpa_section(study: StudyResults) -> list[str]:
    if not study.gpa_results:
        return []
    rows: list[dict[str, Cell]] = [
        {
            "set": gpa.name, "senses": ", ".join(gpa.modalities), "rows": gpa.row_count,
            "disparity": format_value(gpa.disparity, ".3f"),
            "on shuffled senses": format_value(gpa.null_disparity, ".3f"),
            "p": f"{gpa.p:.3f}", "mirrored against the first": ", ".join(gpa.reflected_modalities),
        }
        for gpa in study.gpa_results
    ]  # fmt: skip
    return [
        "## Several senses together",
        "",
        *_format_table(rows),
        "",
        "Generalised Procrustes analysis (Gower 1975): scatter about the consensus as a share of "
        "all; not held out.",
        "",
    ]


def _format_variants(variants: Sequence[VariantResult]) -> list[str]:
    rows: list[dict[str, Cell]] = [
        {
            "variant": variant.name,
            "what it is": variant.description,
            "spread": format_value(variant.spread, ".3f"),
            "collapsed": "yes" if variant.is_collapsed else "no",
            "not affine": format_value(variant.non_affine_share, ".3f"),
            "disparity": format_value(variant.disparity, ".3f"),
        }
        for variant in variants
    ]
    return [
        "## The learned mapping taken apart",
        "",
        "On the non-linear synthetic pair. Spread is that of the new values, where bounded f1 and f2 have 1; "
        "not affine is the share of a2's variance that no affine map of a1 gives.",
        "",
        *_format_table(rows),
        "",
    ]


def _format_table(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """A table of the columns that are not empty, in the order in which rows introduce them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if any(row.get(name) not in (None, "") for row in rows)]
    return format_markdown_table(
        names,
        [
            ["" if row.get(name) is None else str(row[name]).replace("|", "\\|") for name in names]
            for row in rows
        ],
    )
