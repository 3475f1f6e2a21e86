"""From trained spaces to lines of the table: every row measured, and compared with the row it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.ablation import baselines
from experiments.ablation.fused_ranks import Pair, Placed, judged, together
from experiments.ablation.prepared_data import Corpus
from experiments.ablation.row_statistics import Figure, Gap, Standings, draws, holm
from experiments.ablation.table_rows import SAID, Plan, Row, Space
from experiments.ablation.trials import Trial, history_of, rows_of
from retrieval.evaluation import Evaluation
from retrieval.features.pipeline import Experts
from spaces.joint.training import History


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A row measured.

    told:      what its spaces are
    dev:       mean rsum of the dev part over seeds
    seeds:     the measures of each seed
    collapsed: how many of its trainings had collapsed, of how many
    """

    name: str
    told: str
    dev: float
    seeds: tuple[dict[str, float], ...]
    figures: dict[str, Figure]
    collapsed: int
    trainings: int
    gap: Gap | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """All lines, and the epochs of every training by space and seed."""

    lines: tuple[Line, ...]
    histories: dict[Space, dict[int, History]]


def measured(
    plan: Plan, seeds: Sequence[int], folders: Mapping[Trial, Path], corpus: Corpus, experts: Experts | None
) -> Measured:
    """Measure every row of a plan whose trials are finished."""
    histories: dict[Space, dict[int, History]] = {}
    for trial, folder in folders.items():
        histories.setdefault(trial.space, {})[trial.seed] = history_of(folder)
    board = _Board(corpus)
    for row in plan.rows:
        if row.spaces:
            placed = [
                [rows_of(folders[Trial(space=space, seed=seed)]) for space in row.spaces] for seed in seeds
            ]
            fallen = sum(histories[space][seed].collapsed for seed in seeds for space in row.spaces)
            board.add(row, " + ".join(map(str, row.spaces)), placed, fallen=fallen)
        elif row.baseline == "zero-shot" and experts is not None:
            board.add(row, "the engine's object space, untrained", [[baselines.zero_shot(corpus, experts)]])
        elif row.baseline == "ridge":
            found, strength = baselines.ridge(corpus, row.ridge)
            roles = ", ".join(SAID[role] for role in row.ridge)
            board.add(row, f"{roles} to the mean sentence vector, strength {strength:g}", [[found]])
        elif row.baseline == "best + zero-shot" and experts is not None:
            board.add_best(row, baselines.zero_shot(corpus, experts))
    return Measured(lines=board.compared(plan), histories=histories)


class _Board:
    """Lines as they come, and what later ones are compared with."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._owner = {part: baselines.owners(corpus, part) for part in ("dev", "test")}
        self._lines: dict[str, Line] = {}
        self._standings: dict[str, Standings] = {}
        self._best: tuple[Line, list[list[Placed]]] | None = None
        self._against: dict[str, str] = {}
        self._weights, self._signs = draws(len(np.unique(self._owner["test"])), seed=0)

    def add(
        self, row: Row, told: str, placed: list[list[Placed]], *,
        weights: Sequence[float] | None = None, fallen: int = 0,
    ) -> None:  # fmt: skip
        """Measure a row from its spaces' rows by seed."""
        dev = [self._judged("dev", of_seed, weights).rsum for of_seed in placed]
        found = [self._judged("test", of_seed, weights) for of_seed in placed]
        standings = Standings.of(found)
        self._standings[row.name] = standings
        line = Line(
            name=row.name,
            told=told,
            dev=float(np.mean(dev)),
            seeds=tuple(one.measures() for one in found),
            figures=standings.figures(found, self._weights),
            collapsed=fallen,
            trainings=len(placed) * len(row.spaces),
        )
        self._lines[row.name] = line
        if row.spaces and (self._best is None or line.dev > self._best[0].dev):
            self._best = line, placed

    def add_best(self, row: Row, untrained: Placed) -> None:
        """The trained row with the best dev part, with as much of zero-shot as its dev part likes."""
        if self._best is None:
            return
        best, own = self._best[0].name, self._best[1]
        placed = [[*of_seed, untrained] for of_seed in own]

        def weights(share: float) -> list[float]:
            return [*([(1 - share) / len(own[0])] * len(own[0])), share]

        def liked(share: float) -> float:
            return float(np.mean([self._judged("dev", one, weights(share)).rsum for one in placed]))

        share = max(baselines.SHARES, key=liked)
        self.add(row, f"{best}, {share:g} of the weight on zero-shot", placed, weights=weights(share))
        self._against[row.name] = best

    def compared(self, plan: Plan) -> tuple[Line, ...]:
        """All lines, each with its difference from the row it belongs to, corrected for their number."""
        gaps: dict[str, Gap] = {}
        for row in plan.rows:
            base = self._against.get(row.name) or next(iter(row.against), "")
            if row.name in self._lines and base in self._lines:
                mine, theirs = self._standings[row.name], self._standings[base]
                gaps[row.name] = mine.gap(theirs, base, self._weights, self._signs)
        for (name, gap), p in zip(list(gaps.items()), holm([g.p for g in gaps.values()]), strict=True):
            gaps[name] = replace(gap, holm=p)
        return tuple(replace(line, gap=gaps.get(name)) for name, line in self._lines.items())

    def _judged(self, part: str, spaces: Sequence[Placed], weights: Sequence[float] | None) -> Evaluation:
        pairs: list[Pair] = [space[part] for space in spaces]
        return judged(together(pairs, weights), self._owner[part])
