"""The files of a study: report.md, maps.csv and results.json."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from encoders import AffectError, to_printable, write_atomically
from experiments.alignment.markdown_report import to_markdown
from experiments.alignment.results_json import make_report_json
from experiments.alignment.runner import TEST_ROWS_SUFFIX
from experiments.alignment.set_loaders import Loaders
from experiments.alignment.study_config import NDCG_DEPTH, PRECISION_DEPTH
from experiments.alignment.study_results import StudyResults

MAX_SETS_NAMED = 3  # of a report that would be overwritten

CSV_ESTIMATES = {
    "disparity": "disparity",
    "mean ccc": "mean_ccc",
    "gain on identity": "gain_on_identity",
    "gain on best linear": "gain_on_best_linear",
    "swapped rise": "swapped_axes_rise",
    f"P@{PRECISION_DEPTH}": "precision",
    f"P@{PRECISION_DEPTH} others": "precision_without_pair",
    f"nDCG@{NDCG_DEPTH}": "ndcg",
}
"""Estimates in maps.csv: column, and attribute of a MapResult."""


def check_same_data(out_folder: Path, loaders: Loaders, video_folder: str | None) -> None:
    """Raises AffectError where a folder holds the report of sets that are not, or not the same, in this run.

    video_folder: name of the folder of videos of this run, if there is any
    """
    try:
        stored = json.loads((out_folder / "results.json").read_text())
        sets, videos = stored["sets"], stored["videos"]
        digests = {name: entry.get("data") for name, entry in sets.items()}
        stored_folder = None if videos is None else videos["folder"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    others = [
        name
        for name, digest in digests.items()
        if (loader := loaders.get(name.removesuffix(TEST_ROWS_SUFFIX))) is None
        or (name in loaders and None not in (digest, loader.digest) and digest != loader.digest)
    ]
    if stored_folder not in (None, video_folder):
        others.append(f"videos of {stored_folder}")
    if others:
        shown = ", ".join(others[:MAX_SETS_NAMED]) + (", ..." if len(others) > MAX_SETS_NAMED else "")
        raise AffectError(
            f"{to_printable(out_folder)} holds the report of other data ({shown}); "
            "name another --out, or delete its results.json"
        )


def write_report(out_folder: Path, study: StudyResults) -> list[Path]:
    """Write report.md, maps.csv and results.json, each whole or not at all; returns their paths."""
    texts = {
        "report.md": to_markdown(study),
        "maps.csv": to_csv(study),
        "results.json": json.dumps(make_report_json(study), indent=1),
    }
    for name, text in texts.items():
        write_atomically(out_folder / name, text.encode())
    return [out_folder / name for name in texts]


def to_csv(study: StudyResults) -> str:
    """A line for each set and map, every estimate with its interval."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([
        "set", "map", "kind", *(f"{name}{end}" for name in CSV_ESTIMATES for end in ("", " low", " high")),
        "p", "p holm", "shuffled mean", "shuffled least", "reflection", "warnings",
    ])  # fmt: skip
    for set_name, result in study.results.items():
        for row in result.maps:
            cells: list[Any] = [set_name, row.name, row.kind]
            for attribute in CSV_ESTIMATES.values():
                estimate = getattr(row, attribute)
                cells += ["", "", ""] if estimate is None else [estimate.value, estimate.low, estimate.high]
            reflections = "" if row.reflection_share is None else row.reflection_share
            writer.writerow(
                [*cells, row.p, row.holm, *row.null_disparity, reflections, "; ".join(row.warnings)]
            )
    return text.getvalue()
