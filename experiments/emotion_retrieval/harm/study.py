"""Variants of emotion retrieval against a baseline, under several seeds.

The result of a variant under a seed is kept as soon as it is there; a study that was stopped goes on with the
next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from encoders import write_atomically
from experiments.emotion_retrieval.harm.variants import Variant
from retrieval.evaluation import DirectionResult

Floats = npt.NDArray[np.float64]

QUERY_SETS = ("all", "with emotion", "without emotion")
REPORTED_METRICS = ("R@1", "R@10", "MnR")
STUDY_VERSION = 1  # part of the key of a result: raise it when the same trial would give another


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantResult:
    """Text-to-video metrics of a variant under one seed.

    metrics: by query set, the value of each metric
    hits:    by query set, (groups,) hits at rank one, whose mean is R@1; queries of one video belong together
    kept_hits: (groups,) as the hits of all queries, if those with an emotion found nothing
    emotion_scale: of emotions added to tokens: mean norm of the texts' emotion vectors against that of their
             tokens' embeddings; None for other variants
    cosine:  mean cosine of texts with an emotion to what the baseline makes of them; None where rows differ
             in width
    affect_distances: (groups,) distance on the plane from the mood that a query names to the true affect of
             the first items found, whose mean is that over queries with an emotion; None where no truth is
             known
    """

    variant: str
    seed: int
    metrics: Mapping[str, Mapping[str, float]]
    hits: Mapping[str, Floats]
    kept_hits: Floats
    emotion_scale: float | None = None
    cosine: float | None = None
    affect_distances: Floats | None = None

    def to_json(self) -> dict[str, Any]:
        """As kept on disk."""
        distances = None if self.affect_distances is None else self.affect_distances.tolist()
        return asdict(self) | {
            "hits": {name: values.tolist() for name, values in self.hits.items()},
            "kept_hits": self.kept_hits.tolist(),
            "affect_distances": distances,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        distances = stored.get("affect_distances")
        return cls(
            **{
                **stored,
                "hits": {name: np.array(values, np.float64) for name, values in stored["hits"].items()},
                "kept_hits": np.array(stored["kept_hits"], np.float64),
                "affect_distances": None if distances is None else np.array(distances, np.float64),
            }
        )


class HarmSetting(Protocol):
    """Data, a model without emotions, and the variants that start from its weights."""

    @property
    def variants(self) -> Sequence[Variant]:
        """The baseline, and the others."""
        ...

    @property
    def report(self) -> str:
        """Name of the variant that is the emotion report's."""
        ...

    @property
    def ours(self) -> str:
        """Name of the variant that is to do no harm."""
        ...

    @property
    def key(self) -> Sequence[Any]:
        """What results depend on beside variant and seed, for JSON."""
        ...

    def describe(self) -> dict[str, Any]:
        """Numbers of items and queries, for the record of results."""
        ...

    def train_baseline(self, seed: int, checkpoint: Path | None) -> Any:
        """The model without emotions, trained to the end, from the checkpoint if there is one."""
        ...

    def measure(self, baseline: Any, variant: Variant, seed: int) -> VariantResult:
        """Train a variant from the baseline's weights, and evaluate it on the test part."""
        ...


@dataclass(frozen=True)
class TrialFolder:
    """Where baselines and results are kept; without a path nothing is."""

    path: Path | None
    key: Sequence[Any] = ()

    def load(self, variant: Variant, seed: int) -> VariantResult | None:
        """A kept result; None for none."""
        file = self._get_file(variant, seed)
        return VariantResult.from_json(json.loads(file.read_text())) if file and file.exists() else None

    def store(self, variant: Variant, result: VariantResult) -> None:
        """Keep a result."""
        if file := self._get_file(variant, result.seed):
            write_atomically(file, json.dumps(result.to_json()).encode())

    def get_checkpoint(self, seed: int) -> Path | None:
        """Of the baseline."""
        return self.path / f"baseline-{self._digest(seed)}.safetensors" if self.path else None

    def _get_file(self, variant: Variant, seed: int) -> Path | None:
        return self.path / f"{self._digest(asdict(variant), seed)}.json" if self.path else None

    def _digest(self, *parts: Any) -> str:
        """Of everything that a result depends on."""
        return hashlib.sha256(json.dumps([STUDY_VERSION, *self.key, *parts]).encode()).hexdigest()[:16]


def run_harm_study(
    setting: HarmSetting,
    variants: Sequence[Variant],
    *,
    seeds: Sequence[int],
    trial_folder: Path | None = None,
    on_variant: Callable[[str], None] = lambda name: None,
) -> list[VariantResult]:
    """Train the baseline under each seed and every variant from it, and evaluate them on the test part.

    trial_folder: where weights of baselines and results of variants are kept and found again
    on_variant:   called with what is being trained
    """
    folder = TrialFolder(trial_folder, setting.key if trial_folder else ())
    results = []
    for seed in seeds:
        trials = _SeedTrials(setting, seed, folder)
        for variant in variants:
            on_variant(f"{variant.name}, seed {seed}")
            results.append(folder.load(variant, seed) or trials.measure(variant))
    return results


@dataclass(frozen=True, eq=False)
class _SeedTrials:
    """The variants of one seed, which share a baseline; it is trained if one of them is."""

    setting: HarmSetting
    seed: int
    folder: TrialFolder

    @cached_property
    def baseline(self) -> Any:
        """The trained baseline."""
        return self.setting.train_baseline(self.seed, self.folder.get_checkpoint(self.seed))

    def measure(self, variant: Variant) -> VariantResult:
        """Train and evaluate a variant, and keep the result."""
        result = self.setting.measure(self.baseline, variant, self.seed)
        self.folder.store(variant, result)
        return result


def measure_variant(
    name: str, directions: Mapping[str, DirectionResult], seed: int, **measured: Any
) -> VariantResult:
    """The metrics and hits of a variant, by query set, and what else was measured."""
    return VariantResult(
        variant=name,
        seed=seed,
        metrics={
            query_set: {metric: direction.compute_metric(metric) for metric in REPORTED_METRICS}
            for query_set, direction in directions.items()
        },
        hits={
            query_set: average_by_group(direction.compute_hits(1), direction.groups)
            for query_set, direction in directions.items()
        },
        kept_hits=_weigh_kept_hits(directions["all"], directions["without emotion"]),
        **measured,
    )


def average_by_group(values: npt.NDArray[Any], groups: Sequence[str]) -> Floats:
    """(groups,) sums of values (n,) by group, weighted so that their mean is that of the values."""
    _, number = np.unique(np.array(groups), return_inverse=True)
    sums = np.bincount(number, values)
    return np.asarray(sums * len(sums) / len(number))


def _weigh_kept_hits(all_queries: DirectionResult, kept: DirectionResult) -> Floats:
    """(groups,) hits of the kept queries, weighted so that their mean is the share of all queries."""
    groups = np.unique(np.array(all_queries.groups))
    sums = np.bincount(
        np.searchsorted(groups, np.array(kept.groups)), kept.compute_hits(1), len(groups)
    )  # fmt: skip
    return np.asarray(sums * len(groups) / len(all_queries.groups))
