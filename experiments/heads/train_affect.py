"""What the affect files come from, sense by sense, and the report of how good they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from types import ModuleType
from typing import Any

import click

from encoders.base import AffectError
from encoders.onnx_runtime import write_whole
from experiments.heads.report_figure import Line, Part
from experiments.statistics.report import Figure, table

log = logging.getLogger(__name__)
WIDE = 110  # characters a line

LESSONS = {
    "affect-image": "image",
    "affect-sound": "sound",
    "affect-text": "text",
    "affect-face": "face",
    "affect-emotions": "categories",
    "affect-senses": "senses",
}
"""What can be made anew, by name, and the module that makes it: `make(data, out, *, seed, quiet)` writes its
files and gives them, the one that has a card first; `figures` measures it."""

REPORTED = (*LESSONS.values(), "together", "film")
"""Modules with figures, in the order of the report."""


def module(name: str) -> ModuleType:
    """A module of this room."""
    return import_module(f"experiments.heads.{name}")


def made(name: str, data: Path, out: Path | None, *, seed: int, quiet: bool) -> list[Line]:
    """Make the files of one lesson, a card beside the first, and measure it. Raises AffectError."""
    maker = module(LESSONS[name])
    files: Sequence[Path] = maker.make(data, out, seed=seed, quiet=quiet)
    lines: list[Line] = maker.figures(data, seed=seed)
    write_whole(files[0].with_suffix(".md"), card(name, maker, files, lines, seed).encode())
    return lines


def report(
    data: Path,
    *,
    seed: int,
    part: Part,
    names: Sequence[str] = (),
    step: Callable[[str], None] = lambda _: None,
) -> list[Line]:
    """Every figure of these modules (all of REPORTED by default) that can be measured on a part."""
    lines: list[Line] = []
    for name in names or REPORTED:
        step(name)
        try:
            lines += module(name).figures(data, seed=seed, part=part)
        except AffectError as lacking:  # a set that is not there costs only its own figures
            log.warning("%s is not measured: %s", name, lacking)
    if not lines:
        raise AffectError(f"{data}: nothing to measure on the part {part}")
    return lines


def rows(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """As rows of a table."""
    return [
        {
            "data": one.data,
            "what": one.what,
            "value": Figure(one.value, one.low, one.high),
            "of": one.of,
            "part": one.part,
            "bar": "" if one.bar is None else f"{one.bar:g} {'met' if one.value >= one.bar else 'MISSED'}",
            "floor": one.floor,
            "ceiling": one.ceiling,
        }
        for one in lines
    ]


def publish(lines: Sequence[Line], *, as_json: bool) -> None:
    """Print the report."""
    if as_json:
        click.echo(json.dumps({"figures": [asdict(one) for one in lines]}))
    else:
        click.echo("\n".join(table(rows(lines))))


def card(name: str, maker: ModuleType, files: Sequence[Path], lines: Sequence[Line], seed: int) -> str:
    """Markdown beside a file: what it is, learnt from, how good, and how to make it again."""
    return "\n".join(_card(name, maker, files, lines, seed))


def _card(
    name: str, maker: ModuleType, files: Sequence[Path], lines: Sequence[Line], seed: int
) -> Iterator[str]:
    sizes = ", ".join(f"{file.name} {file.stat().st_size / 1e6:.2f} MB" for file in files)
    yield from (f"# {name}", "", f"Files: {sizes}.", "")
    yield from wrap(f"Learnt from: {maker.TOLD}", WIDE)
    yield from ("", *wrap(f"Licence: {maker.LICENCE}", WIDE), "")
    yield from wrap(
        "Figures with 95 % bootstrap intervals over groups. folds: groups of train and dev held out in turn; "
        "dev: by a model that had not learnt from it.",
        WIDE,
    )
    yield from ("", "```", *table(rows(lines)), "```", "")
    yield from (f"Made by `python -m experiments.train {name} --seed {seed}`.", "")
