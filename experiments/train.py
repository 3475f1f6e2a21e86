"""`python -m experiments.train`: fit the heads that come with the package, or some from your own captions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from encoders.base import AffectError, printable
from encoders.onnx_runtime import write_whole
from experiments.datasets import DATA, named
from experiments.features.extraction import item_rows
from experiments.heads.audio_text.train import audio_heads
from experiments.heads.model_cards import card
from experiments.heads.report_figure import Part
from experiments.heads.train_affect import LESSONS, made, publish, report
from experiments.heads.training_sets import SUBJECTS, Subject, lesson
from experiments.statistics.report import Figure, table
from retrieval.evaluation import Evaluation, bootstrap_interval, evaluate
from retrieval.features.pipeline import Experts, Recipe
from retrieval.progress_reporter import ProgressReporter
from retrieval.training.cross_validation import Fitted, Held, Lesson, fit
from retrieval.training.train_heads import count_trainings, learnt
from retrieval.training.training_data import lesson_of
from spaces.joint.io import PACKAGED, save_heads
from spaces.joint.ridge import ridge
from spaces.joint.space import TEXT, Heads

OUT = Path("spaces/weights")
DEPTHS = (1, 5, 10)

Row = dict[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("spaces", nargs=-1, metavar="[SPACE]...")
@click.option("--data", "own", metavar="NAME|CSV", help="Your own captions instead: a set or a CSV file.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None)
@click.option("--encoders", default="", metavar="ROLE=NAME,...", help="Other experts, with --data.")
@click.option("--report", "reported", is_flag=True, help="Fit nothing for keeps: measure all affect heads.")
@click.option(
    "--part",
    type=click.Choice(["folds", "dev", "test"]),
    default="folds",
    show_default=True,
    help="With --report: groups held out in turn, or one part of each set.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def main(
    ctx: click.Context, spaces: tuple[str, ...], own: str | None, data_root: Path, out: Path | None,
    encoders: str, reported: bool, part: Part, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Fit the trained heads of SPACEs (object, activity, audio; affect-image, affect-sound, affect-text,
    affect-face, affect-emotions, affect-senses; by default the first three) and tell how good they are.

    Every figure is measured on items that the heads it was measured with had not seen: parts are held out in
    turn, whole groups at a time. Writes a safetensors file and a card for each space.

    With --data, learns from your own media and captions (columns media, caption and, if wanted, group and
    split, of which test is left out) and writes to --out; in spaces/weights the files are the package's. To
    teach one library instead, see affect train.

    With --report, prints every figure of the affect heads beside its floor, its ceiling and the bar set for
    it: on groups held out in turn, on the dev parts, or on rows of a split "test" where the tables have any.
    """
    try:
        wanted = spaces or PACKAGED
        if unknown := [space for space in wanted if space not in {*PACKAGED, *LESSONS}]:
            raise AffectError(f"no space {', '.join(unknown)}; known: {', '.join([*PACKAGED, *LESSONS])}")
        felt = [space for space in wanted if space in LESSONS]
        if reported:
            if spaces and len(felt) < len(spaces):
                raise AffectError(f"--report is of affect heads: {', '.join(LESSONS)}")
            names = [LESSONS[space] for space in felt]
            lines = report(
                data_root, seed=seed, part=part, names=names, step=lambda name: _say(name, as_json)
            )
            publish(lines, as_json=as_json)
            return
        if felt:
            if own or len(felt) < len(wanted):
                raise AffectError("affect heads are fitted by themselves, and not from captions")
            lines = [line for space in felt for line in made(space, data_root, out, seed=seed, quiet=as_json)]
            publish(lines, as_json=as_json)
            return
        if own and out is None:
            raise AffectError("with --data, name the folder to write to with --out")
        rows = [
            row
            for space in wanted
            for row in (
                _own(space, own, data_root, out or OUT, encoders, seed)
                if own
                else _packaged(space, data_root, out or OUT, seed)
            )
        ]
    except AffectError as bad:
        click.echo(f"train: {bad}", err=True)
        ctx.exit(2)
    if as_json:
        click.echo(json.dumps({"seed": seed, "figures": [_plain(row) for row in rows]}))
    else:
        click.echo("\n".join(table(rows)))


def _say(name: str, quiet: bool) -> None:
    if not quiet:
        click.echo(f"measuring {name}", err=True)


def _packaged(space: str, data: Path, out: Path, seed: int) -> list[Row]:
    """Fit one packaged space on the data sets; its figures."""
    begun = time.perf_counter()
    if space == "audio":
        heads, found = audio_heads(Experts(Recipe(tone="", faces=""), packaged=False), data, seed=seed)
        rows: list[Row] = [
            {"space": space, "what": one.name, "way": one.way, "value": Figure(one.value, one.low, one.high)}
            for one in found
        ]
        _write(heads, out / f"{space}.safetensors", rows, space, seed, begun)
        return rows
    subject = SUBJECTS[space]
    experts = Experts(Recipe(sound="", tone="", faces="", activity="lite2-flow"), packaged=False)
    taught = lesson(subject, experts, data, seed=seed)
    fitted, rows = _fitted(space, taught, subject, seed)
    _write(fitted.heads, out / f"{space}.safetensors", rows, space, seed, begun)
    return rows


def _fitted(space: str, taught: Lesson, subject: Subject, seed: int) -> tuple[Fitted, list[Row]]:
    with ProgressReporter("train") as report:
        step = count_trainings(space, subject.plan, report.update)
        fitted = fit(taught, subject.plan, seed=seed, step=step)
    return fitted, [{"space": space, **row} for row in figures(taught, fitted, seed)]


def _own(space: str, own: str, data: Path, out: Path, encoders: str, seed: int) -> list[Row]:
    """Heads from a user's captions, the test split left out; a space that can't learn says why."""
    begun, found = time.perf_counter(), named(own, data)
    found = replace(found, items=tuple(item for item in found.items if item.split != "test"))
    recipe = Recipe.parse(encoders) if encoders else Recipe.default()
    experts = Experts(recipe, packaged=False)
    if not found.items or not experts.media_roles:
        raise AffectError(f"{own}: nothing to learn from outside the test split, or no encoder of media")
    rows = item_rows(experts, found, every=True)
    base = next(one for one in experts.spaces if one.name == space)
    taught = lesson_of(experts, base, rows, [item.captions for item in found.items], found.groups)
    with ProgressReporter("train") as report:
        outcome, fitted = learnt(space, taught, seed, report.update)
    if fitted is None or taught is None:
        return [{"space": space, "what": f"left out: {outcome.why}"}]
    told = [{"space": space, **row} for row in figures(taught, fitted, seed)]
    about = f"{found.name}, {outcome.items} items with {outcome.texts} captions", "that of your data"
    _write(fitted.heads, out / f"{space}.safetensors", told, space, seed, begun, about)
    return told


def figures(taught: Lesson, fitted: Fitted, seed: int) -> Iterator[Row]:
    """Recall on the held-out folds, both ways: untrained, ridge, the heads alone, and as they are used."""
    ways = {
        "untrained": [one.untrained for one in fitted.held],
        "ridge": [_ridge(taught, one) for one in fitted.held],
        "heads": [one.trained for one in fitted.held],
        "as used": [one.cosines(fitted.heads.share) for one in fitted.held],
    }
    for way, cosines in ways.items():
        if cosines[0] is None or (way == "as used" and not fitted.heads.share):
            continue
        found = [
            evaluated(taught, one, np.asarray(table, np.float32))
            for one, table in zip(fitted.held, cosines, strict=True)
        ]
        for side in ("t2v", "v2t"):
            yield {"what": _NAMES[side], "way": way, **_recalls(taught, found, side, seed)}


_NAMES = {"t2v": "text to item", "v2t": "item to text"}


def _ridge(taught: Lesson, held: Held) -> Any:
    """Cosines (texts, items) of the plain way, taught on the rest."""
    rest = np.setdiff1d(np.arange(taught.material.items), held.items)
    plain = replace(taught.material, media=taught.material.plain)
    member = ridge(plain.part(rest))
    return member.text({TEXT: plain.vectors[held.texts]}) @ member.media(plain.part(held.items).media).T


def evaluated(taught: Lesson, held: Held, cosines: Any) -> Evaluation:
    """Both directions within one fold, by the protocol's rules."""
    names = [str(item) for item in held.items]
    return evaluate(cosines, [str(taught.material.owner[text]) for text in held.texts], names)


def _recalls(taught: Lesson, found: Sequence[Evaluation], side: str, seed: int) -> Row:
    """R@k over all folds, in percent, whole groups drawn with all their texts."""
    ranks = np.concatenate([getattr(one, side).ranks for one in found])
    items = np.concatenate([np.asarray(getattr(one, side).groups, np.int64) for one in found])
    groups = np.asarray(taught.groups)[items]
    row: Row = {}
    for depth in DEPTHS:
        hits = 100.0 * (ranks < depth)
        row[f"R@{depth}"] = Figure(float(hits.mean()), *bootstrap_interval(hits, seed=seed, groups=groups))
    return {**row, "of": round(len(groups) / len(found))}


def _write(
    heads: Heads, file: Path, rows: Sequence[Row], space: str, seed: int, begun: float,
    about: tuple[str, str] | None = None,
) -> None:  # fmt: skip
    told = [_plain(row) for row in rows]
    save_heads(file, heads, {"space": space, "seed": seed, "figures": told})
    text = card(space, about, heads, rows, seed, file.stat().st_size)
    write_whole(file.with_suffix(".md"), text.encode())
    click.echo(f"{printable(file)}: {time.perf_counter() - begun:.0f} s", err=True)


def _plain(row: Row) -> Row:
    return {name: asdict(cell) if isinstance(cell, Figure) else cell for name, cell in row.items()}


if __name__ == "__main__":
    main()
