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

from encoders.base import AffectError, to_printable
from encoders.files import write_atomically
from experiments.datasets import DATA_ROOT, load_named_dataset
from experiments.features.extraction import load_item_features
from experiments.heads.audio_text.train import fit_audio_heads
from experiments.heads.model_cards import format_model_card
from experiments.heads.report_figure import EvaluationPart
from experiments.heads.train_affect import HEAD_NAMES, evaluate_heads, print_results, train_head
from experiments.heads.training_sets import TRAINING_SPECS, SpaceTrainingSpec, load_training_data
from experiments.statistics.report import format_table
from retrieval.evaluation import Evaluation, bootstrap_interval, evaluate
from retrieval.evaluation.estimate import Estimate
from retrieval.features.pipeline import FeaturePipeline, PipelineConfig
from retrieval.progress_reporter import ProgressReporter
from retrieval.training.cross_validation import FittedHeads, HeldOutFold, TrainingData, fit_heads
from retrieval.training.train_heads import make_step_callback, train_space
from retrieval.training.training_data import make_training_data
from spaces.joint.io import PACKAGED_HEADS, save_heads
from spaces.joint.ridge import fit_ridge_tower_pair
from spaces.joint.space import TEXT_ROLE, Heads

WEIGHTS_FOLDER = Path("spaces/weights")
RECALL_DEPTHS = (1, 5, 10)

MetricRow = dict[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("spaces", nargs=-1, metavar="[SPACE]...")
@click.option("--data", "own", metavar="NAME|CSV", help="Your own captions instead: a set or a CSV file.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
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
    encoders: str, reported: bool, part: EvaluationPart, seed: int, as_json: bool,
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
        wanted = spaces or PACKAGED_HEADS
        if unknown := [space for space in wanted if space not in {*PACKAGED_HEADS, *HEAD_NAMES}]:
            raise AffectError(
                f"no space {', '.join(unknown)}; known: {', '.join([*PACKAGED_HEADS, *HEAD_NAMES])}"
            )
        felt = [space for space in wanted if space in HEAD_NAMES]
        if reported:
            if spaces and len(felt) < len(spaces):
                raise AffectError(f"--report is of affect heads: {', '.join(HEAD_NAMES)}")
            names = [HEAD_NAMES[space] for space in felt]
            lines = evaluate_heads(
                data_root,
                seed=seed,
                part=part,
                names=names,
                on_start=lambda name: _print_progress(name, as_json),
            )
            print_results(lines, as_json=as_json)
            return
        if felt:
            if own or len(felt) < len(wanted):
                raise AffectError("affect heads are fitted by themselves, and not from captions")
            lines = [
                line for space in felt for line in train_head(space, data_root, out, seed=seed, quiet=as_json)
            ]
            print_results(lines, as_json=as_json)
            return
        if own and out is None:
            raise AffectError("with --data, name the folder to write to with --out")
        rows = [
            row
            for space in wanted
            for row in (
                _train_custom_space(space, own, data_root, out or WEIGHTS_FOLDER, encoders, seed)
                if own
                else _train_packaged_space(space, data_root, out or WEIGHTS_FOLDER, seed)
            )
        ]
    except AffectError as bad:
        click.echo(f"train: {bad}", err=True)
        ctx.exit(2)
    if as_json:
        click.echo(json.dumps({"seed": seed, "figures": [_row_to_json(row) for row in rows]}))
    else:
        click.echo("\n".join(format_table(rows)))


def _print_progress(name: str, quiet: bool) -> None:
    if not quiet:
        click.echo(f"measuring {name}", err=True)


def _train_packaged_space(space: str, data_root: Path, out_folder: Path, seed: int) -> list[MetricRow]:
    """Fit one packaged space on the data sets; its figures."""
    begun = time.perf_counter()
    if space == "audio":
        heads, found = fit_audio_heads(
            FeaturePipeline(PipelineConfig(tone="", faces=""), use_packaged=False), data_root, seed=seed
        )
        rows: list[MetricRow] = [
            {
                "space": space,
                "what": one.name,
                "way": one.method,
                "value": Estimate(one.value, one.low, one.high),
            }
            for one in found
        ]
        _write_heads_and_card(heads, out_folder / f"{space}.safetensors", rows, space, seed, begun)
        return rows
    subject = TRAINING_SPECS[space]
    experts = FeaturePipeline(
        PipelineConfig(sound="", tone="", faces="", activity="lite2-flow"), use_packaged=False
    )
    taught = load_training_data(subject, experts, data_root, seed=seed)
    fitted, rows = _fit_with_progress(space, taught, subject, seed)
    _write_heads_and_card(fitted.heads, out_folder / f"{space}.safetensors", rows, space, seed, begun)
    return rows


def _fit_with_progress(
    space: str, training_data: TrainingData, spec: SpaceTrainingSpec, seed: int
) -> tuple[FittedHeads, list[MetricRow]]:
    with ProgressReporter("train") as report:
        step = make_step_callback(space, spec.config, report.update)
        fitted = fit_heads(training_data, spec.config, seed=seed, on_step=step)
    return fitted, [{"space": space, **row} for row in compute_recall_rows(training_data, fitted, seed)]


def _train_custom_space(
    space: str, dataset_name: str, data_root: Path, out_folder: Path, encoder_spec: str, seed: int
) -> list[MetricRow]:
    """Heads from a user's captions, the test split left out; a space that can't learn says why."""
    begun, found = time.perf_counter(), load_named_dataset(dataset_name, data_root)
    found = replace(found, items=tuple(item for item in found.items if item.split != "test"))
    recipe = PipelineConfig.parse(encoder_spec) if encoder_spec else PipelineConfig.default()
    experts = FeaturePipeline(recipe, use_packaged=False)
    if not found.items or not experts.media_roles:
        raise AffectError(
            f"{dataset_name}: nothing to learn from outside the test split, or no encoder of media"
        )
    rows = load_item_features(experts, found, all_segments=True)
    base = next(one for one in experts.spaces if one.name == space)
    taught = make_training_data(experts, base, rows, [item.captions for item in found.items], found.groups)
    with ProgressReporter("train") as report:
        outcome, fitted = train_space(space, taught, seed, report.update)
    if fitted is None or taught is None:
        return [{"space": space, "what": f"left out: {outcome.reason}"}]
    told = [{"space": space, **row} for row in compute_recall_rows(taught, fitted, seed)]
    about = (
        f"{found.name}, {outcome.item_count} items with {outcome.caption_count} captions",
        "that of your data",
    )
    _write_heads_and_card(fitted.heads, out_folder / f"{space}.safetensors", told, space, seed, begun, about)
    return told


def compute_recall_rows(training_data: TrainingData, fitted: FittedHeads, seed: int) -> Iterator[MetricRow]:
    """Recall on the held-out folds, both ways: untrained, ridge, the heads alone, and as they are used."""
    ways = {
        "untrained": [one.zero_shot_similarity for one in fitted.held_out_folds],
        "ridge": [_compute_ridge_similarity(training_data, one) for one in fitted.held_out_folds],
        "heads": [one.trained_similarity for one in fitted.held_out_folds],
        "as used": [one.blend_with_zero_shot(fitted.heads.zero_shot_weight) for one in fitted.held_out_folds],
    }
    for way, cosines in ways.items():
        if cosines[0] is None or (way == "as used" and not fitted.heads.zero_shot_weight):
            continue
        found = [
            evaluate_fold(training_data, one, np.asarray(table, np.float32))
            for one, table in zip(fitted.held_out_folds, cosines, strict=True)
        ]
        for side in ("t2v", "v2t"):
            yield {
                "what": _DIRECTION_TITLES[side],
                "way": way,
                **_compute_recalls(training_data, found, side, seed),
            }


_DIRECTION_TITLES = {"t2v": "text to item", "v2t": "item to text"}


def _compute_ridge_similarity(training_data: TrainingData, fold: HeldOutFold) -> Any:
    """Cosines (texts, items) of the plain way, taught on the rest."""
    rest = np.setdiff1d(np.arange(training_data.training_set.item_count), fold.item_indices)
    plain = replace(training_data.training_set, features=training_data.training_set.first_views)
    member = fit_ridge_tower_pair(plain.select_items(rest))
    return (
        member.text({TEXT_ROLE: plain.sentence_vectors[fold.text_indices]})
        @ member.media(plain.select_items(fold.item_indices).features).T
    )


def evaluate_fold(training_data: TrainingData, fold: HeldOutFold, similarity: Any) -> Evaluation:
    """Both directions within one fold, by the protocol's rules."""
    names = [str(item) for item in fold.item_indices]
    return evaluate(
        similarity, [str(training_data.training_set.item_by_text[text]) for text in fold.text_indices], names
    )


def _compute_recalls(
    training_data: TrainingData, evaluations: Sequence[Evaluation], direction: str, seed: int
) -> MetricRow:
    """R@k over all folds, in percent, whole groups drawn with all their texts."""
    ranks = np.concatenate([getattr(one, direction).ranks for one in evaluations])
    items = np.concatenate([np.asarray(getattr(one, direction).groups, np.int64) for one in evaluations])
    groups = np.asarray(training_data.groups)[items]
    row: MetricRow = {}
    for depth in RECALL_DEPTHS:
        hits = 100.0 * (ranks < depth)
        row[f"R@{depth}"] = Estimate(float(hits.mean()), *bootstrap_interval(hits, seed=seed, groups=groups))
    return {**row, "of": round(len(groups) / len(evaluations))}


def _write_heads_and_card(
    heads: Heads, path: Path, metric_rows: Sequence[MetricRow], space: str, seed: int, start_time: float,
    data_and_licence: tuple[str, str] | None = None,
) -> None:  # fmt: skip
    told = [_row_to_json(row) for row in metric_rows]
    save_heads(path, heads, {"space": space, "seed": seed, "figures": told})
    text = format_model_card(space, data_and_licence, heads, metric_rows, seed, path.stat().st_size)
    write_atomically(path.with_suffix(".md"), text.encode())
    click.echo(f"{to_printable(path)}: {time.perf_counter() - start_time:.0f} s", err=True)


def _row_to_json(row: MetricRow) -> MetricRow:
    return {name: asdict(cell) if isinstance(cell, Estimate) else cell for name, cell in row.items()}


if __name__ == "__main__":
    main()
