"""From trained spaces to rows of the table: every row is measured, and compared with its reference row."""

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
    evaluate_under_protocols,
    fuse_similarities,
)
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.row_comparison import RsumDifference, compare_rows
from experiments.ablation.row_plan import AblationPlan
from experiments.ablation.row_ranks import RowRanks
from experiments.ablation.row_statistics import MetricEstimate, draw_bootstrap_weights, estimate_metrics
from experiments.ablation.settings import PROTOCOLS
from experiments.ablation.space_spec import SpaceSpec, label_role
from experiments.ablation.table_rows import TableRow
from experiments.ablation.trials import Trial, load_embeddings, load_history
from retrieval.evaluation import Evaluation, EvaluationProtocol
from retrieval.evaluation.rules import DEFAULT_PROTOCOL
from retrieval.features import FeaturePipeline
from spaces.joint import TrainingHistory


@dataclass(frozen=True, kw_only=True, eq=False)
class RowResult:
    """Metrics of a row.

    description: its spaces
    dev_rsum:  mean rsum of the dev part over seeds
    metrics_by_seed: the metrics of each seed
    metrics_by_rules: mean metrics over seeds under the rules of each of PROTOCOLS
    estimates: over seeds, by metric
    collapsed: number of its trainings that collapsed
    """

    name: str
    description: str
    dev_rsum: float
    metrics_by_seed: tuple[dict[str, float], ...]
    metrics_by_rules: dict[str, dict[str, float]]
    estimates: dict[str, MetricEstimate]
    collapsed: int
    trainings: int
    difference: RsumDifference | None = None

    @property
    def group(self) -> str:
        """The number of the group, such as "1.1"."""
        return self.name.split()[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationResults:
    """All rows, and the history of every training by space and seed."""

    rows: tuple[RowResult, ...]
    histories: dict[SpaceSpec, dict[int, TrainingHistory]]


def measure_rows(
    plan: AblationPlan,
    seeds: Sequence[int],
    trial_folders: Mapping[Trial, Path],
    data: PreparedData,
    pipeline: FeaturePipeline | None,
    protocol: EvaluationProtocol = DEFAULT_PROTOCOL,
) -> AblationResults:
    """Measure every row of a plan whose trials are finished, on test under a protocol."""
    histories: dict[SpaceSpec, dict[int, TrainingHistory]] = {}
    for trial, folder in trial_folders.items():
        histories.setdefault(trial.space, {})[trial.seed] = load_history(folder)
    evaluator = _RowEvaluator(data, protocol)
    for row in plan.rows:
        if row.spaces:
            embeddings_by_seed = [
                [load_embeddings(trial_folders[Trial(space=space, seed=seed)]) for space in row.spaces]
                for seed in seeds
            ]
            collapsed = sum(histories[space][seed].collapsed for seed in seeds for space in row.spaces)
            description = " + ".join(map(str, row.spaces))
            evaluator.add(row, description, embeddings_by_seed, collapsed_count=collapsed)
        elif row.baseline == "zero-shot" and pipeline is not None:
            zero_shot = baselines.project_zero_shot(data, pipeline)
            evaluator.add(row, "the engine's object space, untrained", [[zero_shot]])
        elif row.baseline == "ridge":
            embeddings, strength = baselines.fit_ridge(data, row.ridge_roles)
            roles = ", ".join(map(label_role, row.ridge_roles))
            evaluator.add(row, f"{roles} to the mean sentence vector, strength {strength:g}", [[embeddings]])
        elif row.baseline == "best + zero-shot" and pipeline is not None:
            evaluator.add_best_with_zero_shot(row, baselines.project_zero_shot(data, pipeline))
    return AblationResults(rows=evaluator.compare_rows(plan), histories=histories)


class _RowEvaluator:
    """Evaluates rows one after the other and keeps their ranks, with which later rows are compared."""

    def __init__(self, data: PreparedData, protocol: EvaluationProtocol) -> None:
        self._protocol = protocol
        self._caption_items = {part: baselines.map_captions_to_items(data, part) for part in ("dev", "test")}
        self._results: dict[str, RowResult] = {}
        self._row_ranks: dict[str, RowRanks] = {}
        self._best_row: tuple[TableRow, list[list[SplitEmbeddings]]] | None = None
        self._reference_rows: dict[str, str] = {}
        self._bootstrap_weights = draw_bootstrap_weights(len(np.unique(self._caption_items["test"])), seed=0)

    def add(
        self, row: TableRow, description: str, embeddings_by_seed: list[list[SplitEmbeddings]], *,
        space_weights: Sequence[float] | None = None, collapsed_count: int = 0,
    ) -> None:  # fmt: skip
        """Evaluate a row from the embeddings of its spaces by seed."""
        dev_rsums = [self._score_on_dev(spaces, space_weights) for spaces in embeddings_by_seed]
        evaluated = [self._evaluate_test(spaces, space_weights) for spaces in embeddings_by_seed]
        evaluations = [by_protocol[self._protocol] for by_protocol in evaluated]
        row_ranks = RowRanks.from_evaluations(evaluations, row.spaces)
        self._row_ranks[row.name] = row_ranks
        result = RowResult(
            name=row.name,
            description=description,
            dev_rsum=float(np.mean(dev_rsums)),
            metrics_by_seed=tuple(evaluation.compute_metrics() for evaluation in evaluations),
            metrics_by_rules={
                name: _average_metrics([by_protocol[protocol] for by_protocol in evaluated])
                for name, protocol in PROTOCOLS.items()
            },
            estimates=estimate_metrics(row_ranks, evaluations, self._bootstrap_weights),
            collapsed=collapsed_count,
            trainings=len(embeddings_by_seed) * len(row.spaces),
        )
        self._results[row.name] = result
        if row.spaces and (
            self._best_row is None or result.dev_rsum > self._results[self._best_row[0].name].dev_rsum
        ):
            self._best_row = row, embeddings_by_seed

    def add_best_with_zero_shot(self, row: TableRow, zero_shot_embeddings: SplitEmbeddings) -> None:
        """Evaluate the trained row that is best on dev, fused with zero-shot; dev chooses the weight."""
        if self._best_row is None:
            return
        best, best_embeddings = self._best_row
        embeddings_by_seed = [[*spaces, zero_shot_embeddings] for spaces in best_embeddings]
        space_count = len(best_embeddings[0])

        def make_space_weights(share: float) -> list[float]:
            return [*([(1 - share) / space_count] * space_count), share]

        def score_on_dev(share: float) -> float:
            weights = make_space_weights(share)
            rsums = [self._score_on_dev(spaces, weights) for spaces in embeddings_by_seed]
            return float(np.mean(rsums))

        share = max(baselines.ZERO_SHOT_WEIGHTS, key=score_on_dev)
        self.add(
            replace(row, spaces=best.spaces),
            f"{best.name}, {share:g} of the weight on zero-shot",
            embeddings_by_seed,
            space_weights=make_space_weights(share),
            collapsed_count=self._results[best.name].collapsed,
        )
        self._reference_rows[row.name] = best.name

    def compare_rows(self, plan: AblationPlan) -> tuple[RowResult, ...]:
        """All rows, each with its difference from its reference row, corrected for their number."""
        references = {
            row.name: self._reference_rows.get(row.name) or next(iter(row.against), "") for row in plan.rows
        }
        compared = {
            name: reference
            for name, reference in references.items()
            if name in self._row_ranks and reference in self._row_ranks
        }
        differences = compare_rows(self._row_ranks, compared)
        return tuple(
            replace(result, difference=differences.get(name)) for name, result in self._results.items()
        )

    def _score_on_dev(
        self, embeddings: Sequence[SplitEmbeddings], space_weights: Sequence[float] | None
    ) -> float:
        """rsum on dev under the default protocol."""
        pairs: list[EmbeddingPair] = [space["dev"] for space in embeddings]
        return evaluate_similarity(fuse_similarities(pairs, space_weights), self._caption_items["dev"]).rsum

    def _evaluate_test(
        self, embeddings: Sequence[SplitEmbeddings], space_weights: Sequence[float] | None
    ) -> dict[EvaluationProtocol, Evaluation]:
        pairs: list[EmbeddingPair] = [space["test"] for space in embeddings]
        protocols = (self._protocol, *PROTOCOLS.values())
        similarity = fuse_similarities(pairs, space_weights)
        return evaluate_under_protocols(similarity, self._caption_items["test"], protocols)


def _average_metrics(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    """Mean metrics over seeds."""
    metrics = [evaluation.compute_metrics() for evaluation in evaluations]
    return {name: float(np.mean([one[name] for one in metrics])) for name in metrics[0]}
