"""Seconds and memory of the evaluator at the size of MSR-VTT Full, against a loop that sorts each query."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, unit_rows
from experiments.benchmarks.rank_loops import (
    SortKind,
    check_ranks_agree,
    draw_queries,
    rank_by_text,
    rank_by_video,
)
from experiments.benchmarks.timing import Seconds, estimate_speedup, summarise_seconds, time_in_turns
from experiments.statistics.report import (
    BenchmarkReport,
    Cell,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.evaluation import (
    Estimate,
    Evaluation,
    InnerProductSimilarity,
    count_ranks,
    evaluate,
)

MAX_SECONDS, MAX_GIB, MIN_SPEEDUP = 60.0, 2.0, 50.0  # requirements
GIB = 2**30
NOISE_NORM = 2.0  # norm of the noise that is added to a video's unit row to make a caption's
CHUNK_SIZE = 1 << 13  # captions generated at a time, which bounds the memory

Ints = npt.NDArray[np.int64]
SimilarityForm = Literal["matrix", "rows"]
LOOP_SORTS: dict[str, SortKind] = {"loop, argsort": "quicksort", "loop, stable argsort": "stable"}
FORMS: dict[str, SimilarityForm] = {"matrix": "matrix", "unit rows": "rows"}
NOTES = (
    "loops are scaled from some queries to all; numpy's argsort may shuffle ties, a rule for ties",
    "needs the stable one; T2V of ours counts ties, both is the whole evaluation, names and all;",
    "medians (least to most), ratios with 95 % bootstraps over paired rounds; peaks are of a process",
    "of its own, with the input",
)


@click.command("ranks", short_help="The evaluator against an argsort a query.")
@click.option("--captions", type=click.IntRange(2), default=59_794, show_default=True)
@click.option("--videos", type=click.IntRange(2), default=2_990, show_default=True)
@click.option("--dim", type=click.IntRange(1), default=1024, show_default=True)
@click.option("--asked", type=click.IntRange(1), default=100, show_default=True, help="Queries of the loops.")
@click.option("--rounds", type=click.IntRange(2), default=5, show_default=True)
@add_seed_option
@json_option
def command(captions: int, videos: int, dim: int, asked: int, rounds: int, seed: int, as_json: bool) -> None:
    """Rank all captions among the videos and all videos among the captions.

    The loops go through some queries each way, others every round, and are scaled up to all.
    """
    if captions < videos:
        raise AffectError(f"{captions} captions don't give each of {videos} videos one")
    peaks: dict[SimilarityForm, float] = {
        form: measure_peak_gib(form, captions, videos, dim, seed) for form in ("matrix", "rows")
    }
    print_report(
        run_benchmark(SyntheticCorpus(captions, videos, dim, seed), asked, rounds, peaks), as_json=as_json
    )


class SyntheticCorpus:
    """Random unit rows of videos, and of captions that are noisy copies of them."""

    def __init__(self, caption_count: int, video_count: int, dim: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.seed = seed
        self.caption_videos: Ints = np.sort(np.arange(caption_count) % video_count)
        self.video_embeddings: Rows = unit_rows(rng.standard_normal((video_count, dim), np.float32))
        self.caption_embeddings = np.empty((caption_count, dim), np.float32)
        for start in range(0, caption_count, CHUNK_SIZE):
            videos = self.video_embeddings[self.caption_videos[start : start + CHUNK_SIZE]]
            noise = rng.standard_normal(videos.shape, np.float32) * np.float32(NOISE_NORM / np.sqrt(dim))
            self.caption_embeddings[start : start + CHUNK_SIZE] = unit_rows(videos + noise)
        self.video_ids = [f"video{number}" for number in range(video_count)]
        self.caption_video_ids = [self.video_ids[number] for number in self.caption_videos]

    @cached_property
    def similarity_matrix(self) -> Rows:
        """(captions, videos) cosines."""
        return self.caption_embeddings @ self.video_embeddings.T

    def get_similarity(self, form: SimilarityForm) -> Rows | InnerProductSimilarity:
        """The input of the evaluator."""
        return (
            self.similarity_matrix
            if form == "matrix"
            else InnerProductSimilarity(self.caption_embeddings, self.video_embeddings)
        )

    def evaluate_both_ways(self, form: SimilarityForm) -> Evaluation:
        """Evaluate text to video and video to text."""
        return evaluate(self.get_similarity(form), self.caption_video_ids, self.video_ids)


def measure_peak_gib(
    form: SimilarityForm, caption_count: int, video_count: int, dim: int, seed: int
) -> float:
    """Peak memory, in GiB, of a new process that generates the input and evaluates it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure_peak_bytes, form, caption_count, video_count, dim, seed).result() / GIB


def measure_peak_bytes(
    form: SimilarityForm, caption_count: int, video_count: int, dim: int, seed: int
) -> int:
    """Evaluate, and return the peak resident memory of this process in bytes, with that of the input."""
    SyntheticCorpus(caption_count, video_count, dim, seed).evaluate_both_ways(form)
    lines = Path("/proc/self/status").read_text().splitlines()  # getrusage includes the parent
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def run_benchmark(
    corpus: SyntheticCorpus, query_count: int, rounds: int, peak_gib_by_form: dict[SimilarityForm, float]
) -> BenchmarkReport:
    """Time all methods in turns. Raises AffectError where a loop's ranks disagree with the evaluator's."""
    captions = draw_queries(len(corpus.caption_videos), query_count, rounds, corpus.seed)
    videos = draw_queries(len(corpus.video_ids), query_count, rounds, corpus.seed)
    # transposed beforehand, so that the loops are not charged for it
    columns = [np.ascontiguousarray(corpus.similarity_matrix.T[indices]) for indices in videos]
    evaluation = corpus.evaluate_both_ways("matrix")
    methods: dict[str, Callable[[int], object]] = {
        "matrix, T2V": lambda i: count_ranks(corpus.similarity_matrix, corpus.caption_videos),
        "matrix": lambda i: corpus.evaluate_both_ways("matrix"),
        "unit rows, T2V": lambda i: count_ranks(corpus.get_similarity("rows"), corpus.caption_videos),
        "unit rows": lambda i: corpus.evaluate_both_ways("rows"),
    }
    for name, sort_kind in LOOP_SORTS.items():
        rank_texts = partial(
            rank_by_text, corpus.similarity_matrix, corpus.caption_videos, captions, sort_kind
        )
        rank_videos = partial(rank_by_video, columns, corpus.caption_videos, videos, sort_kind)
        check_ranks_agree(rank_texts(0), evaluation.t2v.rank_counts.select_queries(captions[0]))
        check_ranks_agree(rank_videos(0), evaluation.v2t.rank_counts.select_queries(videos[0]))
        methods |= {f"{name}, T2V": rank_texts, f"{name}, V2T": rank_videos}
    seconds = time_in_turns(methods, rounds)
    for name in LOOP_SORTS:
        seconds[f"{name}, T2V"] *= len(corpus.caption_videos) / len(captions[0])
        video_seconds = seconds[f"{name}, V2T"] * len(corpus.video_ids) / len(videos[0])
        seconds[name] = seconds[f"{name}, T2V"] + video_seconds
    return make_report(corpus, seconds, peak_gib_by_form, len(captions[0]), len(videos[0]))


def make_report(
    corpus: SyntheticCorpus,
    seconds_by_method: dict[str, Seconds],
    peak_gib_by_form: dict[SimilarityForm, float],
    text_query_count: int,
    video_query_count: int,
) -> BenchmarkReport:
    """Seconds of all methods, and the evaluator's speed-ups over both loops."""
    rows: list[dict[str, Cell]] = [
        {
            "way": name,
            "T2V, s": summarise_seconds(seconds_by_method[f"{name}, T2V"]),
            "both, s": summarise_seconds(seconds_by_method[name]),
            "peak GiB": peak_gib_by_form[FORMS[name]] if name in FORMS else None,
        }
        for name in (*FORMS, *LOOP_SORTS)
    ]
    speedups = {
        (loop, label): estimate_speedup(
            seconds_by_method[f"{loop}{suffix}"], seconds_by_method[f"matrix{suffix}"], seed=corpus.seed
        )
        for loop in LOOP_SORTS
        for suffix, label in ((", T2V", "T2V"), ("", "both"))
    }
    rows[0] |= {f"times as fast as {loop}, {label}": value for (loop, label), value in speedups.items()}
    return BenchmarkReport(
        benchmark="ranks",
        settings={
            "captions": len(corpus.caption_videos),
            "videos": len(corpus.video_ids),
            "dim": corpus.video_embeddings.shape[1],
            "texts of the loops": text_query_count,
            "videos of the loops": video_query_count,
            "rounds": len(seconds_by_method["matrix"]),
            "seed": corpus.seed,
        },
        rows=rows,
        requirements=check_requirements(seconds_by_method, peak_gib_by_form, speedups),
        notes=NOTES,
    )


def check_requirements(
    seconds_by_method: dict[str, Seconds],
    peak_gib_by_form: dict[SimilarityForm, float],
    speedups: dict[tuple[str, str], Estimate],
) -> list[Requirement]:
    """Seconds and memory of the evaluator, and its speed-ups by loop and direction."""
    requirements = []
    for name, form in FORMS.items():
        median = float(np.median(seconds_by_method[name]))
        requirements += [
            Requirement(f"both directions of {name}, s", median, MAX_SECONDS, is_minimum=False),
            Requirement(f"memory of {name}, GiB", peak_gib_by_form[form], MAX_GIB, is_minimum=False),
        ]
    for (loop, label), speedup in speedups.items():
        name = f"matrix against {loop}, {label}: times"
        requirements.append(Requirement(name, speedup.value, MIN_SPEEDUP, is_minimum=True))
    return requirements
