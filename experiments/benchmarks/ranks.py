"""The evaluator at the size of MSR-VTT Full: seconds, memory, and the loop that sorts query by query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import click
import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, unit_rows
from experiments.benchmarks.timing import Seconds, in_turns, spread, times_faster
from experiments.statistics.report import Bar, Cell, Report, json_option, publish, seed_option
from retrieval.evaluation import Evaluation, Product, Standing, evaluate, standing

SECONDS, GIBS, TIMES = 60.0, 2.0, 50.0  # bars: at most, at most, at least
GIB = 2**30
NOISE = 2.0  # length of what is added to a video's row, which has length 1, for a caption's
SLICE = 1 << 13  # captions made at a time

Ints = npt.NDArray[np.int64]
Form = Literal["matrix", "rows"]
Sort = Literal["quicksort", "stable"]
SORTS: dict[str, Sort] = {"loop, argsort": "quicksort", "loop, stable argsort": "stable"}


@click.command("ranks", short_help="The evaluator against an argsort a query.")
@click.option("--captions", type=click.IntRange(2), default=59_794, show_default=True)
@click.option("--videos", type=click.IntRange(2), default=2_990, show_default=True)
@click.option("--dim", type=click.IntRange(1), default=1024, show_default=True)
@click.option("--asked", type=click.IntRange(1), default=100, show_default=True, help="Queries of the loops.")
@click.option("--rounds", type=click.IntRange(2), default=5, show_default=True)
@seed_option
@json_option
def command(captions: int, videos: int, dim: int, asked: int, rounds: int, seed: int, as_json: bool) -> None:
    """Rank all captions among the videos and all videos among the captions.

    The loops go through some queries each way, others every round, and are scaled up to all.
    """
    if captions < videos:
        raise AffectError(f"{captions} captions don't give each of {videos} videos one")
    peaks: dict[Form, float] = {form: peak(form, captions, videos, dim, seed) for form in ("matrix", "rows")}
    publish(measured(World(captions, videos, dim, seed), asked, rounds, peaks), as_json=as_json)


class World:
    """Unit rows of videos and of captions that lie about them, all drawn by the seed."""

    def __init__(self, captions: int, videos: int, dim: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.seed = seed
        self.owner: Ints = np.sort(np.arange(captions) % videos)
        self.videos: Rows = unit_rows(rng.standard_normal((videos, dim), np.float32))
        self.captions = np.empty((captions, dim), np.float32)
        for start in range(0, captions, SLICE):
            own = self.videos[self.owner[start : start + SLICE]]
            noise = rng.standard_normal(own.shape, np.float32) * np.float32(NOISE / np.sqrt(dim))
            self.captions[start : start + SLICE] = unit_rows(own + noise)
        self.names = [f"video{number}" for number in range(videos)]
        self.asked = [self.names[number] for number in self.owner]

    @cached_property
    def matrix(self) -> Rows:
        """(captions, videos) cosines."""
        return self.captions @ self.videos.T

    def table(self, form: Form) -> Rows | Product:
        """What the evaluator is given."""
        return self.matrix if form == "matrix" else Product(self.captions, self.videos)

    def evaluated(self, form: Form) -> Evaluation:
        """Both directions."""
        return evaluate(self.table(form), self.asked, self.names)


def peak(form: Form, captions: int, videos: int, dim: int, seed: int) -> float:
    """The most GiB that a process of its own holds to make the input and evaluate it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(held, form, captions, videos, dim, seed).result() / GIB


def held(form: Form, captions: int, videos: int, dim: int, seed: int) -> int:
    """Bytes this process held at most, once it has evaluated: rows and matrix as well as the evaluator."""
    World(captions, videos, dim, seed).evaluated(form)
    lines = Path("/proc/self/status").read_text().splitlines()  # getrusage would tell of the parent, too
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def measured(world: World, asked: int, rounds: int, peaks: dict[Form, float]) -> Report:
    """Time all ways in turns. Raises AffectError where a loop's ranks are not ours."""
    queries = drawn(len(world.owner), asked, rounds, world.seed)
    among = drawn(len(world.names), asked, rounds, world.seed)
    columns = [np.ascontiguousarray(world.matrix.T[some]) for some in among]  # not the loops' own time
    whole = world.evaluated("matrix")
    for sort in SORTS.values():
        agree(by_text(world, queries, sort, 0), whole.t2v.standing.only(queries[0]))
        agree(by_video(world, columns, among, sort, 0), whole.v2t.standing.only(among[0]))
    ours: dict[str, Callable[[int], object]] = {
        "matrix, T2V": lambda i: standing(world.matrix, world.owner),
        "matrix": lambda i: world.evaluated("matrix"),
        "unit rows, T2V": lambda i: standing(world.table("rows"), world.owner),
        "unit rows": lambda i: world.evaluated("rows"),
    }
    loops: dict[str, Callable[[int], object]] = {}
    for name, sort in SORTS.items():
        loops[f"{name}, T2V"] = partial(by_text, world, queries, sort)
        loops[f"{name}, V2T"] = partial(by_video, world, columns, among, sort)
    spent = in_turns({**ours, **loops}, rounds)
    for name in SORTS:
        spent[f"{name}, T2V"] *= len(world.owner) / len(queries[0])
        spent[name] = spent[f"{name}, T2V"] + spent[f"{name}, V2T"] * len(world.names) / len(among[0])
    return report(world, spent, peaks, len(queries[0]), len(among[0]))


def report(
    world: World, spent: dict[str, Seconds], peaks: dict[Form, float], texts: int, media: int
) -> Report:
    """Seconds and ratios to both loops, of text to video and of both directions."""
    rows: list[dict[str, Cell]] = []
    bars = []
    forms: dict[str, Form] = {"matrix": "matrix", "unit rows": "rows"}
    for name in (*forms, *SORTS):
        row: dict[str, Cell] = {
            "way": name,
            "T2V, s": spread(spent[f"{name}, T2V"]),
            "both, s": spread(spent[name]),
            "peak GiB": peaks[forms[name]] if name in forms else None,
        }
        rows.append(row)
    for name, form in forms.items():
        bars.append(Bar(f"both directions of {name}, s", float(np.median(spent[name])), SECONDS, least=False))
        bars.append(Bar(f"memory of {name}, GiB", peaks[form], GIBS, least=False))
    for loop in SORTS:
        for end, told in ((", T2V", "T2V"), ("", "both")):
            faster = times_faster(spent[f"{loop}{end}"], spent[f"matrix{end}"], seed=world.seed)
            rows[0][f"times as fast as {loop}, {told}"] = faster
            bars.append(Bar(f"matrix against {loop}, {told}: times", faster.value, TIMES, least=True))
    return Report(
        bench="ranks",
        settings={
            "captions": len(world.owner), "videos": len(world.names), "dim": world.videos.shape[1],
            "texts of the loops": texts, "videos of the loops": media,
            "rounds": len(spent["matrix"]), "seed": world.seed,
        },
        rows=rows,
        bars=bars,
        notes=[
            "loops are scaled from some queries to all; numpy's argsort may shuffle ties, a rule for ties",
            "needs the stable one; T2V of ours counts ties, both is the whole evaluation, names and all;",
            "medians (least to most), ratios with 95 % bootstraps over paired rounds; peaks are of a process",
            "of its own, with the input",
        ],
    )  # fmt: skip


def drawn(count: int, asked: int, rounds: int, seed: int) -> list[Ints]:
    """For every round the numbers of some queries, or of all if there are fewer."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(count)[:asked] for _ in range(rounds)]


def by_text(world: World, queries: Sequence[Ints], sort: Sort, number: int) -> list[int]:
    """0-based ranks of a round's captions' own videos, one sort a caption."""
    found = []
    for query in queries[number]:
        order = np.argsort(-world.matrix[query], kind=sort)
        found.append(int(np.flatnonzero(order == world.owner[query])[0]))
    return found


def by_video(
    world: World, columns: Sequence[Rows], videos: Sequence[Ints], sort: Sort, number: int
) -> list[int]:
    """0-based ranks of a round's videos' first own captions, one sort a row (captions,) of similarities."""
    found = []
    for row, video in zip(columns[number], videos[number], strict=True):
        order = np.argsort(-row, kind=sort)
        found.append(int(np.argmax(world.owner[order] == video)))
    return found


def agree(found: list[int], ours: Standing) -> None:
    """Raises AffectError for a rank that lies outside what ties allow."""
    low, high = ours.ranks("optimistic"), ours.ranks("pessimistic")
    if not ((low <= found) & (found <= high)).all():
        raise AffectError("the loop and the evaluator don't agree; retrieval.evaluation is wrong")
