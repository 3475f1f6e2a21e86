"""Training of the affect heads by name, their cards, and the report of their metrics."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from types import ModuleType
from typing import Any

import click

from encoders import AffectError, write_atomically
from experiments.heads.report_figure import EvaluationPart, MetricResult
from experiments.statistics.report import format_table
from retrieval.provenance import CARD_LINE_WIDTH, record_provenance

log = logging.getLogger(__name__)

HEAD_NAMES = {
    "affect-image": "image",
    "affect-sound": "sound",
    "affect-text": "text",
    "affect-face": "face",
    "affect-emotions": "categories",
    "affect-events": "events",
    "affect-senses": "senses",
}
"""Names of the heads that can be trained, with their names in the report. Their packages have
`fit_and_save(data_root, out_folder, *, seed, quiet)`, which writes files and returns their paths, the one
with a
card first."""

EVALUATED_MODULES = {
    "image": "image",
    "sound": "audio_affect",
    "text": "text",
    "face": "face",
    "categories": "emotion_categories",
    "events": "sound_event_affect",
    "senses": "modality_reliability",
    "together": "image_face_fusion",
    "film": "film_benchmark",
}
"""Modules and packages with an `evaluate`, by their names in the report, in its order."""


def import_head_module(name: str) -> ModuleType:
    """The module or package of a name in the report."""
    return import_module(f"experiments.heads.{EVALUATED_MODULES[name]}")


def train_head(
    name: str, data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool
) -> list[MetricResult]:
    """Write the files of one head, a card beside the first, and evaluate it. Raises AffectError."""
    head = import_head_module(HEAD_NAMES[name])
    paths: Sequence[Path] = head.fit_and_save(data_root, out_folder, seed=seed, quiet=quiet)
    results: list[MetricResult] = head.evaluate(data_root, seed=seed)
    write_atomically(paths[0].with_suffix(".md"), format_card(name, head, paths, results, seed).encode())
    return results


def evaluate_heads(
    data_root: Path,
    *,
    seed: int,
    part: EvaluationPart,
    names: Sequence[str] = (),
    on_start: Callable[[str], None] = lambda _: None,
) -> list[MetricResult]:
    """Every metric of these modules (by default all of EVALUATED_MODULES) that can be measured on a part."""
    results: list[MetricResult] = []
    for name in names or EVALUATED_MODULES:
        on_start(name)
        try:
            results += import_head_module(name).evaluate(data_root, seed=seed, part=part)
        except AffectError as missing:  # without a set, its own metrics alone are left out
            log.warning("%s is not measured: %s", name, missing)
    if not results:
        raise AffectError(f"{data_root}: nothing to measure on the part {part}")
    return results


def format_rows(results: Sequence[MetricResult]) -> list[dict[str, Any]]:
    """Results as rows of a table."""
    return [
        {
            "data": result.dataset,
            "what": result.metric,
            "value": result,
            "of": result.count,
            "part": result.part,
            "bar": _format_requirement(result),
            "floor": result.baseline,
            "ceiling": result.ceiling,
        }
        for result in results
    ]


def _format_requirement(result: MetricResult) -> str:
    """The required value and whether it is reached, such as "0.6 met"; empty without one."""
    if result.required is None:
        return ""
    return f"{result.required:g} {'met' if result.value >= result.required else 'MISSED'}"


def print_results(results: Sequence[MetricResult], *, as_json: bool) -> None:
    """Print the report."""
    if as_json:
        click.echo(json.dumps({"figures": [result.to_json() for result in results]}))
    else:
        click.echo("\n".join(format_table(format_rows(results))))


def format_card(
    name: str, head_module: ModuleType, files: Sequence[Path], results: Sequence[MetricResult], seed: int
) -> str:
    """Markdown beside a file: its training data, licence, metrics, and the command that makes it."""
    return "\n".join(_iterate_card_lines(name, head_module, files, results, seed))


def _iterate_card_lines(
    name: str, head_module: ModuleType, files: Sequence[Path], results: Sequence[MetricResult], seed: int
) -> Iterator[str]:
    sizes = ", ".join(f"{file.name} {file.stat().st_size / 1e6:.2f} MB" for file in files)
    yield from (f"# {name}", "", f"Files: {sizes}.", "")
    yield from wrap(f"Learnt from: {head_module.TRAINING_DATA}", CARD_LINE_WIDTH)
    yield from ("", *wrap(f"Licence: {head_module.LICENCE}", CARD_LINE_WIDTH), "")
    yield from wrap(
        "Figures with 95 % bootstrap intervals over groups. folds: groups of train and dev held out in turn; "
        "dev: by a model that had not learnt from it.",
        CARD_LINE_WIDTH,
    )
    yield from ("", "```", *format_table(format_rows(results)), "```", "")
    command = ["python", "-m", "experiments.train", name, "--seed", str(seed)]
    yield from (*record_provenance(command, seed=seed).format_lines(), "")
