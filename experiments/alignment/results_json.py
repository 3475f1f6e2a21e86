"""The results of a study as the JSON object that results.json and --json give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.alignment.pairs import MultimodalReadings, compute_readings_digest
from experiments.alignment.requirements import check_recovery, check_requirements
from experiments.alignment.segment_lengths import ModalityVariation, VideoStudy, adjust_p_over_sets
from experiments.alignment.set_result import FusionAccuracy, MapResult, SetResult
from experiments.alignment.study_config import NDCG_DEPTH, PRECISION_DEPTH
from experiments.alignment.study_results import StudyResults, list_rules
from retrieval.evaluation import Estimate, ProtestResult
from spaces.alignment import AffineDecomposition

MAX_MATRIX_WIDTH = 10  # columns of a space up to which fitted matrices are written


def make_report_json(study: StudyResults) -> dict[str, Any]:
    """All results of a run, without the points; null where a number is not defined."""
    verdicts = study.compute_verdicts()
    report = {
        "plan": study.config.to_json(),
        **study.provenance,
        "rules": list_rules(study.config),
        "sets": {
            name: {
                **_set_to_json(result),
                "verdict": verdicts[name].to_json(),
                **check_recovery(name, result),
            }
            for name, result in study.results.items()
        },
        "learned mapping taken apart": [variant.to_json() for variant in study.variants],
        "several senses together": [gpa.to_json() for gpa in study.gpa_results],
        "left out": dict(study.left_out),
        "videos": None
        if study.video_study is None
        else _video_study_to_json(study.video_study, study.results),
        "bars": [requirement.to_json() for requirement in check_requirements(study.results)],
    }
    return {key: _replace_undefined(value) for key, value in report.items()}


def _replace_undefined(value: Any) -> Any:
    """The same with None for every NaN and infinity, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: _replace_undefined(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_undefined(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _set_to_json(result: SetResult) -> dict[str, Any]:
    pairs = result.data.pairs
    return {
        "set": pairs.name,
        "data": compute_readings_digest(pairs),
        "senses": pairs.modalities,
        "columns": pairs.columns,
        "rows": len(result.data.pair_rows),
        "groups": len(np.unique(result.data.groups)),
        "exchange": pairs.exchange,
        "notes": pairs.notes,
        "anchors": [len(fold.source) for fold in result.data.folds],
        "made": pairs.construction,
        "procrustes": _protest_to_json(result.protest, result.average_cosine),
        "chance P@5": result.chance_precision,
        "random nDCG@10": result.random_ndcg,
        "fusion": _fusion_to_json(result.fusion),
        "warnings": result.warnings,
        "left out": dict(result.left_out),
        "power": None if result.power is None else result.power.to_json(),
        "axes": None if result.axes is None else result.axes.to_json(),
        "levels": None if result.levels is None else result.levels.to_json(),
        "maps": [
            {**_map_to_json(row), "fitted on all pairs": _fitted_to_json(result.fitted.get(row.name))}
            for row in result.maps
        ],
    }


def _fitted_to_json(parts: AffineDecomposition | None) -> dict[str, Any] | None:
    if parts is None or max(parts.weight.shape) > MAX_MATRIX_WIDTH:
        return None
    return {
        "matrix": parts.weight.tolist(),
        "shift": parts.bias.tolist(),
        "scales": parts.scales.tolist(),
        "reflects": parts.reflects,
        "degrees": parts.degrees,
    }


def _protest_to_json(analysis: ProtestResult | None, average_cosine: float | None) -> dict[str, Any] | None:
    if analysis is None:
        return None
    return {
        "disparity": analysis.disparity,
        "average cosine": average_cosine,
        "t": analysis.correlation,
        "p": analysis.p_value,
        "null t": [float(t) for t in np.quantile(analysis.null_correlations, [0.025, 0.5, 0.975])],
    }


def _fusion_to_json(fusion: FusionAccuracy | None) -> dict[str, Any] | None:
    if fusion is None:
        return None
    return {
        "source": fusion.source.to_json(),
        "target": fusion.target.to_json(),
        "both": fusion.both.to_json(),
        "beyond": fusion.gain_on_best.to_json(),
    }


def _map_to_json(result: MapResult) -> dict[str, Any]:
    return {
        "map": result.name,
        "kind": result.kind,
        "told": result.description,
        "disparity": result.disparity.to_json(),
        "ccc": [ccc.to_json() for ccc in result.ccc],
        "mean ccc": result.mean_ccc.to_json(),
        f"P@{PRECISION_DEPTH}": _estimate_to_json(result.precision),
        f"P@{PRECISION_DEPTH} of others": _estimate_to_json(result.precision_without_pair),
        f"nDCG@{NDCG_DEPTH}": _estimate_to_json(result.ndcg),
        "p": result.p,
        "p holm": result.holm,
        "null disparity": {"mean": result.null_disparity[0], "least": result.null_disparity[1]},
        "rise with swapped axes": _estimate_to_json(result.swapped_axes_rise),
        "gain on identity": _estimate_to_json(result.gain_on_identity),
        "gain on the best linear": _estimate_to_json(result.gain_on_best_linear),
        "reflection": result.reflection_share,
        "curve": [list(point) for point in result.learning_curve],
        "warnings": result.warnings,
    }


def _estimate_to_json(estimate: Estimate | None) -> dict[str, float | None] | None:
    return None if estimate is None else estimate.to_json()


def _video_study_to_json(video_study: VideoStudy, results: Mapping[str, SetResult]) -> dict[str, Any]:
    folder = video_study.folder
    video_results = {name: results[name] for name in video_study.make_pairs() if name in results}
    return {
        "folder": folder.name,
        "videos": len(folder.videos),
        "seconds": video_study.total_duration,
        "without sound": folder.silent_count,
        "copies": folder.duplicate_count,
        "refused": folder.unreadable,
        "lengths": video_study.segment_lengths,
        "segments": {
            f"{length:g}": _count_segments(readings)
            for length, readings in video_study.readings_by_length.items()
        },
        "inside segments": [_variation_to_json(variation) for variation in video_study.variations],
        "p over all sets": adjust_p_over_sets(video_results),
    }


def _variation_to_json(variation: ModalityVariation) -> dict[str, Any]:
    deviation = variation.deviation
    return {
        "sense": variation.modality,
        "length": deviation.segment_length,
        "segments": deviation.segment_count,
        "videos": variation.video_count,
        "sd": None if variation.within_sd is None else [sd.to_json() for sd in variation.within_sd],
        "share of scatter": [None if np.isnan(share) else share for share in deviation.within_share],
    }


def _count_segments(readings: MultimodalReadings) -> dict[str, int]:
    """Segments with a reading, by modality."""
    return {
        modality: int((~np.isnan(rows).any(axis=1)).sum()) for modality, rows in readings.by_modality.items()
    }
