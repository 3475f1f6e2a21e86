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

from retrieval.storage.custom_heads import ALIGNMENT, FOLDER, own_files, tidy
from retrieval.storage.library import Library
from retrieval.storage.locking import disk_errors
from retrieval.training.cross_validation import Fitted, Lesson, Plan, Step, fit
from retrieval.training.data_requirements import Supply
from retrieval.training.time_budget import CLOSED_FORM, Budget, OutOfTimeError, closed_form, plan_within
from retrieval.training.training_data import Preparation, Progress, lessons_of
from spaces.joint.io import save_heads
from spaces.joint.training import Schedule

STEPS = 720  # of one training, about: what 800 photos need
BATCH = 128
LOSSES = ("infonce-learnt",)  # a second member, of another loss, cost as much again and found no more


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one space.

    items, texts: how many there were to learn from
    before, after: mean average precision in percent on what was held out: of the package's space, or by
                   chance where that can't read words; and with the heads
    gain:  (low, high) of after less before, 95 %
    taken: whether the heads are in use now
    why:   where nothing was trained, the reason
    cut:   where less was trained than usual to stay within the time given, what
    """

    space: str
    items: int
    texts: int
    before: float | None = None
    after: float | None = None
    gain: tuple[float, float] | None = None
    taken: bool = False
    why: str = ""
    cut: str = ""

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect train --json`."""
        return {
            "space": self.space, "items": self.items, "texts": self.texts, "before": self.before,
            "after": self.after, "gain": self.gain, "taken": self.taken, "why": self.why or None,
            "cut": self.cut or None,
        }  # fmt: skip


Trained = tuple[Outcome, Fitted | None]


def train_spaces(
    found: Preparation, *, seed: int, progress: Progress, minutes: float | None = None
) -> list[Trained]:
    """Fit heads for every space that has enough to learn from; nothing is written.

    minutes: how long it may take, about; by default as long as it takes
    """
    budget = Budget(minutes)
    with _single_thread():
        lessons = lessons_of(found, progress)
        trained: list[Trained] = []
        for number, (space, supply) in enumerate(found.supplies.items()):
            if space not in lessons:
                outcome = Outcome(space=space, items=supply.items, texts=supply.captions, why=supply.why_not)
                trained.append((outcome, None))
                continue
            spaces_left = sum(one in lessons for one in list(found.supplies)[number:])
            trained.append(learnt(space, lessons[space], seed, progress, budget, share=1 / spaces_left))
    return trained


def take_up(library: Library, trained: Sequence[Trained]) -> list[Outcome]:
    """Use the heads that are better than the package's, and project the library with them.

    The caller may write. Raises AffectError when the disk is full; all is then as it was.
    """
    heads = {} if library.lost else dict(own_files(library.catalog))
    before = dict(heads)
    try:
        for outcome, fitted in trained:
            if fitted is not None and outcome.taken:
                heads[outcome.space] = _kept(library, outcome.space, fitted, outcome)
        if heads != before or library.lost:
            library.take(heads)
    finally:
        tidy(library.folder, library.catalog)
    return [outcome for outcome, _ in trained]


def forget(library: Library) -> None:
    """Back to the heads of the package; the caller may write."""
    kept = {} if library.lost else own_files(library.catalog)
    library.take({name: file for name, file in kept.items() if name == ALIGNMENT})
    tidy(library.folder, library.catalog)


@contextmanager
def _single_thread() -> Iterator[None]:
    """One thread for torch: for matrices as small as these more cost far more on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def learnt(
    space: str, lesson: Lesson | None, seed: int, progress: Progress, budget: Budget | None = None,
    share: float = 1.0,
) -> Trained:  # fmt: skip
    """Fit one space's heads; None, and the reason, where there are too few items or there is too little time.

    share: of the time left that is this space's
    """
    if lesson is None:
        return Outcome(space=space, items=0, texts=0, why="nothing in it speaks of these items"), None
    items, texts = lesson.material.items, len(lesson.material.owner)
    supply = Supply(
        space=space, items=items, captions=texts, groups=len(set(lesson.groups)),
        kinds=len(set(lesson.material.kind.tolist())),
    )  # fmt: skip
    outcome = Outcome(space=space, items=items, texts=texts, why=supply.why_not)
    if not supply.suffices:
        return outcome, None
    if budget is not None and budget.left <= 0:
        return replace(outcome, why="not trained: the time given was over"), None
    try:
        fitted, cut = _fitted_within(space, lesson, seed, progress, budget or Budget(), share)
    except ValueError as bad:  # held-out matches lie no nearer than anything else
        return replace(outcome, why=str(bad)), None
    gain = fitted.gain(seed)
    before, after = (100 * float(fitted.precisions(trained=way).mean()) for way in (False, True))
    outcome = replace(
        outcome, cut=cut, before=round(before, 2), after=round(after, 2),
        gain=(round(gain.low, 2), round(gain.high, 2)), taken=gain.low > 0,
    )  # fmt: skip
    return outcome, fitted


def _fitted_within(
    space: str, lesson: Lesson, seed: int, progress: Progress, budget: Budget, share: float
) -> tuple[Fitted, str]:
    """Heads fitted in a share of the time left, and how training was cut for that."""
    plan = plan_for(lesson.material.items, gated=space != "object")
    plan, cut = plan_within(lesson, plan, seed=seed, left=share * budget.left)
    try:
        return fit(lesson, plan, seed=seed, step=count_trainings(space, plan, progress, budget)), cut
    except OutOfTimeError:  # it took longer than a few epochs had suggested
        plan = closed_form(plan)
        return fit(lesson, plan, seed=seed, step=count_trainings(space, plan, progress)), CLOSED_FORM


def count_trainings(space: str, plan: Plan, progress: Progress, budget: Budget | None = None) -> Step:
    """For `fit`: add up parts of trainings and report them; OutOfTimeError where the time is over."""
    done, count = 0.0, (plan.folds + 1) * len(plan.losses)

    def step(part: float) -> None:
        nonlocal done
        done += part
        progress(f"training {space}", done, count)
        if budget is not None:
            budget.check()

    progress(f"training {space}", 0, count)
    return step


def plan_for(items: int, *, gated: bool = False) -> Plan:
    """Heads for so many items: more of them are gone through fewer times."""
    steps = max(-(-items // BATCH), 1)
    epochs = int(np.clip(STEPS // steps, 20, 240))
    schedule = Schedule(
        epochs=epochs, batch=BATCH, rate=1e-3, decay="one-cycle", draw="items", weight_decay=0.01, clip=0,
    )  # fmt: skip
    return Plan(losses=LOSSES, schedule=schedule, gated=gated)


def _kept(library: Library, space: str, fitted: Fitted, outcome: Outcome) -> str:
    """Write the heads into the library's folder; the name of their file."""
    folder = library.folder / FOLDER
    draft = folder / f"{space}.safetensors"
    with disk_errors(library.folder):
        digest = save_heads(draft, fitted.heads, outcome.to_json())
        name = f"{space}-{digest[:12]}.safetensors"
        draft.replace(folder / name)
    return name
