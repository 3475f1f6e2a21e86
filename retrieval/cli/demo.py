"""The demo: index samples, ask with words, a picture, a sound and a video, and show it all on one page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import numpy as np
from PIL import Image

from encoders.base import printable
from retrieval.features.pipeline import Recipe
from retrieval.indexing.indexer import Indexer
from retrieval.report.index_report import index_progress, index_summary
from retrieval.report.results_page import write_page
from retrieval.report.results_table import print_hits
from retrieval.report.va_map import draw_map
from retrieval.samples.media_writer import write_sound
from retrieval.samples.sample_media import RATE, SECONDS, calm, gather
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.library import Library
from spaces.circumplex import WORDS

RESULTS = 5


def run(folder: Path, page: Path | None) -> None:
    """Make `folder` with media/, queries/ and library/ in it (or use what is there), search, print, write."""
    gather(folder / "media")
    queries = _queries(folder)
    with closing(_library(folder / "library")) as library:
        with library.writing(), index_progress() as report:
            counts = Indexer(library, report).run([folder / "media"], jobs=2)
        index_summary(counts, folder / "library")
        with Engine(library) as engine:
            answers = [(query, engine.search(query), None) for query in queries]
            drawn = draw_map(library, engine.snapshot, folder / "map")
        for query, hits, _ in answers:
            asked = ", ".join(f"{kind}: {value}" for kind, value in query.to_json().items())
            click.echo(f"\n{printable(asked)}")
            print_hits(query, hits)
        page = page or folder / "demo.html"
        write_page(page, library, answers)
    click.echo(f"\nthe library on the mood plane: {' and '.join(drawn['files'])}")
    click.echo(f"\nopen {printable(page)} to see it; go on with:")
    click.echo(f'  affect search "a motorbike" --library {printable(folder / "library")}')


def _library(folder: Path) -> Library:
    return Library.open(folder) if Library.exists(folder) else Library.create(folder, Recipe.default(), 15.0)


def _queries(folder: Path) -> list[Query]:
    """Words, and media that are near something in the library but nothing in it."""
    asked = folder / "queries"
    asked.mkdir(exist_ok=True)
    with Image.open(folder / "media" / "skimage-chelsea.png") as cat:
        mirrored = cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.crop((60, 20, 400, 290)).save(asked / "cat-mirrored.jpg")
    write_sound(asked / "other-chords.flac", calm(np.arange(SECONDS * RATE) / RATE, root=247.0), RATE)
    return [
        Query(text="a cup of coffee", k=RESULTS),
        Query(text="a rocket on its way to the stars", k=RESULTS),
        Query(image=asked / "cat-mirrored.jpg", k=RESULTS),
        Query(audio=asked / "other-chords.flac", k=RESULTS),
        Query(video=folder / "media" / "rendered-drifting-moon.mp4", k=RESULTS),
        Query(text="in the night sky", image=folder / "media" / "skimage-moon.png", k=RESULTS),
        Query(mood=WORDS["calm"], k=RESULTS),
        Query(mood=WORDS["excited"], k=RESULTS),
    ]
