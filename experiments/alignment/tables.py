"""What a study tells: Markdown, CSV and JSON, and lines for a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.files import write_atomically
from experiments.alignment import segment_lengths
from experiments.alignment.generalised_procrustes import GpaResult
from experiments.alignment.loss_ablation import VariantResult
from experiments.alignment.pairs import FOLD_COUNT
from experiments.alignment.segment_lengths import VideoStudy, adjust_p_over_sets
from experiments.alignment.statistics import MAX_CCC_COLUMNS, MapResult, SetResult, to_json
from experiments.alignment.study import NDCG_DEPTH, PRECISION_DEPTH, StudyConfig
from experiments.alignment.synthetic import CASES, RECOVERY_TOLERANCE, compute_oracle_disparity
from experiments.alignment.verdict import Verdict, make_verdict
from experiments.statistics.report import Cell, Requirement, describe_machine, format_table
from retrieval.evaluation.estimate import Estimate

TARGET_PRECISION = 0.33  # P@5 from voice to face that was set out to be reached (PLS .20, chance .13)
ROTATION_TOLERANCE = 1e-6  # a known rotation is recovered within it


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """A whole run: sets by name, the learned mapping taken apart, what was left out, a folder of videos."""

    results: Mapping[str, SetResult]
    variants: Sequence[VariantResult]
    left_out: Mapping[str, str]
    config: StudyConfig
    gpa_results: Sequence[GpaResult] = ()
    video_study: VideoStudy | None = None

    def compute_verdicts(self) -> dict[str, Verdict]:
        """By set."""
        return {name: make_verdict(one) for name, one in self.results.items()}


def list_rules(config: StudyConfig) -> list[str]:
    """How the figures were made."""
    return [
        f"All figures are of what was held out: groups in {FOLD_COUNT} folds, each map fitted on the others. "
        "In brackets the 95 % bootstrap interval over whole groups (2000 draws).",
        "Disparity: squared error as a share of that of the anchors' mean, in the target's own coordinates; "
        "0 is perfect, 1 knows nothing, and more is worse than nothing. Of a similarity on its own anchors "
        "it is scipy's M^2.",
        f"p: a map fitted on half of the groups, the other half's pairs shuffled {config.draws} "
        "times; Holm's correction over all maps of a set. PROTEST (Jackson 1995) shuffles the pairs of the "
        "Procrustes analysis of all readings together, as the report made it; its M^2 is not held out.",
        f"Shuffled pairs: disparity of maps fitted anew on {config.shuffles} shuffles of the anchors.",
        "What is shuffled: any rows, rows within a group, or whole groups; each set says which.",
        "Swapped axes: how much the disparity rises when the fitted map gets the source's axes in reverse.",
        f"P@{PRECISION_DEPTH}: same emotion among the nearest {PRECISION_DEPTH} of the fold's "
        "targets, the row's own pair among them; "
        '"others" is without it. '
        f"nDCG@{NDCG_DEPTH}: gain exp(-distance) of true valence and arousal where known, "
        "else of the readings.",
        "Least squares draws towards the mean; for retrieval its maps get the target's spread back.",
        "Gain: how much lower the disparity is than identity's, or than the best linear map's, over the same "
        "draws.",
    ]


def compute_bars(study: StudyResults) -> list[Requirement]:
    """What was set out to be reached, of the sets that were studied."""
    found: list[Requirement] = []
    turned = study.results.get("synthetic-rotation")
    if turned is not None:
        for name in ("rotation", "procrustes"):
            if name in turned.outcomes:
                far = float(abs(turned.outcomes[name].mapped - turned.data.target).max())
                found.append(
                    Requirement(
                        name=f"known rotation by {name}, farthest point",
                        value=far,
                        bound=ROTATION_TOLERANCE,
                        is_minimum=False,
                    )
                )
    for case, least in (("non-linear", True), ("similarity", False)):
        one = study.results.get(f"synthetic-{case}")
        row = next((row for row in one.maps if row.name == "learned mapping"), None) if one else None
        if (
            row is not None
            and row.gain_on_best_linear is not None
            and row.gain_on_best_linear.low is not None
        ):
            what = f"synthetic {case}: learned mapping's gain on the best linear map, lower end"
            found.append(
                Requirement(name=what, value=row.gain_on_best_linear.low, bound=0.0, is_minimum=least)
            )
    voice = study.results.get("ravdess_emotions")
    plain = next((row for row in voice.maps if row.name == "identity"), None) if voice else None
    if plain is not None and plain.precision is not None:
        found.append(
            Requirement(
                name=f"voice to face, same emotion P@{PRECISION_DEPTH}",
                value=plain.precision.value,
                bound=TARGET_PRECISION,
                is_minimum=True,
            )
        )
    if voice is not None and voice.fusion is not None and voice.fusion.gain_on_best.low is not None:
        what = "voice and face together over the better sense, lower end"
        found.append(Requirement(name=what, value=voice.fusion.gain_on_best.low, bound=0.0, is_minimum=True))
    return found


def make_report_json(study: StudyResults) -> dict[str, Any]:
    """All of it, for results.json."""
    verdicts = study.compute_verdicts()
    return {
        "plan": study.config.to_json(),
        "machine": describe_machine(),
        "rules": list_rules(study.config),
        "sets": {
            name: {**to_json(one), "verdict": verdicts[name].to_json(), **_check_recovery(name, one)}
            for name, one in study.results.items()
        },
        "learned mapping taken apart": [part.to_json() for part in study.variants],
        "several senses together": [one.to_json() for one in study.gpa_results],
        "left out": dict(study.left_out),
        "videos": None
        if study.video_study is None
        else segment_lengths.to_json(study.video_study, study.results),
        "bars": [bar.to_json() for bar in compute_bars(study)],
    }


def write_report(out_folder: Path, study: StudyResults) -> list[Path]:
    """Write report.md, maps.csv and results.json, each whole."""
    texts = {
        "report.md": to_markdown(study),
        "maps.csv": to_csv(study),
        "results.json": json.dumps(make_report_json(study), indent=1),
    }
    for name, text in texts.items():
        write_atomically(out_folder / name, text.encode())
    return [out_folder / name for name in texts]


def summarise_sets(study: StudyResults) -> list[dict[str, Cell]]:
    """A line a set."""
    lines: list[dict[str, Cell]] = []
    for name, verdict in study.compute_verdicts().items():
        one = study.results[name]
        linear, curved = one.find_best("linear"), one.find_best("curved")
        hits = max(
            (r for r in one.maps if r.precision),
            key=lambda r: r.precision.value if r.precision else 0,
            default=None,
        )
        lines.append({
            "set": name,
            "pairs": len(one.data.pair_rows),
            "M^2 (PROTEST p)": _format_protest(one),
            "best linear": _format_map(linear),
            "best curved": _format_map(curved),
            f"best P@{PRECISION_DEPTH} (chance)": _format_precision(hits, one.chance_precision),
            "spaces": verdict.relation,
            "hypothesis": verdict.hypothesis,
        })  # fmt: skip
    return lines


def format_terminal(study: StudyResults) -> list[str]:
    """The summary, the verdicts and the bars."""
    lines = [*format_table(summarise_sets(study)), ""] if study.results else []
    if study.video_study is not None:
        lines += [
            *format_table(_list_variations(study.video_study)),
            "",
            *format_table(_list_segment_lengths(study.video_study, study)),
            "",
        ]
    for name, verdict in study.compute_verdicts().items():
        lines.append(f"{name}: {verdict.explanation}")
        if verdict.hypothesis != "not tested":
            lines.append(f"  hypothesis {verdict.hypothesis}: {verdict.hypothesis_explanation}")
    lines += [f"{name}: left out, {why}" for name, why in _list_left_out(study).items()]
    return [*lines, *map(str, compute_bars(study))]


def to_csv(study: StudyResults) -> str:
    """One line a set and map; every figure with its interval."""
    text = io.StringIO()
    figures = ("disparity", "mean ccc", "gain on identity", "gain on best linear", "swapped rise",
               f"P@{PRECISION_DEPTH}", f"P@{PRECISION_DEPTH} others", f"nDCG@{NDCG_DEPTH}")  # fmt: skip
    ends = ("", " low", " high")
    header = [
        "set", "map", "kind", *(f"{name}{end}" for name in figures for end in ends), "p", "p holm",
        "shuffled mean", "shuffled least", "reflection", "warnings",
    ]  # fmt: skip
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for name, one in study.results.items():
        for row in one.maps:
            cells: list[Any] = [name, row.name, row.kind]
            for value in (
                row.disparity, row.mean_ccc, row.gain_on_identity, row.gain_on_best_linear,
                row.swapped_axes_rise, row.precision, row.precision_without_pair,
                row.ndcg,
            ):  # fmt: skip
                cells += ["", "", ""] if value is None else [value.value, value.low, value.high]
            reflection = "" if row.reflection_share is None else row.reflection_share
            writer.writerow(
                [*cells, row.p, row.holm, *row.null_disparity, reflection, "; ".join(row.warnings)]
            )
    return text.getvalue()


def to_markdown(study: StudyResults) -> str:
    """The whole report."""
    lines = [
        "# Alignment study",
        "",
        *(_format_markdown_table(summarise_sets(study)) if study.results else []),
        "",
    ]
    if study.video_study is not None:
        lines += _format_video_section(study.video_study, study)
    if elsewhere := _list_left_out(study):
        lines += [*(f"* {name}: left out, {why}." for name, why in elsewhere.items()), ""]
    if found := compute_bars(study):
        lines += ["## Bars", "", *(f"* {bar}" for bar in found), ""]
    verdicts = study.compute_verdicts()
    for name, one in study.results.items():
        lines += _format_set_section(name, one, verdicts[name])
    if study.gpa_results:
        lines += ["## Several senses together", "", *_format_markdown_table([
            {
                "set": one.name, "senses": ", ".join(one.modalities), "rows": one.row_count,
                "disparity": f"{one.disparity:.3f}", "on shuffled senses": f"{one.null_disparity:.3f}",
                "p": f"{one.p:.3f}", "mirrored against the first": ", ".join(one.reflected_modalities),
            }
            for one in study.gpa_results
        ]), "", "Generalised Procrustes analysis (Gower 1975): scatter about the consensus as a share of "
        "all; not held out.", ""]  # fmt: skip
    if study.variants:
        lines += _format_variants(study.variants)
    lines += ["## How the figures were made", "", *(f"* {rule}" for rule in list_rules(study.config)), ""]
    return "\n".join(lines)


def _list_left_out(study: StudyResults) -> dict[str, str]:
    """What was left out and is not in the table of lengths."""
    tabled = study.video_study.make_pairs() if study.video_study is not None else {}
    return {name: why for name, why in study.left_out.items() if name not in tabled}


def _format_video_section(video_study: VideoStudy, study: StudyResults) -> list[str]:
    """What a folder of videos gave at every length of segment."""
    folder = video_study.folder
    left = [f"{folder.silent_count} more have no sound track", f"{folder.duplicate_count} are copies"]
    return [
        f"## Videos of {folder.name}",
        "",
        f"{len(folder.videos)} videos with sound, {video_study.total_duration / 60:.1f} minutes; "
        f"{', '.join(left)}.",
        "",
        *(f"* Left out: {file}: {why}." for file, why in folder.unreadable.items()),
        *([""] if folder.unreadable else []),
        "How readings vary inside segments: root mean square standard deviation, with the 95 % interval over "
        "whole videos (without, where those are too few), and the share of all scatter that lies inside.",
        "",
        *_format_markdown_table(_list_variations(video_study)),
        "",
        "* A picture is read each second. Sound is read from 3 s about each half second, so that neighbours "
        "share most of what they hear and segments shorter than 3 s look steadier than they are.",
        "* In a video no longer than a segment all scatter but that between videos lies inside: lengths "
        "compare only where videos are longer than all of them.",
        "",
        "The senses of one segment, by its length:",
        "",
        *_format_markdown_table(_list_segment_lengths(video_study, study)),
        "",
        "* The best map is chosen by the disparity that is told of it, which is too low for that. p over all "
        "is the least of the set's maps after Holm's correction over maps, and over the folder's sets too.",
        "* Sets of one folder are the same videos cut anew: they are no independent findings.",
        "",
    ]


def _list_variations(video_study: VideoStudy) -> list[dict[str, Cell]]:
    """A line a sense and length."""
    return [
        {
            "sense": one.modality,
            "segment": f"{one.deviation.segment_length:g} s",
            "segments, videos": f"{one.deviation.segment_count}, {one.video_count}",
            **{
                f"SD inside, {name}": "too short"
                if one.within_sd is None
                else _format_estimate(one.within_sd[at])
                for at, name in enumerate(("valence", "arousal"))
            },
            "share of scatter": ""
            if one.within_sd is None
            else ", ".join(f"{v:.2f}" for v in one.deviation.within_share),
        }
        for one in video_study.variations
    ]


def _list_segment_lengths(video_study: VideoStudy, study: StudyResults) -> list[dict[str, Cell]]:
    """A line a length and pair of senses: the readings as they stand, and the best map."""
    lines: list[dict[str, Cell]] = []
    sure = adjust_p_over_sets(
        {name: study.results[name] for name in video_study.make_pairs() if name in study.results}
    )
    for name in video_study.make_pairs():
        one = study.results.get(name)
        if one is None:
            lines.append({"set": name, "left out": study.left_out.get(name, "")})
            continue
        plain = next(row for row in one.maps if row.name == "identity")
        best = one.find_best("linear", "curved") or plain
        lines.append({
            "set": name, "segments": len(one.data.pair_rows), "videos": len(set(one.data.groups.tolist())),
            "CCC without a map": ", ".join(_format_estimate(ccc) for ccc in plain.ccc), "best map": best.name,
            "disparity": _format_estimate(best.disparity), "p over all": f"{sure[name]:.3f}",
        })  # fmt: skip
    return lines


def _format_set_section(name: str, result: SetResult, verdict: Verdict) -> list[str]:
    pairs = result.data.pairs
    analysis = result.protest
    lines = [f"## {name}", "", f"**{verdict.explanation}**", ""]
    if verdict.hypothesis != "not tested" or pairs.construction:
        lines += [f"Hypothesis of section 8.1, {verdict.hypothesis}: {verdict.hypothesis_explanation}", ""]
    groups = len(set(result.data.groups.tolist()))
    lines += [
        f"* {pairs.modalities[0]} to {pairs.modalities[1]}, {len(result.data.pair_rows)} pairs in "
        f"{groups} groups, {result.data.source.shape[1]} columns to {result.data.target.shape[1]}; "
        f"shuffled: {pairs.exchange}.",
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
    if result.fusion is not None:
        lines.append(
            f"* Emotion named right: {pairs.modalities[0]} {result.fusion.source}, {pairs.modalities[1]} "
            f"{result.fusion.target}, both {result.fusion.both}; both over the better one "
            f"{result.fusion.gain_on_best}."
        )
    lines += [f"* Warning: {warning}." for warning in result.warnings]
    lines += [f"* {map_} left out: {why}." for map_, why in result.left_out.items()]
    lines += ["", *_format_markdown_table([_make_map_cells(row, result) for row in result.maps]), ""]
    lines += [
        "Controls:",
        "",
        *_format_markdown_table([_make_control_cells(name, row, result) for row in result.maps]),
        "",
    ]
    if any(row.learning_curve for row in result.maps):
        lines += [
            "Disparity by number of anchors:",
            "",
            *_format_markdown_table(
                [
                    {"map": row.name, **{f"{size}": f"{value:.3f}" for size, value in row.learning_curve}}
                    for row in result.maps
                ]
            ),
            "",
        ]
    return lines


def _make_map_cells(map_result: MapResult, result: SetResult) -> dict[str, Cell]:
    names = result.data.pairs.columns
    cells: dict[str, Cell] = {"map": map_result.name, "disparity": _format_estimate(map_result.disparity)}
    if len(names) <= MAX_CCC_COLUMNS:
        cells |= {
            f"CCC {name}": _format_estimate(ccc) for name, ccc in zip(names, map_result.ccc, strict=True)
        }
    else:
        cells["mean CCC"] = _format_estimate(map_result.mean_ccc)
    return {
        **cells,
        f"P@{PRECISION_DEPTH}": _format_estimate(map_result.precision),
        "others": _format_estimate(map_result.precision_without_pair),
        f"nDCG@{NDCG_DEPTH}": _format_estimate(map_result.ndcg),
        "gain on identity": _format_estimate(map_result.gain_on_identity),
        "gain on best linear": _format_estimate(map_result.gain_on_best_linear),
    }


def _make_control_cells(name: str, map_result: MapResult, result: SetResult) -> dict[str, Cell]:
    expected = _check_recovery(name, result).get("recovered", {}).get(map_result.name)
    cells: dict[str, Cell] = {
        "map": map_result.name,
        "p": f"{map_result.p:.3f}",
        "p (Holm)": f"{map_result.holm:.3f}",
        "shuffled pairs: mean, least": ", ".join(f"{value:.3f}" for value in map_result.null_disparity),
        "rise with swapped axes": _format_estimate(map_result.swapped_axes_rise),
        "reflects": ""
        if map_result.reflection_share is None
        else f"{100 * map_result.reflection_share:.0f} % of folds",
    }
    if expected is not None:
        told = {True: "yes", False: "no"}
        cells["recovered: expected, found"] = f"{told[expected['expected']]}, {told[expected['found']]}"
    return {**cells, "warnings": "; ".join(map_result.warnings)}


def _check_recovery(name: str, result: SetResult) -> dict[str, Any]:
    """Of a synthetic set: which maps were expected to recover its relation, and which did."""
    case = name.removeprefix("synthetic-")
    if name == case or case not in CASES:
        return {}
    bound = compute_oracle_disparity(case, result.data.pairs)
    shared = CASES[case].is_related
    return {
        "disparity of the truth": bound,
        "recovered": {
            row.name: {
                "expected": row.name in CASES[case].recovering_maps,
                "found": shared and row.disparity.value <= bound + RECOVERY_TOLERANCE,
            }
            for row in result.maps
        },
    }


def _format_variants(variants: Sequence[VariantResult]) -> list[str]:
    return [
        "## The learned mapping taken apart",
        "",
        "On the non-linear synthetic pair. Spread is that of the new values, where bounded f1 and f2 have 1; "
        "not affine is the share of a2's variance that no affine map of a1 gives.",
        "",
        *_format_markdown_table(
            [
                {
                    "variant": part.name,
                    "what it is": part.description,
                    "spread": f"{part.spread:.3f}",
                    "collapsed": "yes" if part.is_collapsed else "no",
                    "not affine": f"{part.non_affine_share:.3f}",
                    "disparity": f"{part.disparity:.3f}",
                }
                for part in variants
            ]
        ),
        "",
    ]


def _format_markdown_table(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if any(row.get(name) not in (None, "") for row in rows)]
    lines = [names, ["---"] * len(names)]
    lines += [
        ["" if row.get(name) is None else str(row[name]).replace("|", "\\|") for name in names]
        for row in rows
    ]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _format_estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _format_protest(result: SetResult) -> str:
    return "" if result.protest is None else f"{result.protest.disparity:.3f} ({result.protest.p_value:.3f})"


def _format_map(map_result: MapResult | None) -> str:
    return "" if map_result is None else f"{map_result.name} {_format_estimate(map_result.disparity)}"


def _format_precision(map_result: MapResult | None, chance: float | None) -> str:
    if map_result is None or map_result.precision is None or chance is None:
        return ""
    return f"{map_result.name} {map_result.precision.value:.3f} ({chance:.3f})"
