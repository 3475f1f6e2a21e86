"""Training of the heads of one space, packaged or from a user's captions, with a card beside the weights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import click

from encoders import AffectError, to_printable, write_atomically
from experiments.datasets import CaptionDataset, load_named_dataset
from experiments.features.cache import compute_content_digest
from experiments.features.extraction import load_item_features
from experiments.heads.audio_text.train import fit_audio_heads
from experiments.heads.model_cards import format_model_card
from experiments.heads.recall_rows import MetricRow, compute_recall_rows
from experiments.heads.training_sets import TRAINING_SPECS, load_training_data
from retrieval.evaluation import Estimate
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.progress_reporter import ProgressReporter
from retrieval.provenance import Provenance, digest_captions, record_provenance
from retrieval.training import fit_heads, make_training_data, train_space
from retrieval.training.train_heads import make_step_callback
from spaces.joint import Heads, save_heads

WEIGHTS_FOLDER = Path(str(files("spaces") / "weights"))


def train_packaged_space(space: str, data_root: Path, out_folder: Path, seed: int) -> list[MetricRow]:
    """Fit one packaged space on the data sets and write it; its metrics."""
    start = time.perf_counter()
    heads, rows = (
        _fit_audio_space(data_root, seed) if space == "audio" else _fit_space(space, data_root, seed)
    )
    spec = TRAINING_SPECS.get(space)
    digest = digest_dataset(spec.load_dataset(data_root)) if spec else ""
    provenance = record_provenance(
        ["python", "-m", "experiments.train", space, "--seed", str(seed)], seed=seed, data_digest=digest
    )
    _write_heads_and_card(heads, out_folder / f"{space}.safetensors", rows, space, provenance, start)
    return rows


def train_custom_space(
    space: str, dataset_name: str, data_root: Path, out_folder: Path, encoder_spec: str, seed: int,
    command: Sequence[str],
) -> list[MetricRow]:  # fmt: skip
    """Fit heads on a user's captions, the test split left out, and write them; their metrics.

    command: the command line, for the card

    They are blended with the package's space, as in a library that uses them. A space that can't be trained
    has one row with the reason. Raises AffectError.
    """
    start, dataset = time.perf_counter(), load_named_dataset(dataset_name, data_root)
    dataset = replace(dataset, items=tuple(item for item in dataset.items if item.split != "test"))
    path, digest = out_folder / f"{space}.safetensors", digest_dataset(dataset)
    _check_not_of_other_data(path, digest)
    config = PipelineConfig.parse(encoder_spec) if encoder_spec else PipelineConfig.default()
    pipeline = FeaturePipeline(config)
    if not dataset.items or not pipeline.media_roles:
        raise AffectError(
            f"{dataset_name}: nothing to learn from outside the test split, or no encoder of media"
        )
    features = load_item_features(pipeline, dataset, all_segments=True)
    base = next(candidate for candidate in pipeline.spaces if candidate.name == space)
    captions = [item.captions for item in dataset.items]
    training_data = make_training_data(pipeline, base, features, captions, dataset.groups)
    with ProgressReporter("train") as report:
        outcome, fitted = train_space(space, training_data, seed, report.update)
    if fitted is None or training_data is None:
        return [{"space": space, "what": f"left out: {outcome.reason}"}]
    rows = [{"space": space, **row} for row in compute_recall_rows(training_data, fitted, "before")]
    counts = f"{outcome.item_count} items with {outcome.caption_count} captions"
    description = "; ".join([f"{dataset.name}, {counts}", *dataset.notes])
    provenance = record_provenance(command, seed=seed, data_digest=digest)
    _write_heads_and_card(
        fitted.heads, path, rows, space, provenance, start,
        (description, "that of your data"),
    )  # fmt: skip
    return rows


def _check_not_of_other_data(path: Path, digest: str) -> None:
    """Raise AffectError where heads of other data, or without a card that says, would be overwritten."""
    card = path.with_suffix(".md")
    if path.exists() and not (card.exists() and digest in card.read_text()):
        raise AffectError(
            f"{to_printable(path)}: heads of other data are there; name another folder with --out"
        )


def digest_dataset(dataset: CaptionDataset) -> str:
    """SHA-256 of the content of media, texts and groups of all items."""
    return digest_captions(
        (compute_content_digest(item.media), item.captions + item.descriptions, group)
        for item, group in zip(dataset.items, dataset.groups, strict=True)
    )


def row_to_json(row: MetricRow) -> MetricRow:
    """A row with its estimates as JSON objects."""
    return {name: cell.to_json() if isinstance(cell, Estimate) else cell for name, cell in row.items()}


def _fit_audio_space(data_root: Path, seed: int) -> tuple[Heads, list[MetricRow]]:
    pipeline = FeaturePipeline(PipelineConfig(tone="", faces=""), use_packaged=False)
    heads, summaries = fit_audio_heads(pipeline, data_root, seed=seed)
    return heads, [
        {"space": "audio", "what": summary.name, "way": summary.method, "value": summary}
        for summary in summaries
    ]


def _fit_space(space: str, data_root: Path, seed: int) -> tuple[Heads, list[MetricRow]]:
    spec = TRAINING_SPECS[space]
    config = PipelineConfig(sound="", events="", tone="", faces="", activity="lite2-flow")
    pipeline = FeaturePipeline(config, use_packaged=False)
    training_data = load_training_data(spec, pipeline, data_root, seed=seed)
    with ProgressReporter("train") as report:
        on_step = make_step_callback(space, spec.config, report.update)
        fitted = fit_heads(training_data, spec.config, seed=seed, on_step=on_step)
    rows = compute_recall_rows(training_data, fitted)
    return fitted.heads, [{"space": space, **row} for row in rows]


def _write_heads_and_card(
    heads: Heads, path: Path, rows: Sequence[MetricRow], space: str, provenance: Provenance,
    start_time: float, data_and_licence: tuple[str, str] | None = None,
) -> None:  # fmt: skip
    figures = [row_to_json(row) for row in rows]
    # what changes by commit and machine is on the card alone: weights made again are the same bytes
    save_heads(path, heads, {"space": space, "seed": provenance.seed, "figures": figures})
    card = format_model_card(space, data_and_licence, heads, rows, provenance, path.stat().st_size)
    write_atomically(path.with_suffix(".md"), card.encode())
    click.echo(f"{to_printable(path)}: {time.perf_counter() - start_time:.0f} s", err=True)
