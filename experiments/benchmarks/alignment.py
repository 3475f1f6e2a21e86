"""A million points through every map between emotion spaces that has a closed form."""

from __future__ import annotations

from functools import partial

import click
import numpy as np
import numpy.typing as npt

from experiments.benchmarks.timing import in_turns, spread
from experiments.statistics.report import Bar, Report, json_option, publish, seed_option
from spaces.alignment import Aligned, closed_methods

MILLI = 1e-3
WANTED = 100.0  # milliseconds for a million points


@click.command("align", short_help="A million points through every closed-form map.")
@click.option("--points", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--anchors", type=click.IntRange(10), default=300, show_default=True)
@click.option("--rounds", type=click.IntRange(2), default=10, show_default=True)
@seed_option
@json_option
def command(points: int, anchors: int, rounds: int, seed: int, as_json: bool) -> None:
    """Fit on a bent pair of planes, then map points of the one to the other."""
    publish(measured(points, anchors, rounds, seed), as_json=as_json)


def measured(points: int, anchors: int, rounds: int, seed: int) -> Report:
    """Time `Aligned.transform` of every linear map; kernels and networks are not held to the bar."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(anchors, 2))
    target = np.tanh(source @ rng.normal(size=(2, 2))) + 0.1 * rng.normal(size=(anchors, 2))
    asked = rng.normal(size=(points, 2))
    maps = {
        name: method.fit(source, target, seed=seed)
        for name, method in closed_methods().items()
        if method.kind != "curved"
    }
    turns = {name: partial(_once, one, asked) for name, one in maps.items()}
    spent = in_turns(turns, rounds)
    slowest = max(float(np.median(seconds)) for seconds in spent.values()) / MILLI
    return Report(
        bench="align",
        settings={"points": points, "anchors": anchors, "rounds": rounds, "seed": seed},
        rows=[{"map": name, "ms (least to most)": spread(seconds, MILLI)} for name, seconds in spent.items()],
        bars=[Bar(what=f"{points:,} points, slowest map, ms", found=slowest, wanted=WANTED, least=False)]
        if points == 1_000_000
        else (),
        notes=["medians; float64 points (n, 2) in memory"],
    )


def _once(aligned: Aligned, points: npt.NDArray[np.float64], turn: int) -> None:
    aligned.transform(points)
