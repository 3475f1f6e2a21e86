"""Making, refreshing, teaching and looking after a library."""

from __future__ import annotations

import json
import math
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoders.base import AffectError, printable
from retrieval.commands.opening import any_library
from retrieval.commands.options import FILE, json_option, library_option

if TYPE_CHECKING:
    from retrieval.library import Library


@click.command()
@click.argument("paths", nargs=-1, required=True, type=FILE)
@library_option
@click.option("--jobs", "-j", type=click.IntRange(1, 64), help="Decoder processes (default: one a core).")
@click.option("--segment", type=click.FloatRange(1, 3600), help="Seconds a segment, for a new library (15).")
@click.option(
    "--encoders", metavar="ROLE=NAME,...", help="Other experts for a new library; see affect encoders."
)
@click.option("--retry", is_flag=True, help="Try files again that could not be read before.")
@json_option
def index(
    paths: tuple[Path, ...], folder: Path, jobs: int | None, segment: float | None,
    encoders: str | None, retry: bool, as_json: bool,
) -> None:  # fmt: skip
    """Index files and folders, or refresh what is indexed.

    Unchanged files cost a stat, moved ones are recognised by content, deleted ones are forgotten. It can be
    stopped at any time and run again. Files that can't be read are listed at the end.
    """
    from retrieval.indexing import Indexer
    from retrieval.show import index_progress, index_summary

    if lost := [path for path in paths if not path.exists()]:
        raise AffectError(f"{printable(lost[0])}: no such file or directory")
    with closing(_open_or_create(folder, encoders, segment)) as library, library.writing():
        with index_progress(quiet=as_json) as report:
            progress = Indexer(library, report).run(paths, jobs or os.cpu_count() or 1, retry=retry)
        click.echo(json.dumps(progress.to_json())) if as_json else index_summary(progress, folder)


def _open_or_create(folder: Path, encoders: str | None, segment: float | None) -> Library:
    from retrieval.library import Library
    from retrieval.recipe import Recipe

    if segment is not None and math.isnan(segment):
        raise AffectError("a segment is nan seconds long; give a number from 1 to 3600")
    recipe = None if encoders is None else Recipe.parse(encoders)
    if not Library.exists(folder):
        return Library.create(folder, recipe or Recipe.default(), segment or 15.0)
    library = Library.open(folder)
    if recipe is not None and recipe != library.recipe:
        raise AffectError(
            f"{printable(folder)}: made with the encoders {library.recipe.to_json()}; leave --encoders out, "
            "or index into a new library"
        )
    if segment is not None and segment != library.segment:
        raise AffectError(
            f"{printable(folder)}: made with segments of {library.segment:g} s; leave --segment out, "
            "or index into a new library"
        )
    return library


@click.command()
@library_option
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Check that nothing in a library is damaged. Exit code 1 if something is."""
    from retrieval.checking import problems

    with any_library(folder) as library:
        found = problems(library)
    if as_json:
        click.echo(json.dumps({"problems": found}))
    else:
        click.echo("\n".join(found) or "all is well")
    sys.exit(1 if found else 0)


@click.command()
@library_option
@click.option("--index", "kind", type=click.Choice(["exact", "annoy"]), help="How to search from now on.")
@click.option("--trees", type=click.IntRange(1, 1000), help="Trees of Annoy (default: as before, or 40).")
@json_option
def rebuild(folder: Path, kind: str | None, trees: int | None, as_json: bool) -> None:
    """Write a library anew: without deleted rows, with spaces projected afresh. No media are read.

    With --index annoy, builds an Annoy file a view and modality and tells its recall against exact search.
    """
    from retrieval import indices
    from retrieval.library import Library

    with closing(Library.open(folder, to_rebuild=True)) as library, library.writing():
        kind, trees = kind or indices.kind(library), trees or indices.trees(library)
        library.rebuild()
        recall = indices.renew(library, kind, trees)
    if as_json:
        click.echo(json.dumps({"index": kind, "recall": recall}))
        return
    click.echo(f"rebuilt {printable(folder)}; search is {kind}")
    for name, share in recall.items():
        click.echo(f"  {name:<24} recall at 10 against exact: {share:.3f}")


@click.command()
@click.argument("what", nargs=-1, required=True)
@library_option
@json_option
def remove(what: tuple[str, ...], folder: Path, as_json: bool) -> None:
    """Forget items, by id or path (a folder takes all below it). The files themselves are not touched.

    Indexing the folder they are in again brings them back.
    """
    from retrieval.about import paths_of

    with any_library(folder) as library, library.writing():
        gone = list(dict.fromkeys(path for name in what for path in paths_of(library, name)))
        with library.catalog.transaction():
            library.catalog.forget(gone)
    click.echo(
        json.dumps({"removed": [printable(p) for p in gone]}) if as_json else f"forgot {len(gone)} files"
    )
