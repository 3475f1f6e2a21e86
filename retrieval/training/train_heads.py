"""Teaching a library from its owner's captions: heads of its own, taken only where they find more.

The experts' rows are in the library already, so no media are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from retrieval.storage.custom_heads import ALIGNMENT_KEY, HEADS_FOLDER, list_custom_heads, remove_unused_heads
from retrieval.storage.library import Library
from retrieval.storage.locking import translate_disk_errors
from retrieval.training.cross_validation import FittedHeads, fit_heads
from retrieval.training.data_requirements import TrainingDataCounts
from retrieval.training.ensemble import EnsembleConfig, StepCallback, TrainingData
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
from spaces.joint.io import save_heads
from spaces.joint.training import Schedule

TARGET_STEPS = 720  # of one training, about: what 800 photos need
BATCH_SIZE = 128
MEMBER_LOSSES = ("infonce-learnt",)  # a second member, of another loss, cost as much again and found no more


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """What came of one space.

    item_count, caption_count: how many there were to learn from
    baseline_map, trained_map: mean average precision in percent on what was held out: of the package's
        space, or by chance where that can't read words; and with the heads
    gain_interval: (low, high) of after less before, 95 %
    is_used: whether the heads are in use now
    reason: where nothing was trained, the reason
    shortening: where less was trained than usual to stay within the time given, what
    """

    space: str
    item_count: int
    caption_count: int
    baseline_map: float | None = None
    trained_map: float | None = None
    gain_interval: tuple[float, float] | None = None
    is_used: bool = False
    reason: str = ""
    shortening: str = ""

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect train --json`."""
        return {
            "space": self.space,
            "items": self.item_count,
            "texts": self.caption_count,
            "before": self.baseline_map,
            "after": self.trained_map,
            "gain": self.gain_interval,
            "taken": self.is_used,
            "why": self.reason or None,
            "cut": self.shortening or None,
        }


TrainingResult = tuple[TrainingOutcome, FittedHeads | None]


def train_spaces(
    library_data: LibraryTrainingData,
    *,
    seed: int,
    on_progress: ProgressCallback,
    minutes: float | None = None,
) -> list[TrainingResult]:
    """Fit heads for every space that has enough to learn from; nothing is written.

    minutes: how long it may take, about; by default as long as it takes
    """
    budget = TimeBudget(minutes)
    with _use_single_thread():
        lessons = make_training_data_by_space(library_data, on_progress)
        trained: list[TrainingResult] = []
        for number, (space, supply) in enumerate(library_data.counts_by_space.items()):
            if space not in lessons:
                outcome = TrainingOutcome(
                    space=space,
                    item_count=supply.item_count,
                    caption_count=supply.caption_count,
                    reason=supply.insufficiency_reason,
                )
                trained.append((outcome, None))
                continue
            spaces_left = sum(one in lessons for one in list(library_data.counts_by_space)[number:])
            trained.append(
                train_space(space, lessons[space], seed, on_progress, budget, time_share=1 / spaces_left)
            )
    return trained


def install_better_heads(library: Library, results: Sequence[TrainingResult]) -> list[TrainingOutcome]:
    """Use the heads that are better than the package's, and project the library with them.

    The caller may write. Raises AffectError when the disk is full; all is then as it was.
    """
    heads = {} if library.custom_heads_error else dict(list_custom_heads(library.catalog))
    before = dict(heads)
    try:
        for outcome, fitted in results:
            if fitted is not None and outcome.is_used:
                heads[outcome.space] = _write_heads_file(library, outcome.space, fitted, outcome)
        if heads != before or library.custom_heads_error:
            library.install_custom_heads(heads)
    finally:
        remove_unused_heads(library.folder, library.catalog)
    return [outcome for outcome, _ in results]


def restore_packaged_heads(library: Library) -> None:
    """Back to the heads of the package; the caller may write."""
    kept = {} if library.custom_heads_error else list_custom_heads(library.catalog)
    library.install_custom_heads({name: file for name, file in kept.items() if name == ALIGNMENT_KEY})
    remove_unused_heads(library.folder, library.catalog)


@contextmanager
def _use_single_thread() -> Iterator[None]:
    """One thread for torch: for matrices as small as these more cost far more on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train_space(
    space: str,
    training_data: TrainingData | None,
    seed: int,
    on_progress: ProgressCallback,
    budget: TimeBudget | None = None,
    time_share: float = 1.0,
) -> TrainingResult:
    """Fit one space's heads; None, and the reason, where there are too few items or there is too little time.

    time_share: of the time left that is this space's
    """
    if training_data is None:
        return TrainingOutcome(
            space=space, item_count=0, caption_count=0, reason="nothing in it speaks of these items"
        ), None
    items, texts = training_data.training_set.item_count, len(training_data.training_set.item_by_text)
    supply = TrainingDataCounts(
        space=space, item_count=items, caption_count=texts, group_count=len(set(training_data.groups)),
        distinct_caption_count=len(set(training_data.training_set.class_ids.tolist())),
    )  # fmt: skip
    outcome = TrainingOutcome(
        space=space, item_count=items, caption_count=texts, reason=supply.insufficiency_reason
    )
    if not supply.is_sufficient:
        return outcome, None
    if budget is not None and budget.seconds_left <= 0:
        return replace(outcome, reason="not trained: the time given was over"), None
    try:
        fitted, cut = _fit_within_budget(
            space, training_data, seed, on_progress, budget or TimeBudget(), time_share
        )
    except ValueError as bad:  # held-out matches lie no nearer than anything else
        return replace(outcome, reason=str(bad)), None
    gain = fitted.estimate_gain(seed)
    before, after = (
        100 * float(fitted.compute_held_out_precisions(use_trained=way).mean()) for way in (False, True)
    )
    outcome = replace(
        outcome, shortening=cut, baseline_map=round(before, 2), trained_map=round(after, 2),
        gain_interval=(round(gain.low, 2), round(gain.high, 2)), is_used=gain.low > 0,
    )  # fmt: skip
    return outcome, fitted


def _fit_within_budget(
    space: str,
    training_data: TrainingData,
    seed: int,
    on_progress: ProgressCallback,
    budget: TimeBudget,
    time_share: float,
) -> tuple[FittedHeads, str]:
    """Heads fitted in a share of the time left, and how training was cut for that."""
    plan = make_default_config(training_data.training_set.item_count, rejects_out_of_domain=space != "object")
    plan, cut = shorten_to_budget(
        training_data, plan, seed=seed, seconds_left=time_share * budget.seconds_left
    )
    try:
        return fit_heads(
            training_data, plan, seed=seed, on_step=make_step_callback(space, plan, on_progress, budget)
        ), cut
    except OutOfTimeError:  # it took longer than a few epochs had suggested
        plan = make_closed_form_config(plan)
        return fit_heads(
            training_data, plan, seed=seed, on_step=make_step_callback(space, plan, on_progress)
        ), CLOSED_FORM_NOTE


def make_step_callback(
    space: str, config: EnsembleConfig, on_progress: ProgressCallback, budget: TimeBudget | None = None
) -> StepCallback:
    """For `fit_heads`: add up parts of trainings and report them; OutOfTimeError where the time is over."""
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
    """Heads for so many items: more of them are gone through fewer times."""
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


def _write_heads_file(library: Library, space: str, fitted: FittedHeads, outcome: TrainingOutcome) -> str:
    """Write the heads into the library's folder; the name of their file."""
    folder = library.folder / HEADS_FOLDER
    draft = folder / f"{space}.safetensors"
    with translate_disk_errors(library.folder):
        digest = save_heads(draft, fitted.heads, outcome.to_json())
        name = f"{space}-{digest[:12]}.safetensors"
        draft.replace(folder / name)
    return name
