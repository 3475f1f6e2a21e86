"""Teaching a library from its owner's captions: heads of its own, taken only where they find more.

The experts' rows are in the library already, so no media are read.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from encoders.base import AffectError, Rows, encode_all, missing, owners_means, printable, unit_rows
from retrieval.captions import Told
from retrieval.disk import disk_errors
from retrieval.fitting import Fitted, Lesson, Plan, fit, zero_shot_rows
from retrieval.heads import ALIGNMENT, FOLDER, own_files, tidy
from retrieval.library import Library
from retrieval.recipe import Experts
from spaces.base import Space
from spaces.joint import TEXT
from spaces.material import Ints, Material
from spaces.stored import save_heads
from spaces.training import Schedule

ROLES = {"object": "objects", "activity": "activity", "audio": "sound"}
LEAST = 40  # items with captions below which nothing can be learnt that would hold
STEPS = 720  # of one training, about: what 800 photos need
BATCH = 128
LOSSES = ("infonce-learnt", "weighted")

log = logging.getLogger(__name__)
Progress = Callable[[str, int, int], None]  # space, trainings done, of how many


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one space.

    items, texts: how many there were to learn from
    before, after: mean average precision in percent on what was held out: of the package's space, or by
                   chance where that can't read words; and with the heads
    gain:  (low, high) of after less before, 95 %
    taken: whether the heads are in use now
    why:   where nothing was trained, the reason
    """

    space: str
    items: int
    texts: int
    before: float | None = None
    after: float | None = None
    gain: tuple[float, float] | None = None
    taken: bool = False
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect train --json`."""
        return {
            "space": self.space, "items": self.items, "texts": self.texts, "before": self.before,
            "after": self.after, "gain": self.gain, "taken": self.taken, "why": self.why or None,
        }  # fmt: skip


def teach(library: Library, told: Sequence[Told], *, seed: int, progress: Progress) -> list[Outcome]:
    """Train heads for every space that can learn from these captions; the caller may write.

    Those that beat the package's space on held-out items beyond the interval are taken and the library is
    projected with them; the others are told of and left. What is in a split "test" is not looked at. Raises
    AffectError where no caption is of an item.
    """
    items, captions, groups = _matched(library, [one for one in told if one.split != "test"])
    experts = Experts(library.recipe)
    rows = {role: _item_rows(library, role, items) for role in experts.media_roles}
    heads = {} if library.lost else dict(own_files(library.catalog))
    before, outcomes = dict(heads), []
    for space in experts.spaces:
        lesson = lesson_of(experts, space, rows, captions, groups)
        outcome, fitted = learnt(space.name, lesson, seed, progress)
        outcomes.append(outcome)
        if fitted and outcome.taken:
            heads[space.name] = _kept(library, space.name, fitted, outcome)
    if heads != before or library.lost:
        library.take(heads)
    tidy(library.folder, library.catalog)
    return outcomes


def forget(library: Library) -> None:
    """Back to the heads of the package; the caller may write."""
    kept = {} if library.lost else own_files(library.catalog)
    library.take({name: file for name, file in kept.items() if name == ALIGNMENT})
    tidy(library.folder, library.catalog)


def _matched(library: Library, told: Sequence[Told]) -> tuple[list[str], list[list[str]], list[str]]:
    """Items of the library with captions: ids, what is said of each, and its group."""
    known = {path: entry.item for path, entry in library.catalog.known().items() if entry.item}
    followed = {path.resolve(): item for path, item in known.items()}
    captions: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    for one in told:
        named = Path(os.path.abspath(one.path))  # noqa: PTH100 - a symlink stays the name given
        if item := known.get(named) or followed.get(named.resolve()):
            captions.setdefault(item, []).extend(one.captions)
            groups.setdefault(item, one.group or item)
    if not captions:
        raise AffectError(
            f"none of the {len(told)} captioned files is in {printable(library.folder)}; "
            "index their folder first"
        )
    if (others := len(told) - len(captions)) > 0:
        log.warning("%d captioned files are not in the library, or there twice: left out", others)
    return list(captions), list(captions.values()), [groups[item] for item in captions]


def lesson_of(
    experts: Experts, space: Space, rows: Mapping[str, Rows], captions: Sequence[Sequence[str]],
    groups: Sequence[str],
) -> Lesson | None:  # fmt: skip
    """What a space can learn from; None where no item has rows of its role, or words can't be read.

    rows: by role (items, d), NaN where missing; captions, groups: (items,)
    """
    role = ROLES[space.name]
    if not experts.recipe.text or role not in rows:
        return None
    here = np.flatnonzero(~missing(rows[role]))
    if not len(here):
        return None
    texts = [caption for at in here for caption in captions[int(at)]]
    owner = np.repeat(np.arange(len(here)), [len(captions[int(at)]) for at in here])
    raw = encode_all(experts.role(TEXT), texts)
    material = Material(
        media={role: rows[role][here]}, texts=unit_rows(raw), owner=owner,
        kinds=_kinds(texts, owner, len(here)),
    )  # fmt: skip
    return Lesson(
        material=material,
        groups=[groups[int(at)] for at in here],
        encoders={one: experts.role(one).card.signature for one in (role, TEXT)},
        zero_shot=zero_shot_rows(space, {one: found[here] for one, found in rows.items()}, raw),
    )


def _item_rows(library: Library, role: str, items: Sequence[str]) -> Rows:
    """(items, d) the mean of each item's segments, NaN where none has a row."""
    store = library.catalog.stores().get(role)
    if store is None:
        return np.full((len(items), 1), np.nan, np.float32)
    place = {item: at for at, item in enumerate(items)}
    found = library.catalog.all(
        "SELECT item, row FROM rows JOIN segments ON segments.id = segment WHERE store = ?", role
    )
    pairs = np.array([(place[item], row) for item, row in found if item in place], np.int64).reshape(-1, 2)
    rows = library.mapped(store)[pairs[:, 1]]
    return owners_means(rows, pairs[:, 0], len(items)).astype(np.float32)


def _kinds(texts: Sequence[str], owner: Ints, items: int) -> Ints:
    """(items,) numbers; items of which the very same is said, such as a class word, are of one kind."""
    number = np.unique([text.casefold() for text in texts], return_inverse=True)[1]
    size = items + int(number.max()) + 1
    said = csr_array((np.ones(len(texts)), (owner, items + number)), shape=(size, size))
    return np.asarray(connected_components(said, directed=False)[1][:items], np.int64)


def learnt(space: str, lesson: Lesson | None, seed: int, progress: Progress) -> tuple[Outcome, Fitted | None]:
    """Fit one space's heads; None, and the reason, where there is too little to learn from."""
    if lesson is None:
        return Outcome(space=space, items=0, texts=0, why="nothing in it speaks of these items"), None
    items, texts = lesson.material.items, len(lesson.material.owner)
    plan, kinds = plan_for(items, gated=space != "object"), len(set(lesson.material.kind))
    why = ""
    if items < LEAST or len(set(lesson.groups)) < plan.folds:
        why = f"too little to learn from: {LEAST} items in {plan.folds} groups are the least"
    elif kinds < 2 * plan.folds:
        why = f"too little to learn from: by captions they share, these items are of {kinds} kinds only"
    if why:
        return Outcome(space=space, items=items, texts=texts, why=why), None
    done, count = 0, (plan.folds + 1) * len(plan.losses)

    def step() -> None:
        nonlocal done
        done += 1
        progress(space, done, count)

    progress(space, 0, count)
    try:
        fitted = fit(lesson, plan, seed=seed, step=step)
    except ValueError as bad:  # held-out matches lie no nearer than anything else
        return Outcome(space=space, items=items, texts=texts, why=str(bad)), None
    gain = fitted.gain(seed)
    before, after = (100 * float(fitted.precisions(trained=way).mean()) for way in (False, True))
    outcome = Outcome(
        space=space, items=items, texts=texts, before=round(before, 2), after=round(after, 2),
        gain=(round(gain.low, 2), round(gain.high, 2)), taken=gain.low > 0,
    )  # fmt: skip
    return outcome, fitted


def plan_for(items: int, *, gated: bool = False) -> Plan:
    """Heads for so many items: more of them are gone through fewer times."""
    steps = max(-(-items // BATCH), 1)
    epochs = int(np.clip(STEPS // steps, 20, 240))
    schedule = Schedule(
        epochs=epochs, batch=BATCH, rate=1e-3, decay="one-cycle", draw="items", weight_decay=0.01, clip=0,
        warm=epochs // 2,
    )  # fmt: skip
    return Plan(losses=LOSSES, warm=LOSSES[0], schedule=schedule, gated=gated)


def _kept(library: Library, space: str, fitted: Fitted, outcome: Outcome) -> str:
    """Write the heads into the library's folder; the name of their file."""
    folder = library.folder / FOLDER
    draft = folder / f"{space}.safetensors"
    with disk_errors(library.folder):
        digest = save_heads(draft, fitted.heads, outcome.to_json())
        name = f"{space}-{digest[:12]}.safetensors"
        draft.replace(folder / name)
    return name
