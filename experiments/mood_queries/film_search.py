"""Films found by the course of their mood, through decoding, encoding and search."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from experiments.mood_queries.films import (
    COURSES,
    HIGH,
    LOW,
    SEGMENT_SECONDS,
    Film,
    generate_films,
    render_films,
)
from retrieval.evaluation import Estimate, compute_proportion_interval
from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer
from retrieval.report import report_index_progress
from retrieval.search import Engine, Query
from retrieval.storage import Library

FILMS_PER_COURSE = 20  # so that a film and those of other courses are 101
WORDINGS: Sequence[Mapping[float, str]] = ({LOW: "sleepy", HIGH: "tense"}, {LOW: "calm", HIGH: "excited"})
"""Words for low and high arousal: those that say nothing of valence, which nobody can tell of this music, and
those that people use, which are pleasant too."""


def measure_courses(seed: int, films_per_course: int = FILMS_PER_COURSE) -> dict[str, dict[str, Any]]:
    """By wording, the share of films that score above every film of another course, asked for by their own.

    Each is the one right film among as many as there are of other courses; scores do not depend on what else
    is in the library but for the scale of its affect.
    """
    films = generate_films(films_per_course, seed)
    with tempfile.TemporaryDirectory() as folder:
        paths = render_films(Path(folder) / "films", films)
        scores = _score_courses(Path(folder) / "library", paths)
    return {wording: summarise_courses(films, by_course) for wording, by_course in scores.items()}


def _score_courses(folder: Path, paths: Sequence[Path]) -> dict[str, dict[str, dict[str, float]]]:
    """By wording and course with a change, the score of each film by its name."""
    config = PipelineConfig.default(activity="")  # which affect does not read
    with (
        closing(Library.create(folder, config, SEGMENT_SECONDS)) as library,
        library.lock_for_writing(),
        report_index_progress() as on_progress,
    ):
        Indexer(library, on_progress).run(paths, jobs=2)
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        return {
            f"{words[LOW]}, {words[HIGH]}": {
                course: _score_films(engine, [words[level] for level in levels], len(paths))
                for course, levels in COURSES.items()
                if len(levels) > 1
            }
            for words in WORDINGS
        }


def _score_films(engine: Engine, words: Sequence[str], count: int) -> dict[str, float]:
    query = Query(mood=words[0], then=tuple(words[1:]), modalities=("video",), k=count)
    return {Path(hit.path).name: hit.score for hit in engine.search(query)}


def summarise_courses(films: Sequence[Film], scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """How many films are first, of how many, and the share in percent; by course and together."""
    shares: dict[str, list[bool]] = {}
    for course, score_by_name in scores.items():
        others = [score_by_name.get(film.name, 0.0) for film in films if film.course != course]
        own = [score_by_name.get(film.name, 0.0) for film in films if film.course == course]
        shares[course] = [score > max(others) for score in own]
    first = np.concatenate(list(shares.values()))
    return {
        "of": len(first),
        "among": len(films) - len(films) // len(COURSES) + 1,
        "value": Estimate(float(first.mean()), *compute_proportion_interval(first)),
        "by course": {course: float(np.mean(part)) for course, part in shares.items()},
    }
