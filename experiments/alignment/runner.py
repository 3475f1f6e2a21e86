"""A study of several sets: what is done is kept, what is interrupted goes on where it was."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from encoders.base import AffectError
from encoders.files import write_atomically
from experiments.alignment.loss_ablation import LOSS_VARIANTS, VariantResult, evaluate_variant
from experiments.alignment.pairs import PairedReadings, find_usable_rows, select_rows
from experiments.alignment.statistics import SetResult, compute_statistics
from experiments.alignment.study import (
    FoldedPairs,
    MapOutcome,
    StudyConfig,
    compute_outcome_key,
    evaluate_map,
    fold_pairs,
    load_outcome,
    save_outcome,
)
from retrieval.progress_reporter import ProgressReporter
from spaces.alignment import AlignmentMethod

MIN_PAIRS = 20  # pairs that can be studied
SPLITS: tuple[Literal["folds", "test"], ...] = ("folds", "test")


def run_study(
    loaders: Mapping[str, Callable[[], PairedReadings]],
    methods: Mapping[str, AlignmentMethod],
    config: StudyConfig,
    folder: Path,
    *,
    ablated_set: str = "",
    quiet: bool = False,
) -> tuple[dict[str, SetResult], list[VariantResult], dict[str, str]]:
    """Every set with every map, its test rows as a set of their own; what can't be studied, with the reason.

    ablated_set: the set on which the learned mapping is taken apart, if any

    Whatever one map did on one set is a file in `folder`, and is read again where nothing has changed.
    """
    found: dict[str, SetResult] = {}
    left_out: dict[str, str] = {}
    parts: list[VariantResult] = []
    count, total, name = 0, len(loaders) * len(methods) + (len(LOSS_VARIANTS) if ablated_set else 0), ""

    def advance() -> None:
        nonlocal count
        count += 1
        report.update(name, count, total)

    with ProgressReporter("align", unit="maps", quiet=quiet) as report:
        for name, read in loaders.items():
            report.update(name, count, total)
            try:
                pairs = read()
                found |= study_set(name, pairs, methods, config, folder, advance)
            except AffectError as bad:
                left_out[name] = str(bad)
                continue
            if name == ablated_set:
                for variant in LOSS_VARIANTS:
                    parts.append(_load_or_evaluate_variant(pairs, variant, config, folder))
                    advance()
    return found, parts, left_out


def study_set(
    name: str,
    pairs: PairedReadings,
    methods: Mapping[str, AlignmentMethod],
    config: StudyConfig,
    folder: Path,
    on_map_done: Callable[[], None] = lambda: None,
) -> dict[str, SetResult]:
    """A set, and its test rows where there are some. Raises AffectError where it can't be studied."""
    keep = np.flatnonzero(find_usable_rows(pairs))
    if len(keep) < MIN_PAIRS:
        raise AffectError(f"{pairs.name}: {len(keep)} whole pairs; at least {MIN_PAIRS} are needed")
    note = f"{len(pairs) - len(keep)} pairs with a missing reading left out"
    pairs = select_rows(pairs, keep, note)
    found = {}
    for part in SPLITS:
        known = fold_pairs(pairs, config, part)
        if known is not None and len(known.pair_rows) >= MIN_PAIRS:
            title = name if part == "folds" else f"{name}, test rows"
            found[title] = _study_split(
                known, methods, config, folder, on_map_done if part == "folds" else lambda: None
            )
    return found


def _study_split(
    data: FoldedPairs,
    methods: Mapping[str, AlignmentMethod],
    config: StudyConfig,
    folder: Path,
    on_map_done: Callable[[], None],
) -> SetResult:
    outcomes: dict[str, MapOutcome] = {}
    left_out: dict[str, str] = {}
    for name, method in methods.items():
        file = folder / f"{compute_outcome_key(name, data, config)}.safetensors"
        outcome = load_outcome(file)
        if outcome is None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of scikit-learn, about directions that are exhausted
                    outcome = evaluate_map(method, data, config)
            except ValueError as bad:
                left_out[name] = str(bad)
                on_map_done()
                continue
            save_outcome(file, outcome)
        outcomes[name] = outcome
        on_map_done()
    if not outcomes:
        raise AffectError(f"{data.pairs.name}: no map can be fitted; {next(iter(left_out.values()), '')}")
    return compute_statistics(data, methods, outcomes, config, left_out)


def _load_or_evaluate_variant(
    pairs: PairedReadings, variant: str, config: StudyConfig, folder: Path
) -> VariantResult:
    known = fold_pairs(pairs, config)
    if known is None:
        raise AffectError(f"{pairs.name}: no rows to learn from")
    file = folder / f"{compute_outcome_key(f'apart {variant}', known, config)}.json"
    try:
        stored = json.loads(file.read_text())
        return VariantResult(
            name=stored["name"], description=stored["told"], spread=stored["spread"],
            non_affine_share=stored["bent"], disparity=stored["disparity"],
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError):
        found = evaluate_variant(known, variant, seed=config.seed)
        told: dict[str, str | float] = {
            "name": found.name,
            "told": found.description,
            "spread": found.spread,
            "bent": found.non_affine_share,
            "disparity": found.disparity,
        }
        write_atomically(file, json.dumps(told).encode())
        return found


def select_methods(
    names: Sequence[str], methods: Mapping[str, AlignmentMethod]
) -> dict[str, AlignmentMethod]:
    """Some maps by name, identity always among them. Raises AffectError for another name."""
    if unknown := [name for name in names if name not in methods]:
        raise AffectError(f"no map {', '.join(unknown)}; maps: {', '.join(methods)}")
    return {name: one for name, one in methods.items() if not names or name in (*names, "identity")}
