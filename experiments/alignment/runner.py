"""Runs a study of several sets; finished outcomes are kept, so that an interrupted run resumes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from encoders import AffectError, write_atomically
from experiments.alignment.folds import FoldedPairs, SplitName, fold_pairs
from experiments.alignment.loss_ablation import LOSS_VARIANTS, VariantResult, evaluate_variant
from experiments.alignment.map_evaluation import MapOutcome, evaluate_map
from experiments.alignment.outcome_cache import compute_outcome_key, load_outcome, save_outcome
from experiments.alignment.pairs import PairedReadings, check_columns_vary, find_usable_rows, select_rows
from experiments.alignment.power import PowerEstimate, estimate_power
from experiments.alignment.set_result import SetResult
from experiments.alignment.statistics import compute_statistics
from experiments.alignment.study_config import StudyConfig
from retrieval.progress_reporter import ProgressReporter
from spaces.alignment import AlignmentMethod

MIN_PAIRS = 20  # complete pairs a set must have
TEST_ROWS_SUFFIX = ", test rows"  # of the name of a set
SPLITS: tuple[SplitName, ...] = ("folds", "test")


def run_study(
    loaders: Mapping[str, Callable[[], PairedReadings]],
    methods: Mapping[str, AlignmentMethod],
    config: StudyConfig,
    folder: Path,
    *,
    ablated_set: str = "",
    quiet: bool = False,
) -> tuple[dict[str, SetResult], list[VariantResult], dict[str, str]]:
    """Evaluate every map on every set, its test rows as a set of their own.

    ablated_set: the set on which the loss of the learned mapping is ablated, if any
    folder: for a file of each outcome, which is loaded instead where neither data nor settings have changed

    Returns the results by set, those of the ablation, and the reason by set that can't be studied.
    """
    results: dict[str, SetResult] = {}
    left_out: dict[str, str] = {}
    variants: list[VariantResult] = []
    total = len(loaders) * len(methods) + (len(LOSS_VARIANTS) if ablated_set else 0)
    done, name = 0, ""

    def advance() -> None:
        nonlocal done
        done += 1
        report.update(name, done, total)

    with ProgressReporter("align", unit="maps", quiet=quiet) as report:
        for name, load in loaders.items():
            report.update(name, done, total)
            try:
                pairs = load()
                results |= study_set(name, pairs, methods, config, folder, advance)
            except AffectError as error:
                left_out[name] = str(error)
                continue
            for variant in LOSS_VARIANTS if name == ablated_set else ():
                variants.append(_load_or_evaluate_variant(pairs, variant, config, folder))
                advance()
    return results, variants, left_out


def study_set(
    name: str,
    pairs: PairedReadings,
    methods: Mapping[str, AlignmentMethod],
    config: StudyConfig,
    folder: Path,
    on_map_done: Callable[[], None] = lambda: None,
) -> dict[str, SetResult]:
    """Results of a set, and of its test rows if there are enough. Raises AffectError for too few pairs."""
    usable_rows = np.flatnonzero(find_usable_rows(pairs))
    if len(usable_rows) < MIN_PAIRS:
        raise AffectError(f"{pairs.name}: {len(usable_rows)} whole pairs; at least {MIN_PAIRS} are needed")
    note = f"{len(pairs) - len(usable_rows)} pairs with a missing reading left out"
    pairs = check_columns_vary(select_rows(pairs, usable_rows, note))
    results = {}
    for split in SPLITS:
        data = fold_pairs(pairs, config, split)
        if data is not None and len(data.pair_rows) >= MIN_PAIRS:
            title = name if split == "folds" else f"{name}{TEST_ROWS_SUFFIX}"
            on_done = on_map_done if split == "folds" else lambda: None
            results[title] = _study_split(data, methods, config, folder, on_done)
    return results


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
        try:
            outcomes[name] = _load_or_evaluate_map(method, data, config, folder)
        except ValueError as error:
            left_out[name] = str(error)
        on_map_done()
    if not outcomes:
        raise AffectError(f"{data.pairs.name}: no map can be fitted; {next(iter(left_out.values()), '')}")
    power = _load_or_estimate_power(data, list(outcomes), config, folder)
    return compute_statistics(data, methods, outcomes, config, left_out, power)


def _load_or_estimate_power(
    data: FoldedPairs, map_names: list[str], config: StudyConfig, folder: Path
) -> PowerEstimate:
    path = folder / f"{compute_outcome_key(f'power {sorted(map_names)}', data, config)}.json"
    try:
        return PowerEstimate.from_json(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        power = estimate_power(data, map_names, config)
        write_atomically(path, json.dumps(power.to_json()).encode())
        return power


def _load_or_evaluate_map(
    method: AlignmentMethod, data: FoldedPairs, config: StudyConfig, folder: Path
) -> MapOutcome:
    """The outcome of a map. Raises ValueError for anchors it can't be fitted on."""
    path = folder / f"{compute_outcome_key(method.name, data, config)}.safetensors"
    outcome = load_outcome(path)
    if outcome is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of scikit-learn, about components without variance
            outcome = evaluate_map(method, data, config)
        save_outcome(path, outcome)
    return outcome


def _load_or_evaluate_variant(
    pairs: PairedReadings, variant: str, config: StudyConfig, folder: Path
) -> VariantResult:
    data = fold_pairs(pairs, config)
    if data is None:
        raise AffectError(f"{pairs.name}: no rows to learn from")
    path = folder / f"{compute_outcome_key(f'apart {variant}', data, config)}.json"
    try:
        return VariantResult.from_cache_json(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        result = evaluate_variant(data, variant, seed=config.seed)
        write_atomically(path, json.dumps(result.to_cache_json()).encode())
        return result
