"""The command `serve`: the page and its API."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import click

from encoders import AffectError, to_printable
from retrieval.cli.options import library_option
from retrieval.cli.session import open_current_folder
from retrieval.library_location import Location


@click.command()
@library_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option(
    "--token",
    metavar="TEXT",
    envvar="AFFECT_TOKEN",
    help="What every request must carry; made anew at each start if others than this machine can connect.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def serve(folder: Location, host: str, port: int, token: str | None, open_page: bool) -> None:
    """Search a library on a page in the browser, and by an HTTP API. Ctrl-C ends it.

    \b
    affect serve -l lib --open
    affect serve -l lib --host 0.0.0.0     for other machines too, by the address with the token it prints

    Where there is no library yet, the page makes one of a folder. It serves files of the library alone, to
    this machine alone unless --host says else, and fetches nothing. The connection is not encrypted.
    """
    from retrieval.web import run_server

    if isinstance(folder, Path):  # whether a server of Milvus answers is seen, and told, on the page
        _check_folder(folder)

    def announce(address: str) -> None:
        click.echo(f"affect: the page is at {address} (Ctrl-C ends it)")

    try:
        run_server(folder, host, port, token, announce, open_page=open_page)
    except KeyboardInterrupt:
        click.echo("affect: the page is closed", err=True)
        sys.stderr.flush()
        os._exit(0)  # without waiting for a search, or for a library that is being opened


def _check_folder(folder: Path) -> None:
    """Bring a library in a folder up to date, if there is one. Raises AffectError where it can't be used."""
    from retrieval.storage import Library

    if folder.exists() and not folder.is_dir():
        raise AffectError(f"{to_printable(folder)}: is a file; a library is a folder")
    if Library.exists(folder):
        with closing(open_current_folder(folder)):
            pass  # projects rows afresh where its spaces are outdated, and refuses what can't be used
