"""What the affect files come from, sense by sense, and the report of how good they are."""

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

from encoders.base import AffectError
from encoders.files import write_atomically
from experiments.heads.report_figure import EvaluationPart, MetricResult
from experiments.statistics.report import format_table
from retrieval.evaluation.estimate import Estimate

log = logging.getLogger(__name__)
LINE_WIDTH = 110  # characters a line

HEAD_NAMES = {
    "affect-image": "image",
    "affect-sound": "sound",
    "affect-text": "text",
    "affect-face": "face",
    "affect-emotions": "categories",
    "affect-senses": "senses",
}
"""What can be made anew, by name, and its name in the report. Its module has `fit_and_save(data_root,
out_folder, *, seed, quiet)`, which writes its files and gives them, the one that has a card first."""

EVALUATED_MODULES = {
    "image": "image",
    "sound": "audio_affect",
    "text": "text",
    "face": "face",
    "categories": "emotion_categories",
    "senses": "modality_reliability",
    "together": "image_face_fusion",
    "film": "film_benchmark",
}
"""Modules with an `evaluate`, by their names in the report, in its order."""


def import_head_module(name: str) -> ModuleType:
    """The module of a name in the report."""
    return import_module(f"experiments.heads.{EVALUATED_MODULES[name]}")


def train_head(
    name: str, data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool
) -> list[MetricResult]:
    """Make the files of one lesson, a card beside the first, and measure it. Raises AffectError."""
    maker = import_head_module(HEAD_NAMES[name])
    files: Sequence[Path] = maker.fit_and_save(data_root, out_folder, seed=seed, quiet=quiet)
    lines: list[MetricResult] = maker.evaluate(data_root, seed=seed)
    write_atomically(files[0].with_suffix(".md"), format_card(name, maker, files, lines, seed).encode())
    return lines


def evaluate_heads(
    data_root: Path,
    *,
    seed: int,
    part: EvaluationPart,
    names: Sequence[str] = (),
    on_start: Callable[[str], None] = lambda _: None,
) -> list[MetricResult]:
    """Every figure of these modules (all of REPORTED by default) that can be measured on a part."""
    lines: list[MetricResult] = []
    for name in names or EVALUATED_MODULES:
        on_start(name)
        try:
            lines += import_head_module(name).evaluate(data_root, seed=seed, part=part)
        except AffectError as lacking:  # a set that is not there costs only its own figures
            log.warning("%s is not measured: %s", name, lacking)
    if not lines:
        raise AffectError(f"{data_root}: nothing to measure on the part {part}")
    return lines


def format_rows(results: Sequence[MetricResult]) -> list[dict[str, Any]]:
    """As rows of a table."""
    return [
        {
            "data": one.dataset,
            "what": one.metric,
            "value": Estimate(one.value, one.low, one.high),
            "of": one.count,
            "part": one.part,
            "bar": ""
            if one.required is None
            else f"{one.required:g} {'met' if one.value >= one.required else 'MISSED'}",
            "floor": one.baseline,
            "ceiling": one.ceiling,
        }
        for one in results
    ]


def print_results(results: Sequence[MetricResult], *, as_json: bool) -> None:
    """Print the report."""
    if as_json:
        click.echo(json.dumps({"figures": [one.to_json() for one in results]}))
    else:
        click.echo("\n".join(format_table(format_rows(results))))


def format_card(
    name: str, head_module: ModuleType, files: Sequence[Path], results: Sequence[MetricResult], seed: int
) -> str:
    """Markdown beside a file: what it is, learnt from, how good, and how to make it again."""
    return "\n".join(_iterate_card_lines(name, head_module, files, results, seed))


def _iterate_card_lines(
    name: str, head_module: ModuleType, files: Sequence[Path], results: Sequence[MetricResult], seed: int
) -> Iterator[str]:
    sizes = ", ".join(f"{file.name} {file.stat().st_size / 1e6:.2f} MB" for file in files)
    yield from (f"# {name}", "", f"Files: {sizes}.", "")
    yield from wrap(f"Learnt from: {head_module.TRAINING_DATA}", LINE_WIDTH)
    yield from ("", *wrap(f"Licence: {head_module.LICENCE}", LINE_WIDTH), "")
    yield from wrap(
        "Figures with 95 % bootstrap intervals over groups. folds: groups of train and dev held out in turn; "
        "dev: by a model that had not learnt from it.",
        LINE_WIDTH,
    )
    yield from ("", "```", *format_table(format_rows(results)), "```", "")
    yield from (f"Made by `python -m experiments.train {name} --seed {seed}`.", "")
