"""Time of the balanced merge: the circumplex report's loop, a heap, and the closed form of this project."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError
from experiments.benchmarks.timing import Seconds, estimate_speedup, summarise_seconds, time_in_turns
from experiments.statistics.report import (
    BenchmarkReport,
    add_seed_option,
    json_option,
    print_report,
)
from fusion import balanced_merge

MICRO = 1e-6
CALLS_PER_TURN = 20  # of one method: a single call of some microseconds finds the caches full of the other's
DistanceLists = Sequence[npt.NDArray[np.float64]]
Picks = list[tuple[int, int]]  # (list, position in it), best first


@click.command("merge", short_help="Balanced merge: loop against closed form.")
@click.option("-k", type=click.IntRange(1), default=100, show_default=True)
@click.option("--lists", type=click.IntRange(1), default=3, show_default=True, help="Modalities.")
@click.option("--balance", type=float, default=1.1, show_default=True)
@click.option("--rounds", type=click.IntRange(2), default=300, show_default=True)
@add_seed_option
@json_option
def command(k: int, lists: int, balance: float, rounds: int, seed: int, as_json: bool) -> None:
    """Merge k results out of lists of k distances each, CALLS_PER_TURN draws at a time.

    A search merges once, which in a process that has done other work takes about twice as long.
    """
    print_report(run_benchmark(draw_lists(k, lists, rounds, seed), k, balance, seed), as_json=as_json)


def draw_lists(k: int, list_count: int, rounds: int, seed: int) -> list[DistanceLists]:
    """For each round, ascending lists of k distances."""
    rng = np.random.default_rng(seed)
    return [[np.sort(rng.random(k)) for _ in range(list_count)] for _ in range(rounds)]


def time_merges(draws: Sequence[DistanceLists], k: int, balance: float) -> dict[str, Seconds]:
    """Seconds (rounds,) of one merge by each method. Raises AffectError if they disagree on a draw."""
    methods: Mapping[str, Callable[[DistanceLists, int, float], object]]
    methods = {"loop over lists": merge_by_loop, "heap": merge_by_heap, "closed form": balanced_merge}
    for draw in draws:
        if (
            not merge_by_loop(draw, k, balance)
            == merge_by_heap(draw, k, balance)
            == merge_closed_form(draw, k, balance)
        ):
            raise AffectError("the ways to merge don't agree; fusion.balanced_merge is wrong")

    def merge_draws(merge: Callable[[DistanceLists, int, float], object], turn: int) -> None:
        for call in range(CALLS_PER_TURN):
            merge(draws[(turn + call) % len(draws)], k, balance)

    turns = {name: partial(merge_draws, merge) for name, merge in methods.items()}
    return {name: seconds / CALLS_PER_TURN for name, seconds in time_in_turns(turns, len(draws)).items()}


def run_benchmark(draws: Sequence[DistanceLists], k: int, balance: float, seed: int) -> BenchmarkReport:
    """Time the three methods. Raises AffectError if they disagree on a draw."""
    seconds_by_method = time_merges(draws, k, balance)
    return BenchmarkReport(
        benchmark="merge",
        settings={"k": k, "lists": len(draws[0]), "balance": balance, "rounds": len(draws), "seed": seed},
        rows=[
            {
                "way": name,
                "us (least to most)": summarise_seconds(seconds, MICRO),
                "closed form is faster by": estimate_speedup(
                    seconds, seconds_by_method["closed form"], seed=seed
                ),
            }
            for name, seconds in seconds_by_method.items()
        ],
        notes=["medians; the ratio's interval is a 95 % bootstrap over paired rounds; results are equal"],
    )


def merge_by_loop(lists: DistanceLists, k: int, balance: float) -> Picks:
    """As in the report (section 7.2): after a pick, the remaining distances of that list are multiplied."""
    remaining = [distances.tolist() for distances in lists]
    positions, picks = [0] * len(remaining), list[tuple[int, int]]()
    while len(picks) < k and any(remaining):
        nonempty = (i for i in range(len(remaining)) if remaining[i])
        nearest = min(nonempty, key=lambda i: (remaining[i][0], i))
        picks.append((nearest, positions[nearest]))
        remaining[nearest] = [distance * balance for distance in remaining[nearest][1:]]
        positions[nearest] += 1
    return picks


def merge_by_heap(lists: DistanceLists, k: int, balance: float) -> Picks:
    """The same with a factor for each list and a heap of their first distances."""
    heads = [(float(distances[0]), i, 0, 1.0) for i, distances in enumerate(lists) if len(distances)]
    heapq.heapify(heads)
    picks = list[tuple[int, int]]()
    while heads and len(picks) < k:
        _, i, position, factor = heads[0]
        picks.append((i, position))
        if position + 1 < len(lists[i]):
            factor *= balance
            head = (float(lists[i][position + 1]) * factor, i, position + 1, factor)
            heapq.heapreplace(heads, head)
        else:
            heapq.heappop(heads)
    return picks


def merge_closed_form(lists: DistanceLists, k: int, balance: float) -> Picks:
    """The method of the engine."""
    list_indices, positions = balanced_merge(lists, k, balance)
    return list(zip(list_indices.tolist(), positions.tolist(), strict=True))
