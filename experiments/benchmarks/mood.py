"""Mood queries on held-out data: regions, nudges, moods not wanted, courses of films, and across senses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, get_cache_dir
from experiments.datasets import DATA_ROOT
from experiments.statistics.report import (
    BenchmarkReport,
    Cell,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)

if TYPE_CHECKING:
    from experiments.affect_dial.gallery import Gallery

PHOTOS, FILMS = "oasis", "films"
GALLERIES = (PHOTOS, "ravdess", "vgmidi")
FILM_SEED_OFFSET = 1000  # of seeds on which nothing was chosen
MIN_FIRST_SHARE = 0.9  # of films that should be first among a hundred

Row = Mapping[str, Cell]


@click.command("mood", short_help="Regions, nudges, moods not wanted, courses of mood, across senses.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--sets", default=",".join([*GALLERIES, FILMS]), show_default=True, metavar="SET,...")
@add_seed_option
@json_option
def command(data: Path, sets: str, seed: int, as_json: bool) -> None:
    """Mood queries against ratings of photos (oasis) and music (vgmidi), acted voices (ravdess), and films.

    Affect of items is estimated by heads that learnt from other themes, series and actors; what is right is
    told by people's ratings, or by the emotion that was acted. The films are rendered with music whose course
    is known, and go through decoding, encoding and search. The first run takes half an hour, most of it the
    networks that hold each group out, which are kept in the cache.
    """
    chosen = [name.strip() for name in sets.split(",") if name.strip()]
    known = [*GALLERIES, FILMS]
    if not chosen or not set(chosen) <= set(known):
        raise AffectError(f"--sets {sets}: choose from {', '.join(known)}")
    galleries = _load_galleries([name for name in chosen if name in GALLERIES], data, seed)
    rows = [row for gallery in galleries.values() for row in _measure(gallery, galleries, data, seed)]
    requirements = []
    if FILMS in chosen:
        from experiments.mood_queries.film_search import measure_courses

        for wording, found in measure_courses(FILM_SEED_OFFSET + seed).items():
            by_course = ", ".join(f"{name} {share:.2f}" for name, share in found["by course"].items())
            measure = f"first among {found['among']}: {by_course}"
            rows.append(_make_row(f"course, {wording}", FILMS, measure, found))
            requirements.append(
                Requirement(f"films first, {wording}", found["value"].value, MIN_FIRST_SHARE, is_minimum=True)
            )
    print_report(_make_report(rows, requirements, seed), as_json=as_json)


def _load_galleries(names: Sequence[str], data: Path, seed: int) -> dict[str, Gallery]:
    from experiments.affect_dial.galleries import load_oasis_gallery, load_ravdess_gallery
    from experiments.mood_queries.music_gallery import load_vgmidi_gallery

    loaders = dict(
        zip(GALLERIES, (load_oasis_gallery, load_ravdess_gallery, load_vgmidi_gallery), strict=True)
    )
    folder = get_cache_dir() / "held-out"
    folder.mkdir(parents=True, exist_ok=True)
    return {name: loaders[name](data, seed, folder) for name in names}


def _measure(gallery: Gallery, galleries: Mapping[str, Gallery], data: Path, seed: int) -> Iterator[Row]:
    from experiments.affect_dial.gallery import open_gallery
    from experiments.mood_queries.named_moods import NAMED_MOODS, measure_named_moods
    from experiments.mood_queries.rated_items import measure_absence, measure_distances, measure_regions
    from experiments.mood_queries.searches import measure_across, measure_nudges, measure_unwanted

    with open_gallery(gallery) as engine:
        name = gallery.name
        yield _make_row("point", name, "rated distance", measure_distances(engine, gallery, seed))
        yield _make_row("region", name, "P@10 rated inside", measure_regions(engine, gallery, seed))
        for measure, found in measure_nudges(engine, gallery, seed).items():
            yield _make_row("nudge", name, measure, found)
        yield _make_row("not-mood alone", name, "rated as not wanted", measure_absence(engine, gallery, seed))
        if name in NAMED_MOODS:
            for measure, found in measure_named_moods(gallery, data, seed).items():
                yield _make_row("mood named by the text", name, measure, found)
        for measure, found in measure_unwanted(engine, gallery, seed).items():
            yield _make_row("not-mood beside content", name, measure, found)
        if PHOTOS in galleries and name != PHOTOS:
            across = measure_across(engine, gallery, galleries[PHOTOS], seed)
            yield _make_row("photo's mood finds sounds", name, "rated distance", across)


def _make_row(query: str, source: str, measure: str, found: Mapping[str, Any]) -> Row:
    return {
        "query": query,
        "set": source,
        "measure": measure,
        **{name: found.get(name) for name in ("of", "value", "beside", "difference", "chance")},
    }


def _make_report(rows: list[Row], requirements: list[Requirement], seed: int) -> BenchmarkReport:
    return BenchmarkReport(
        benchmark="mood",
        settings={"seed": seed, "film seed": FILM_SEED_OFFSET + seed},
        rows=rows,
        requirements=requirements,
        notes=[
            "of: queries; brackets: 95 % intervals over whole themes, series and actors, or over films",
            "beside, and difference to it: of a point, the distance of the estimates without their SDs; of a "
            "region and not-mood alone, all items; of a nudge and not-mood beside content, the same search "
            "without; of a photo's mood, all sounds; of a mood named by the text ('happy music'), the words "
            "alone",
            "chance: any other item",
        ],
    )
