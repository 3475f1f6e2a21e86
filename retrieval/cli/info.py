"""What a library holds, which experts there are, and a demonstration."""

from __future__ import annotations

import json
from pathlib import Path

import click

from retrieval.cli.options import FILE, json_option, library_option
from retrieval.cli.session import any_library
from retrieval.search.query import MODALITIES, parse_modalities


@click.command()
@library_option
@json_option
def info(folder: Path, as_json: bool) -> None:
    """What a library holds, which encoders made it, and what could not be read."""
    from retrieval.report.library_info import about, for_people
    from retrieval.report.terminal import about_table

    with any_library(folder) as library:
        facts = about(library)
    click.echo(json.dumps(facts)) if as_json else about_table(for_people([facts])[0])


@click.command("list")
@library_option
@click.option("--modalities", default=",".join(MODALITIES), show_default=True, help="What to list.")
@click.option("--failed", is_flag=True, help="List the files that could not be read instead.")
@json_option
def list_items(folder: Path, modalities: str, failed: bool, as_json: bool) -> None:
    """Every item: its id, modality, length and path."""
    from retrieval.report.library_info import failures, for_people, items
    from retrieval.report.terminal import lines

    with any_library(folder) as library:
        rows = failures(library) if failed else items(library, parse_modalities(modalities))
    lines(rows if as_json else for_people(rows), as_json=as_json)


@click.command()
@json_option
def encoders(as_json: bool) -> None:
    """The experts there are, by role, and whether their weights are here."""
    from retrieval.report.library_info import experts
    from retrieval.report.terminal import lines, print_encoders

    rows = experts()
    lines(rows, as_json=True) if as_json else print_encoders(rows)


@click.command()
@click.option("--library", "-l", "folder", type=FILE, default=Path("demo-library"), show_default=True)
@click.option("--html", type=FILE, help="Where the page goes (default: demo.html in the library's folder).")
def demo(folder: Path, html: Path | None) -> None:
    """Index a few sample files that come with Python packages, search them, and write a page.

    Ask for a text, an image, a sound, a video and a mood, print the tables, show all of it on one HTML page,
    and draw the files on the mood plane.
    """
    from retrieval.cli.demo import run

    run(folder, html)
