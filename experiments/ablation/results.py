"""From trained spaces to lines of the table: every row measured, and compared with the row it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.ablation import baselines
from experiments.ablation.fused_ranks import (
    EmbeddingPair,
    SplitEmbeddings,
    evaluate_similarity,
    fuse_similarities,
)
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.row_statistics import (
    MetricEstimate,
    RowRanks,
    RsumDifference,
    draw_resamples,
)
from experiments.ablation.table_rows import ROLE_LABELS, AblationPlan, SpaceSpec, TableRow
from experiments.ablation.trials import Trial, load_embeddings, load_history
from experiments.statistics.holm import adjust_holm
from retrieval.evaluation import Evaluation
from retrieval.features.pipeline import FeaturePipeline
from spaces.joint.training import TrainingHistory


@dataclass(frozen=True, kw_only=True, eq=False)
class RowResult:
    """A row measured.

    description: what its spaces are
    dev_rsum:  mean rsum of the dev part over seeds
    metrics_by_seed: the measures of each seed
    collapsed: how many of its trainings had collapsed, of how many
    """

    name: str
    description: str
    dev_rsum: float
    metrics_by_seed: tuple[dict[str, float], ...]
    estimates: dict[str, MetricEstimate]
    collapsed: int
    trainings: int
    difference: RsumDifference | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationResults:
    """All lines, and the epochs of every training by space and seed."""

    rows: tuple[RowResult, ...]
    histories: dict[SpaceSpec, dict[int, TrainingHistory]]


def measure_rows(
    plan: AblationPlan,
    seeds: Sequence[int],
    trial_folders: Mapping[Trial, Path],
    data: PreparedData,
    pipeline: FeaturePipeline | None,
) -> AblationResults:
    """Measure every row of a plan whose trials are finished."""
    histories: dict[SpaceSpec, dict[int, TrainingHistory]] = {}
    for trial, folder in trial_folders.items():
        histories.setdefault(trial.space, {})[trial.seed] = load_history(folder)
    board = _RowEvaluator(data)
    for row in plan.rows:
        if row.spaces:
            placed = [
                [load_embeddings(trial_folders[Trial(space=space, seed=seed)]) for space in row.spaces]
                for seed in seeds
            ]
            fallen = sum(histories[space][seed].collapsed for seed in seeds for space in row.spaces)
            board.add(row, " + ".join(map(str, row.spaces)), placed, collapsed_count=fallen)
        elif row.baseline == "zero-shot" and pipeline is not None:
            board.add(
                row, "the engine's object space, untrained", [[baselines.project_zero_shot(data, pipeline)]]
            )
        elif row.baseline == "ridge":
            found, strength = baselines.fit_ridge(data, row.ridge_roles)
            roles = ", ".join(ROLE_LABELS[role] for role in row.ridge_roles)
            board.add(row, f"{roles} to the mean sentence vector, strength {strength:g}", [[found]])
        elif row.baseline == "best + zero-shot" and pipeline is not None:
            board.add_best_with_zero_shot(row, baselines.project_zero_shot(data, pipeline))
    return AblationResults(rows=board.compare_rows(plan), histories=histories)


class _RowEvaluator:
    """Lines as they come, and what later ones are compared with."""

    def __init__(self, data: PreparedData) -> None:
        self._data = data
        self._caption_items = {part: baselines.map_captions_to_items(data, part) for part in ("dev", "test")}
        self._results: dict[str, RowResult] = {}
        self._row_ranks: dict[str, RowRanks] = {}
        self._best_row: tuple[RowResult, list[list[SplitEmbeddings]]] | None = None
        self._reference_rows: dict[str, str] = {}
        self._bootstrap_weights, self._signs = draw_resamples(
            len(np.unique(self._caption_items["test"])), seed=0
        )

    def add(
        self, row: TableRow, description: str, embeddings_by_seed: list[list[SplitEmbeddings]], *,
        space_weights: Sequence[float] | None = None, collapsed_count: int = 0,
    ) -> None:  # fmt: skip
        """Measure a row from its spaces' rows by seed."""
        dev = [self._evaluate("dev", of_seed, space_weights).rsum for of_seed in embeddings_by_seed]
        found = [self._evaluate("test", of_seed, space_weights) for of_seed in embeddings_by_seed]
        standings = RowRanks.from_evaluations(found)
        self._row_ranks[row.name] = standings
        line = RowResult(
            name=row.name,
            description=description,
            dev_rsum=float(np.mean(dev)),
            metrics_by_seed=tuple(one.compute_metrics() for one in found),
            estimates=standings.estimate_metrics(found, self._bootstrap_weights),
            collapsed=collapsed_count,
            trainings=len(embeddings_by_seed) * len(row.spaces),
        )
        self._results[row.name] = line
        if row.spaces and (self._best_row is None or line.dev_rsum > self._best_row[0].dev_rsum):
            self._best_row = line, embeddings_by_seed

    def add_best_with_zero_shot(self, row: TableRow, zero_shot_embeddings: SplitEmbeddings) -> None:
        """The trained row with the best dev part, with as much of zero-shot as its dev part likes."""
        if self._best_row is None:
            return
        best, own = self._best_row[0].name, self._best_row[1]
        placed = [[*of_seed, zero_shot_embeddings] for of_seed in own]

        def make_space_weights(share: float) -> list[float]:
            return [*([(1 - share) / len(own[0])] * len(own[0])), share]

        def score_on_dev(share: float) -> float:
            return float(
                np.mean([self._evaluate("dev", one, make_space_weights(share)).rsum for one in placed])
            )

        share = max(baselines.ZERO_SHOT_WEIGHTS, key=score_on_dev)
        self.add(
            row,
            f"{best}, {share:g} of the weight on zero-shot",
            placed,
            space_weights=make_space_weights(share),
        )
        self._reference_rows[row.name] = best

    def compare_rows(self, plan: AblationPlan) -> tuple[RowResult, ...]:
        """All lines, each with its difference from the row it belongs to, corrected for their number."""
        gaps: dict[str, RsumDifference] = {}
        for row in plan.rows:
            base = self._reference_rows.get(row.name) or next(iter(row.against), "")
            if row.name in self._results and base in self._results:
                mine, theirs = self._row_ranks[row.name], self._row_ranks[base]
                gaps[row.name] = mine.compare_rsum(theirs, base, self._bootstrap_weights, self._signs)
        for (name, gap), p in zip(list(gaps.items()), adjust_holm([g.p for g in gaps.values()]), strict=True):
            gaps[name] = replace(gap, holm=p)
        return tuple(replace(line, difference=gaps.get(name)) for name, line in self._results.items())

    def _evaluate(
        self, split: str, embeddings: Sequence[SplitEmbeddings], space_weights: Sequence[float] | None
    ) -> Evaluation:
        pairs: list[EmbeddingPair] = [space[split] for space in embeddings]
        return evaluate_similarity(fuse_similarities(pairs, space_weights), self._caption_items[split])
