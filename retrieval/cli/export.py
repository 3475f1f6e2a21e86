"""The command `export`."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import click

from retrieval.cli.options import PATH_TYPE, folder_option, json_option
from retrieval.cli.session import open_current_folder


@click.command()
@folder_option
@click.option("--html", type=PATH_TYPE, required=True, metavar="FILE", help="Where the page goes.")
@json_option
def export(folder: Path, html: Path, as_json: bool) -> None:
    """Write a library as one HTML file: the mood map and a gallery, with thumbnails, to look at anywhere.

    It holds names, paths, moods and thumbnails, and no media: whom you give it to sees those.
    """
    from retrieval.report import export_library
    from retrieval.storage import load_snapshot

    with closing(open_current_folder(folder)) as library:
        exported = export_library(library, load_snapshot(library), html)
    if as_json:
        click.echo(json.dumps(exported))
    else:
        click.echo(
            f"{exported['items']} items, {exported['thumbnails']} with a thumbnail: wrote {exported['file']}"
        )
