"""The demo: index samples, query by text, image, sound, video and mood, and write the results to one page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import numpy as np
from PIL import Image

from encoders import to_printable
from encoders.media import DEFAULT_SEGMENT_SECONDS
from retrieval.cli.session import open_current_folder
from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer
from retrieval.report import (
    print_hits,
    print_index_summary,
    report_index_progress,
    write_results_page,
    write_va_map,
)
from retrieval.samples import (
    CLIP_SECONDS,
    SAMPLE_RATE_HZ,
    create_sample_media,
    synthesise_calm_chords,
    write_audio,
)
from retrieval.search import Engine, Query, answer_query
from retrieval.storage import Library, load_snapshot
from spaces.circumplex import LANDMARKS

RESULT_COUNT = 5


def run_demo(folder: Path, page_path: Path | None) -> None:
    """Create media/, queries/ and library/ in `folder` where absent, search, print and write the page."""
    create_sample_media(folder / "media")
    queries = _make_queries(folder)
    with closing(_open_or_create_library(folder / "library")) as library:
        with library.lock_for_writing(), report_index_progress() as on_progress:
            index_progress = Indexer(library, on_progress).run([folder / "media"], jobs=2)
        print_index_summary(index_progress, folder / "library")
        with Engine(library) as engine:
            answers = [answer_query(engine, query, explain=False) for query in queries]
            map_summary = write_va_map(library, load_snapshot(library), folder / "map")
        for query, answer in zip(queries, answers, strict=True):
            query_text = ", ".join(f"{part_name}: {value}" for part_name, value in query.to_json().items())
            click.echo(f"\n{to_printable(query_text)}")
            print_hits(answer.query, answer.results.hits)
        page_path = page_path or folder / "demo.html"
        write_results_page(page_path, library, answers)
    click.echo(f"\nthe library on the mood plane: {' and '.join(map_summary['files'])}")
    click.echo(f"\nopen {to_printable(page_path)} to see it; go on with:")
    click.echo(f'  affect search "a motorbike" --library {to_printable(folder / "library")}')
    click.echo(f"  affect serve --library {to_printable(folder / 'library')} --open")


def _open_or_create_library(folder: Path) -> Library:
    return (
        open_current_folder(folder)
        if Library.exists(folder)
        else Library.create(folder, PipelineConfig.default(), DEFAULT_SEGMENT_SECONDS)
    )


def _make_queries(folder: Path) -> list[Query]:
    """Demo queries: texts, moods, library files, and media similar to library items but not among them."""
    query_folder = folder / "queries"
    query_folder.mkdir(exist_ok=True)
    with Image.open(folder / "media" / "skimage-chelsea.png") as cat:
        mirrored = cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.crop((60, 20, 400, 290)).save(query_folder / "cat-mirrored.jpg")
    write_audio(
        query_folder / "other-chords.flac",
        synthesise_calm_chords(np.arange(CLIP_SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ, root_hz=247.0),
        SAMPLE_RATE_HZ,
    )
    return [
        Query(text="a cup of coffee", k=RESULT_COUNT),
        Query(text="a rocket on its way to the stars", k=RESULT_COUNT),
        Query(image=query_folder / "cat-mirrored.jpg", k=RESULT_COUNT),
        Query(audio=query_folder / "other-chords.flac", k=RESULT_COUNT),
        Query(video=folder / "media" / "rendered-drifting-moon.mp4", k=RESULT_COUNT),
        Query(text="in the night sky", image=folder / "media" / "skimage-moon.png", k=RESULT_COUNT),
        Query(mood=LANDMARKS["calm"], k=RESULT_COUNT),
        Query(mood=LANDMARKS["excited"], k=RESULT_COUNT),
    ]
