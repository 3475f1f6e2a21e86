"""What a reader of a table must be warned of: equal rows, recalls that can't miss, trainings cut short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.ablation.baselines import map_captions_to_items
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.results import AblationResults, RowResult
from experiments.ablation.settings import AblationSettings
from experiments.ablation.space_spec import SpaceSpec
from experiments.ablation.trials import Trial
from retrieval.evaluation import EvaluationProtocol
from retrieval.evaluation.rules import RECALL_DEPTHS

MIN_STEPS = 2  # optimiser steps an epoch below which a schedule in epochs says little


def list_flags(results: AblationResults, data: PreparedData, settings: AblationSettings) -> tuple[str, ...]:
    """Warnings on the rows, the recalls and the trainings."""
    return (
        *_flag_equal_rows(results.rows),
        *flag_certain_recalls(data, settings.rules),
        *_flag_small_dev(data),
        *_flag_short_epochs(results, data, settings),
        *_flag_last_epochs(results, settings),
    )


def _flag_equal_rows(rows: Sequence[RowResult]) -> Iterator[str]:
    """Rows whose metrics are equal to the last digit."""
    groups: dict[tuple[float, ...], list[RowResult]] = {}
    for row in rows:
        groups.setdefault(tuple(estimate.value for estimate in row.estimates.values()), []).append(row)
    for equal in (group for group in groups.values() if len(group) > 1):
        names = "; ".join(row.name for row in equal)
        is_same = len({row.description for row in equal}) == 1
        reason = "the same trainings" if is_same else "equal to the last digit, though trained apart"
        yield f"{names}: {reason}"


def flag_certain_recalls(data: PreparedData, protocol: EvaluationProtocol) -> Iterator[str]:
    """Recalls that are 100 whatever the ranking, since k reaches the gallery; rsum contains them."""
    owner = map_captions_to_items(data, "test")
    captions_by_item = np.bincount(owner)
    item_count, caption_count = len(data.select_items("test")), len(owner)
    galleries = {"T2V": (item_count, f"{item_count} items")}
    if protocol.gallery == "videos":
        galleries["V2T"] = (int((captions_by_item > 0).sum()), f"{item_count} items")
    else:  # the item's own captions but the best are left out, so that the best can't fall behind them
        least = int(captions_by_item[captions_by_item > 0].min())
        galleries["V2T"] = (caption_count - least + 1, f"{caption_count} captions")
    certain = {
        f"{side} R@{k}": words
        for side, (size, words) in galleries.items()
        for k in RECALL_DEPTHS
        if k >= size
    }
    for name, words in certain.items():
        yield f"{name} is 100 whatever the ranking: there are {words} to rank"
    if certain:
        yield f"rsum contains {len(certain)} of 6 recalls that can't be below 100"


def _flag_small_dev(data: PreparedData) -> Iterator[str]:
    """A dev part whose deepest recall can't miss."""
    count = len(data.select_items("dev"))
    if count <= max(RECALL_DEPTHS):
        yield f"dev has {count} items: rsum of so few hardly tells which epoch is best"


def _flag_short_epochs(
    results: AblationResults, data: PreparedData, settings: AblationSettings
) -> Iterator[str]:
    steps = {space: count_steps(space, data, settings) for space in results.histories}
    short = {space: count for space, count in steps.items() if count < MIN_STEPS}
    if short:
        spaces = "; ".join(map(str, short))
        yield (
            f"{max(short.values())} optimiser step an epoch, where the schedule is meant for many: {spaces} "
            f"(schedule.batch is {settings.schedule.batch})"
        )


def count_steps(space: SpaceSpec, data: PreparedData, settings: AblationSettings) -> int:
    """Optimiser steps of an epoch; a last batch of one caption is left out."""
    trial = Trial(space=space, seed=0)
    training_set = data.make_training_set("train", space.roles, trial.text_tower)
    texts = training_set.usable_texts
    if settings.schedule.draw == "items":
        texts = np.unique(training_set.item_by_text[texts])
    whole, rest = divmod(len(texts), settings.schedule.batch)
    return whole + (rest > 1)


def _flag_last_epochs(results: AblationResults, settings: AblationSettings) -> Iterator[str]:
    """Trainings whose best epoch is the last that the schedule has."""
    kept = {
        space: sum(history.best == settings.schedule.epochs for history in by_seed.values())
        for space, by_seed in results.histories.items()
    }
    if counts := {space: count for space, count in kept.items() if count}:
        total = sum(len(by_seed) for by_seed in results.histories.values())
        spaces = "; ".join(f"{space} ({count})" for space, count in counts.items())
        yield (
            f"{sum(counts.values())} of {total} trainings kept their last epoch and may not be finished: "
            f"{spaces}; raise schedule.epochs"
        )
