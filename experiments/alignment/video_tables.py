"""Tables of a video study: variation inside segments, and the maps by segment length."""

from __future__ import annotations

from experiments.alignment.pairs import AFFECT_COLUMNS
from experiments.alignment.power import MEDIUM
from experiments.alignment.segment_lengths import VideoStudy, adjust_p_over_sets
from experiments.alignment.study_results import StudyResults
from experiments.statistics.markdown import format_estimate, format_value
from experiments.statistics.report import Cell


def list_variations(video_study: VideoStudy) -> list[dict[str, Cell]]:
    """A row for each modality and segment length."""
    rows: list[dict[str, Cell]] = []
    for variation in video_study.variations:
        deviation = variation.deviation
        row: dict[str, Cell] = {
            "sense": variation.modality,
            "segment": f"{deviation.segment_length:g} s",
            "segments, videos": f"{deviation.segment_count}, {variation.video_count}",
        }
        if variation.within_sd is None:
            row |= {f"SD inside, {name}": "too short" for name in AFFECT_COLUMNS}
            row["share of scatter"] = ""
        else:
            for name, sd in zip(AFFECT_COLUMNS, variation.within_sd, strict=True):
                row[f"SD inside, {name}"] = format_estimate(sd, ".3f")
            row["share of scatter"] = ", ".join(
                format_value(share, ".2f") for share in deviation.within_share
            )
        rows.append(row)
    return rows


def list_segment_lengths(video_study: VideoStudy, study: StudyResults) -> list[dict[str, Cell]]:
    """A row for each segment length and pair of modalities: agreement without a map, and the best map."""
    rows: list[dict[str, Cell]] = []
    set_names = list(video_study.make_pairs())
    adjusted_p = adjust_p_over_sets(
        {name: study.results[name] for name in set_names if name in study.results}
    )
    for name in set_names:
        result = study.results.get(name)
        if result is None:
            rows.append({"set": name, "left out": study.left_out.get(name, "")})
            continue
        identity = next(row for row in result.maps if row.name == "identity")
        best = result.find_best("linear", "curved") or identity
        rows.append({
            "set": name,
            "segments": len(result.data.pair_rows),
            "videos": len(set(result.data.groups.tolist())),
            "CCC without a map": ", ".join(format_estimate(ccc, ".3f") for ccc in identity.ccc),
            "best map": best.name,
            "disparity": format_estimate(best.disparity, ".3f"),
            "p over all": f"{adjusted_p[name]:.3f}",
            f"power for r = {MEDIUM:g}": ""
            if result.power is None
            else format_value(result.power.by_correlation[MEDIUM], ".2f"),
        })  # fmt: skip
    return rows
