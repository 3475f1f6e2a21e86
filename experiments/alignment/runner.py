"""A study of several sets: what is done is kept, what is interrupted goes on where it was."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from encoders.base import AffectError
from encoders.onnx_runtime import write_whole
from experiments.alignment.loss_ablation import PARTS, Part, taken_apart
from experiments.alignment.pairs import Pairs, chosen, usable
from experiments.alignment.statistics import Found, measured
from experiments.alignment.study import (
    Material,
    Outcome,
    Plan,
    key_of,
    load_outcome,
    material,
    save_outcome,
    tried,
)
from retrieval.progress_reporter import ProgressReporter
from spaces.alignment import Method

FEWEST = 20  # pairs that can be studied
PARTS_OF_SETS: tuple[Literal["folds", "test"], ...] = ("folds", "test")


def run(
    load: Mapping[str, Callable[[], Pairs]], methods: Mapping[str, Method], plan: Plan, folder: Path, *,
    apart: str = "", quiet: bool = False,
) -> tuple[dict[str, Found], list[Part], dict[str, str]]:  # fmt: skip
    """Every set with every map, its test rows as a set of their own; what can't be studied, with the reason.

    apart: the set on which the learned mapping is taken apart, if any

    Whatever one map did on one set is a file in `folder`, and is read again where nothing has changed.
    """
    found: dict[str, Found] = {}
    left_out: dict[str, str] = {}
    parts: list[Part] = []
    count, total, name = 0, len(load) * len(methods) + (len(PARTS) if apart else 0), ""

    def done() -> None:
        nonlocal count
        count += 1
        report.update(name, count, total)

    with ProgressReporter("align", unit="maps", quiet=quiet) as report:
        for name, read in load.items():
            report.update(name, count, total)
            try:
                pairs = read()
                found |= studied(name, pairs, methods, plan, folder, done)
            except AffectError as bad:
                left_out[name] = str(bad)
                continue
            if name == apart:
                for variant in PARTS:
                    parts.append(_part(pairs, variant, plan, folder))
                    done()
    return found, parts, left_out


def studied(
    name: str, pairs: Pairs, methods: Mapping[str, Method], plan: Plan, folder: Path,
    done: Callable[[], None] = lambda: None,
) -> dict[str, Found]:  # fmt: skip
    """A set, and its test rows where there are some. Raises AffectError where it can't be studied."""
    keep = np.flatnonzero(usable(pairs))
    if len(keep) < FEWEST:
        raise AffectError(f"{pairs.name}: {len(keep)} whole pairs; at least {FEWEST} are needed")
    note = f"{len(pairs) - len(keep)} pairs with a missing reading left out"
    pairs = chosen(pairs, keep, note)
    found = {}
    for part in PARTS_OF_SETS:
        known = material(pairs, plan, part)
        if known is not None and len(known.rows) >= FEWEST:
            title = name if part == "folds" else f"{name}, test rows"
            found[title] = _set(known, methods, plan, folder, done if part == "folds" else lambda: None)
    return found


def _set(
    known: Material, methods: Mapping[str, Method], plan: Plan, folder: Path, done: Callable[[], None]
) -> Found:
    outcomes: dict[str, Outcome] = {}
    left_out: dict[str, str] = {}
    for name, method in methods.items():
        file = folder / f"{key_of(name, known, plan)}.safetensors"
        outcome = load_outcome(file)
        if outcome is None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of scikit-learn, about directions that are exhausted
                    outcome = tried(method, known, plan)
            except ValueError as bad:
                left_out[name] = str(bad)
                done()
                continue
            save_outcome(file, outcome)
        outcomes[name] = outcome
        done()
    if not outcomes:
        raise AffectError(f"{known.pairs.name}: no map can be fitted; {next(iter(left_out.values()), '')}")
    return measured(known, methods, outcomes, plan, left_out)


def _part(pairs: Pairs, variant: str, plan: Plan, folder: Path) -> Part:
    known = material(pairs, plan)
    if known is None:
        raise AffectError(f"{pairs.name}: no rows to learn from")
    file = folder / f"{key_of(f'apart {variant}', known, plan)}.json"
    try:
        return Part(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        found = taken_apart(known, variant, seed=plan.seed)
        told: dict[str, str | float] = {
            "name": found.name, "told": found.told, "spread": found.spread, "bent": found.bent,
            "disparity": found.disparity,
        }  # fmt: skip
        write_whole(file, json.dumps(told).encode())
        return found


def selected(names: Sequence[str], known: Mapping[str, Method]) -> dict[str, Method]:
    """Some maps by name, identity always among them. Raises AffectError for another name."""
    if unknown := [name for name in names if name not in known]:
        raise AffectError(f"no map {', '.join(unknown)}; maps: {', '.join(known)}")
    return {name: one for name, one in known.items() if not names or name in (*names, "identity")}
