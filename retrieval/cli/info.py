"""Commands that describe a library and the encoders, and the demo."""

from __future__ import annotations

import json
from pathlib import Path

import click

from retrieval.cli.options import PATH_TYPE, json_option, library_option
from retrieval.cli.session import open_any_library
from retrieval.search import parse_modalities
from retrieval.storage import MODALITIES


@click.command()
@library_option
@json_option
def info(folder: Path, as_json: bool) -> None:
    """What a library holds, which encoders made it, and what could not be read."""
    from retrieval.report import get_library_info, make_rows_printable, print_library_info

    with open_any_library(folder) as library:
        metadata = get_library_info(library)
    click.echo(json.dumps(metadata)) if as_json else print_library_info(make_rows_printable([metadata])[0])


@click.command("list")
@library_option
@click.option("--modalities", default=",".join(MODALITIES), show_default=True, help="What to list.")
@click.option("--failed", is_flag=True, help="List the files that could not be read instead.")
@json_option
def list_items(folder: Path, modalities: str, failed: bool, as_json: bool) -> None:
    """Every item: its id, modality, length and path."""
    from retrieval.report import list_library_items, list_unreadable_files, make_rows_printable, print_rows

    with open_any_library(folder) as library:
        rows = (
            list_unreadable_files(library)
            if failed
            else list_library_items(library, parse_modalities(modalities))
        )
    print_rows(rows if as_json else make_rows_printable(rows), as_json=as_json)


@click.command()
@click.option("--check", is_flag=True, help="What is ready, what is missing and what to run to get it.")
@json_option
def encoders(check: bool, as_json: bool) -> None:
    """The encoders there are, by name, and whether their weights are here.

    With --check also the presets of affect index --preset: which are ready, and what each costs.
    """
    from retrieval.report import (
        check_encoders,
        check_presets,
        list_encoders,
        print_check,
        print_encoders,
        print_rows,
    )

    if check:
        checked = check_encoders()
        presets = check_presets(checked)
        if as_json:
            click.echo(json.dumps({"presets": presets, "encoders": checked}))
        else:
            print_check(checked, presets)
        return
    rows = list_encoders()
    print_rows(rows, as_json=True) if as_json else print_encoders(rows)


@click.command()
@click.option("--library", "-l", "folder", type=PATH_TYPE, default=Path("demo-library"), show_default=True)
@click.option(
    "--html", type=PATH_TYPE, help="Where the page goes (default: demo.html in the library's folder)."
)
def demo(folder: Path, html: Path | None) -> None:
    """Index a few sample files that come with Python packages, search them, and write a page.

    Ask for a text, an image, a sound, a video and a mood, print the tables, show all of it on one HTML page,
    and draw the files on the mood plane.
    """
    from retrieval.cli.demo import run_demo

    run_demo(folder, html)
