"""Time to map a million points by every linear map between affect spaces."""

from __future__ import annotations

from functools import partial

import click
import numpy as np
import numpy.typing as npt

from experiments.benchmarks.timing import summarise_seconds, time_in_turns
from experiments.statistics.report import (
    BenchmarkReport,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from spaces.alignment import AlignmentMap, make_closed_form_methods

MILLI = 1e-3
MAX_MILLISECONDS = 100.0  # for FULL_POINT_COUNT points
FULL_POINT_COUNT = 1_000_000  # points for which there is a requirement


@click.command("align", short_help="A million points through every closed-form map.")
@click.option("--points", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--anchors", type=click.IntRange(10), default=300, show_default=True)
@click.option("--rounds", type=click.IntRange(2), default=10, show_default=True)
@add_seed_option
@json_option
def command(points: int, anchors: int, rounds: int, seed: int, as_json: bool) -> None:
    """Fit on a bent pair of planes, then map points of the one to the other."""
    print_report(run_benchmark(points, anchors, rounds, seed), as_json=as_json)


def run_benchmark(point_count: int, anchor_count: int, rounds: int, seed: int) -> BenchmarkReport:
    """Time `AlignmentMap.transform` of every linear map; kernel maps and networks have no requirement."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(anchor_count, 2))
    target = np.tanh(source @ rng.normal(size=(2, 2))) + 0.1 * rng.normal(size=(anchor_count, 2))
    points = rng.normal(size=(point_count, 2))
    maps = {
        name: method.fit(source, target, seed=seed)
        for name, method in make_closed_form_methods().items()
        if method.kind != "curved"
    }
    methods = {name: partial(_transform_once, fitted, points) for name, fitted in maps.items()}
    seconds_by_map = time_in_turns(methods, rounds)
    slowest = max(float(np.median(seconds)) for seconds in seconds_by_map.values()) / MILLI
    requirement = Requirement(
        name=f"{point_count:,} points, slowest map, ms",
        value=slowest,
        bound=MAX_MILLISECONDS,
        is_minimum=False,
    )
    return BenchmarkReport(
        benchmark="align",
        settings={"points": point_count, "anchors": anchor_count, "rounds": rounds, "seed": seed},
        rows=[
            {"map": name, "ms (least to most)": summarise_seconds(seconds, MILLI)}
            for name, seconds in seconds_by_map.items()
        ],
        requirements=[requirement] if point_count == FULL_POINT_COUNT else (),
        notes=["medians; float64 points (n, 2) in memory"],
    )


def _transform_once(aligned: AlignmentMap, points: npt.NDArray[np.float64], round_number: int) -> None:
    aligned.transform(points)
