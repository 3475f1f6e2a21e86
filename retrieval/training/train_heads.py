"""Training custom heads on a library's own captions; they are used only where they retrieve better.

The features are in the library already, so no media are decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from encoders import write_atomically
from retrieval.provenance import Provenance
from retrieval.storage import (
    ALIGNMENT_KEY,
    HEADS_FOLDER,
    Library,
    list_custom_heads,
    remove_unused_heads,
    translate_disk_errors,
)
from retrieval.training.cross_validation import FittedHeads, fit_heads
from retrieval.training.data_requirements import TrainingDataCounts
from retrieval.training.ensemble import EnsembleConfig, StepCallback, TrainingData
from retrieval.training.heads_card import format_heads_card
from retrieval.training.heads_folder import CARD_SUFFIX, make_heads_name
from retrieval.training.time_budget import (
    CLOSED_FORM_NOTE,
    OutOfTimeError,
    TimeBudget,
    make_closed_form_config,
    shorten_to_budget,
)
from retrieval.training.training_data import (
    LibraryTrainingData,
    ProgressCallback,
    make_training_data_by_space,
)
from retrieval.training.training_outcome import TrainingOutcome, TrainingResult
from spaces import use_single_thread
from spaces.joint import Heads, Schedule, save_heads

TARGET_STEPS = 720  # approximate optimiser steps of one training, enough for 800 photos
BATCH_SIZE = 128
MEMBER_LOSSES = (
    "infonce-learnt",
)  # a second member with another loss doubled the time and did not improve retrieval


def train_spaces(
    library_data: LibraryTrainingData,
    *,
    seed: int,
    on_progress: ProgressCallback,
    minutes: float | None = None,
) -> list[TrainingResult]:
    """Train heads for every space with enough training data; nothing is written.

    minutes: approximate time limit, by default none
    """
    budget = TimeBudget(minutes)
    data_by_space = make_training_data_by_space(library_data, on_progress)
    results: list[TrainingResult] = []
    for number, (space, counts) in enumerate(library_data.counts_by_space.items()):
        if space not in data_by_space:
            outcome = TrainingOutcome(
                space=space,
                item_count=counts.item_count,
                caption_count=counts.caption_count,
                reason=counts.insufficiency_reason,
            )
            results.append((outcome, None))
            continue
        spaces_left = sum(name in data_by_space for name in list(library_data.counts_by_space)[number:])
        results.append(
            train_space(space, data_by_space[space], seed, on_progress, budget, time_share=1 / spaces_left)
        )
    return results


def install_better_heads(
    library: Library, results: Sequence[TrainingResult], provenance: Provenance
) -> list[TrainingOutcome]:
    """Install the heads that are better than the packaged ones, and project the library with them.

    provenance: for their cards

    The caller holds the write lock. Raises AffectError when the disk is full, and then changes nothing.
    """
    heads = {} if library.custom_heads_error else dict(list_custom_heads(library.catalog))
    before = dict(heads)
    try:
        for outcome, fitted in results:
            if fitted is not None and outcome.is_used:
                heads[outcome.space] = _write_heads(library, fitted.heads, outcome, provenance)
        if heads != before or library.custom_heads_error:
            library.install_custom_heads(heads)
    finally:
        remove_unused_heads(library.folder, library.catalog)
    return [outcome for outcome, _ in results]


def restore_packaged_heads(library: Library) -> None:
    """Use the packaged heads again; the caller holds the write lock."""
    files = {} if library.custom_heads_error else list_custom_heads(library.catalog)
    library.install_custom_heads({name: file for name, file in files.items() if name == ALIGNMENT_KEY})
    remove_unused_heads(library.folder, library.catalog)


@use_single_thread()
def train_space(
    space: str, training_data: TrainingData | None, seed: int, on_progress: ProgressCallback,
    budget: TimeBudget | None = None, time_share: float = 1.0,
) -> TrainingResult:  # fmt: skip
    """Train one space's heads; None and the reason with too few items or too little time.

    time_share: this space's share of the time left
    """
    if training_data is None:
        return TrainingOutcome(
            space=space, item_count=0, caption_count=0, reason="nothing in it speaks of these items"
        ), None
    counts = _count_space_data(space, training_data)
    outcome = TrainingOutcome(
        space=space, item_count=counts.item_count, caption_count=counts.caption_count,
        reason=counts.insufficiency_reason,
    )  # fmt: skip
    if not counts.is_sufficient:
        return outcome, None
    if budget is not None and budget.seconds_left <= 0:
        return replace(outcome, reason="not trained: the time given was over"), None
    try:
        fitted, shortening = _fit_within_budget(
            space, training_data, seed, on_progress, budget or TimeBudget(), time_share
        )
    except ValueError as bad:  # held-out matches score no higher than the background
        return replace(outcome, reason=str(bad)), None
    gain = fitted.estimate_gain(seed)
    baseline_map, trained_map = (
        100 * float(fitted.compute_held_out_precisions(use_trained=use_trained).mean())
        for use_trained in (False, True)
    )
    outcome = replace(
        outcome, shortening=shortening,
        baseline_map=round(baseline_map, 2), trained_map=round(trained_map, 2),
        gain_interval=(round(gain.low, 2), round(gain.high, 2)), is_used=gain.low > 0,
    )  # fmt: skip
    return outcome, fitted


def _count_space_data(space: str, training_data: TrainingData) -> TrainingDataCounts:
    data = training_data.training_set
    return TrainingDataCounts(
        space=space, item_count=data.item_count, caption_count=len(data.item_by_text),
        group_count=len(set(training_data.groups)),
        distinct_caption_count=len(set(data.class_ids.tolist())),
    )  # fmt: skip


def _fit_within_budget(
    space: str,
    training_data: TrainingData,
    seed: int,
    on_progress: ProgressCallback,
    budget: TimeBudget,
    time_share: float,
) -> tuple[FittedHeads, str]:
    """Heads trained in a share of the time left, and how training was shortened for that."""
    config = make_default_config(
        training_data.training_set.item_count, rejects_out_of_domain=space != "object"
    )
    config, shortening = shorten_to_budget(
        training_data, config, seed=seed, seconds_left=time_share * budget.seconds_left
    )
    try:
        on_step = make_step_callback(space, config, on_progress, budget)
        return fit_heads(training_data, config, seed=seed, on_step=on_step), shortening
    except OutOfTimeError:  # it took longer than estimated from a few epochs
        config = make_closed_form_config(config)
        on_step = make_step_callback(space, config, on_progress)
        return fit_heads(training_data, config, seed=seed, on_step=on_step), CLOSED_FORM_NOTE


def make_step_callback(
    space: str, config: EnsembleConfig, on_progress: ProgressCallback, budget: TimeBudget | None = None
) -> StepCallback:
    """A callback that reports the progress of `fit_heads` and raises OutOfTimeError after the time limit."""
    done, count = 0.0, (config.fold_count + 1) * len(config.losses)

    def on_step(part: float) -> None:
        nonlocal done
        done += part
        on_progress(f"training {space}", done, count)
        if budget is not None:
            budget.check()

    on_progress(f"training {space}", 0, count)
    return on_step


def make_default_config(item_count: int, *, rejects_out_of_domain: bool = False) -> EnsembleConfig:
    """The default configuration: fewer epochs for more items."""
    steps = max(-(-item_count // BATCH_SIZE), 1)
    epochs = int(np.clip(TARGET_STEPS // steps, 20, 240))
    schedule = Schedule(
        epochs=epochs,
        batch=BATCH_SIZE,
        rate=1e-3,
        decay="one-cycle",
        draw="items",
        weight_decay=0.01,
        clip=0,
    )
    return EnsembleConfig(
        losses=MEMBER_LOSSES, schedule=schedule, rejects_out_of_domain=rejects_out_of_domain
    )


def _write_heads(library: Library, heads: Heads, outcome: TrainingOutcome, provenance: Provenance) -> str:
    """Write heads and their card into the library's folder; returns the name of their file."""
    folder = library.folder / HEADS_FOLDER
    draft = folder / f"{outcome.space}.safetensors"
    with translate_disk_errors(library.folder):
        digest = save_heads(draft, heads, outcome.to_json())
        path = folder / make_heads_name(outcome.space, digest)
        card = format_heads_card(outcome, heads, provenance)
        write_atomically(path.with_suffix(CARD_SUFFIX), card.encode())
        draft.replace(path)
    return path.name
