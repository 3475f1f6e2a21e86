"""Sounds of things by words that no head was trained on; speech, music and other sounds told apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import list_sounds, open_gallery
from experiments.datasets import DATA_ROOT, LabelledFile, load_animal_sounds, load_vgmidi
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.wesnoth import list_wesnoth_excerpts
from experiments.features.extraction import encode_first_segments
from experiments.heads.audio_text.prompts import add_article
from experiments.statistics.report import (
    BenchmarkReport,
    Cell,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.evaluation import Estimate, bootstrap_estimate, compute_proportion_interval
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search import Engine
from spaces.affect_regression import AUDIO_KINDS

DEPTHS = (1, 5, 10)
MIN_RECALL = {1: 50.0, 10: 70.0}  # percent
MIN_KIND_ACCURACY = 0.95
SPEECH_STEP, MUSIC_STEP, OTHER_STEP = 4, 1, 2  # every so manieth clip

Floats = npt.NDArray[np.float64]


@click.command("sounds", short_help="Short sounds by words; speech, music or other.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--encoders", default="", help="Other experts, as for affect index.")
@add_seed_option
@json_option
def command(data: Path, encoders: str, seed: int, as_json: bool) -> None:
    """The sounds of sounds_by_word by "the sound of a WORD", through the engine.

    A word is found at k if one of its sounds is among the first k. Whether a clip is speech, music or other
    is asked of RAVDESS, of VGMIDI and Wesnoth's music, and of animal_sounds.
    """
    config = PipelineConfig.parse(encoders).replace(objects="", activity="", pose="", faces="")
    sounds = list_sounds(data)
    if not sounds:
        raise AffectError(f"{data}: sounds_by_word has no sound")
    labels = {str(sound.path.absolute()): sound.label for sound in sounds}
    with open_gallery([sound.path for sound in sounds], config) as engine:
        ranks = np.array([find_first_rank(engine, word, labels) for word in sorted({*labels.values()})])
    print_report(_make_report(ranks, measure_audio_kinds(config, data), len(sounds), seed), as_json=as_json)


def find_first_rank(engine: Engine, word: str, labels: dict[str, str]) -> float:
    """The rank, from 1, of the first sound of a word; infinite where none is found."""
    hits = engine.search(make_content_query(f"the sound of {add_article(word)}", k=len(labels), balance=1))
    return next((float(hit.rank) for hit in hits if labels[hit.path] == word), float("inf"))


def measure_audio_kinds(config: PipelineConfig, data_root: Path) -> dict[str, npt.NDArray[np.bool_]]:
    """By kind, (n,) whether each clip was taken for it."""
    files = {
        "speech": [clip.path for clip in load_ravdess_speech(data_root)][::SPEECH_STEP],
        "music": [*(piece.path for piece in load_vgmidi(data_root)), *list_wesnoth_excerpts(data_root)],
        "other": [clip.path for clip in load_animal_sounds(data_root)][::OTHER_STEP],
    }
    pipeline = FeaturePipeline(config)
    return {kind: _predict_kinds(pipeline, paths) == kind for kind, paths in files.items()}


def _predict_kinds(pipeline: FeaturePipeline, paths: Sequence[Path]) -> npt.NDArray[np.str_]:
    clips = [LabelledFile(path=path, labels=("",), split="") for path in paths]
    rows: Rows | None = pipeline.affect_model.predict_audio_kind(
        encode_first_segments(pipeline, clips, include_affect=True)
    )
    if rows is None:
        raise AffectError("these encoders don't tell speech from music")
    return np.array(AUDIO_KINDS)[np.nan_to_num(rows).argmax(axis=1)]


def _make_report(
    ranks: Floats, is_right_by_kind: dict[str, npt.NDArray[np.bool_]], sound_count: int, seed: int
) -> BenchmarkReport:
    recalls = {depth: 100.0 * (ranks <= depth) for depth in DEPTHS}
    row: dict[str, Cell] = {"what": "sounds by word", "of": str(len(ranks))}
    for depth, found in recalls.items():
        row[f"R@{depth}"] = bootstrap_estimate(found, seed=seed)
    every = np.concatenate(list(is_right_by_kind.values()))
    rows: list[dict[str, Cell]] = [row] + [
        {
            "what": name,
            "of": str(len(right)),
            "accuracy": Estimate(float(right.mean()), *compute_proportion_interval(right)),
        }
        for name, right in {**is_right_by_kind, "speech, music, other": every}.items()
    ]
    return BenchmarkReport(
        benchmark="sounds",
        settings={"sounds": sound_count, "words": len(ranks), "seed": seed},
        rows=rows,
        requirements=[
            *(
                Requirement(
                    f"R@{depth} of sounds by word", float(recalls[depth].mean()), bound, is_minimum=True
                )
                for depth, bound in MIN_RECALL.items()
            ),
            Requirement("speech, music or other", float(every.mean()), MIN_KIND_ACCURACY, is_minimum=True),
        ],
        notes=["95 % intervals over words, and over clips"],
    )
