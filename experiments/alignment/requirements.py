"""Checks on the built-in sets: recovery of known relations, and figures that have to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.alignment.set_result import SetResult
from experiments.alignment.study_config import PRECISION_DEPTH
from experiments.alignment.synthetic import CASES, RECOVERY_TOLERANCE, compute_oracle_disparity
from experiments.statistics.report import Requirement

TARGET_PRECISION = 0.33  # P@5 from voice to face to be reached (partial least squares .20, chance .13)
ROTATION_TOLERANCE = 1e-6  # greatest distance of a point after a known rotation was recovered


def check_requirements(results: Mapping[str, SetResult]) -> list[Requirement]:
    """The figures to be reached on the sets that were studied."""
    return [
        *_check_rotation(results.get("synthetic-rotation")),
        *_check_learned_mapping("non-linear", results.get("synthetic-non-linear"), is_minimum=True),
        *_check_learned_mapping("similarity", results.get("synthetic-similarity"), is_minimum=False),
        *_check_voice_to_face(results.get("ravdess_emotions")),
    ]


def check_recovery(set_name: str, result: SetResult) -> dict[str, Any]:
    """For a synthetic set, as written to results.json: whether each map should and did recover its relation.

    Empty for other sets.
    """
    case = set_name.removeprefix("synthetic-")
    if set_name == case or case not in CASES:
        return {}
    bound = compute_oracle_disparity(case, result.data.pairs)
    is_related = CASES[case].is_related
    return {
        "disparity of the truth": bound,
        "recovered": {
            map_result.name: {
                "expected": map_result.name in CASES[case].recovering_maps,
                "found": is_related and map_result.disparity.value <= bound + RECOVERY_TOLERANCE,
            }
            for map_result in result.maps
        },
    }


def _check_rotation(result: SetResult | None) -> list[Requirement]:
    if result is None:
        return []
    return [
        Requirement(
            name=f"known rotation by {name}, farthest point",
            value=float(abs(result.outcomes[name].mapped - result.data.target).max()),
            bound=ROTATION_TOLERANCE,
            is_minimum=False,
        )
        for name in ("rotation", "procrustes")
        if name in result.outcomes
    ]


def _check_learned_mapping(case: str, result: SetResult | None, *, is_minimum: bool) -> list[Requirement]:
    learned = result.find_map("learned mapping") if result else None
    if learned is None or learned.gain_on_best_linear is None or learned.gain_on_best_linear.low is None:
        return []
    name = f"synthetic {case}: learned mapping's gain on the best linear map, lower end"
    return [Requirement(name=name, value=learned.gain_on_best_linear.low, bound=0.0, is_minimum=is_minimum)]


def _check_voice_to_face(result: SetResult | None) -> list[Requirement]:
    if result is None:
        return []
    requirements = []
    identity = result.find_map("identity")
    if identity is not None and identity.precision is not None:
        requirements.append(
            Requirement(
                name=f"voice to face, same emotion P@{PRECISION_DEPTH}",
                value=identity.precision.value,
                bound=TARGET_PRECISION,
                is_minimum=True,
            )
        )
    if result.fusion is not None and result.fusion.gain_on_best.low is not None:
        name = "voice and face together over the better sense, lower end"
        gain = result.fusion.gain_on_best.low
        requirements.append(Requirement(name=name, value=gain, bound=0.0, is_minimum=True))
    return requirements
