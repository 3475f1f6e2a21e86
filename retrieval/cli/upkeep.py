"""Commands that look after a library: verify, rebuild, remove."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click

from encoders import to_printable
from retrieval.cli.options import add_index_options, folder_option, json_option, library_option
from retrieval.cli.session import log_progress, open_any_library
from retrieval.library_location import Location
from retrieval.vector_index import list_index_choices


@click.command()
@library_option
@json_option
def verify(folder: Location, as_json: bool) -> None:
    """Check that nothing in a library is damaged. Exit code 1 if something is.

    It also looks whether the indexed files are still there, which is no damage, and measures the recall of
    index files, if there are any, against exact search.
    """
    from retrieval.library_kinds import get_library_kind
    from retrieval.previews import list_items_without_preview
    from retrieval.report import format_missing_files
    from retrieval.storage import Library, find_missing_files

    with open_any_library(folder) as library:
        problems = get_library_kind(folder).find_problems(library)
        missing, groups = find_missing_files(library)
        recalls = {} if problems else get_library_kind(folder).measure_recalls(library)
        without_preview = []
        if isinstance(library, Library) and not problems:
            without_preview = list_items_without_preview(library)
    if as_json:
        groups_json = [group.to_json() for group in groups]
        found = {"problems": problems, "missing": [*map(str, missing)], "missing_below": groups_json}
        optional = {"recall": recalls, "without_preview": without_preview}
        click.echo(json.dumps({**found, **{name: value for name, value in optional.items() if value}}))
    else:
        verdict = problems or ["all is well" if not missing else "nothing is damaged"]
        click.echo("\n".join([*verdict, *(format_missing_files(group, library.name) for group in groups)]))
        if without_preview:
            noun = "item has" if len(without_preview) == 1 else "items have"
            click.echo(f"{len(without_preview)} {noun} no preview yet; affect index makes them")
        _print_recalls(recalls)
    sys.exit(1 if problems else 0)


@click.command()
@folder_option
@click.option(
    "--index",
    "choice",
    type=click.Choice(list_index_choices()),
    help="How to search from now on; auto, the default of a library, compares few rows one by one and builds "
    "files for many.",
)
@add_index_options
@json_option
def rebuild(folder: Path, choice: str | None, as_json: bool, **options: int | None) -> None:
    """Write a library anew: without deleted rows, with spaces projected afresh. No media are read.

    Where an index is wanted, builds a file a view and modality, and tells its recall against exact search.
    """
    from retrieval.previews import compact_previews
    from retrieval.search import IndexSettings, rebuild_index
    from retrieval.storage import Library

    with closing(Library.open(folder, to_rebuild=True)) as library, library.lock_for_writing():
        stored = IndexSettings.load(library)
        given = {option: value for option, value in options.items() if value is not None}
        settings = IndexSettings(choice=choice or stored.choice, options={**stored.options, **given})
        library.rebuild()
        compact_previews(library)
        recall = rebuild_index(library, settings, log_progress)
    if as_json:
        click.echo(json.dumps({"index": settings.choice, "recall": recall}))
        return
    click.echo(f"rebuilt {to_printable(folder)}; search is {settings.choice}")
    _print_recalls(recall)


def _print_recalls(recalls: Mapping[str, float]) -> None:
    """A line for each index file, by "view.modality"."""
    from retrieval.search import RECALL_DEPTH

    for name, recall in recalls.items():
        click.echo(f"  {name:<24} recall at {RECALL_DEPTH} against exact: {recall:.3f}")


@click.command()
@click.argument("what", nargs=-1, required=True)
@library_option
@json_option
def remove(what: tuple[str, ...], folder: Location, as_json: bool) -> None:
    """Forget items, by id or path (a folder takes all below it). The files themselves are not touched.

    Indexing the folder they are in again brings them back.
    """
    from retrieval.previews import remove_stale_previews
    from retrieval.storage import Library, resolve_paths

    with open_any_library(folder) as library, library.lock_for_writing():
        removed = list(dict.fromkeys(path for name in what for path in resolve_paths(library, name)))
        with library.catalog.transaction():
            library.catalog.remove_paths_and_orphans(removed)
        if isinstance(library, Library):
            remove_stale_previews(library)
    if as_json:
        click.echo(json.dumps({"removed": [*map(str, removed)]}))
    else:
        click.echo(f"forgot {len(removed)} file{'' if len(removed) == 1 else 's'}")
