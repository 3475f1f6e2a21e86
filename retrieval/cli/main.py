"""Entry point of the command line over library, indexer and engine. Importing it must not import torch."""

from __future__ import annotations

import logging
import os
from typing import Any

import click

from encoders import AffectError, describe_os_error, stop_at_end_of_input, to_printable
from retrieval.cli import affect, export, index, info, search, serve, train, upkeep


class CommandGroup(click.Group):
    """Turns AffectError and OSError into one line on standard error and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Command names in the order of definition, which is the order of use."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and translate its errors to messages and exit codes."""
        logging.basicConfig(format="affect: %(message)s")
        logging.getLogger("encoders").setLevel(logging.INFO)
        try:
            return super().invoke(ctx)
        except AffectError as error:
            click.echo(f"affect: {error}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            raise  # click exits silently when the reader has closed the pipe
        except OSError as error:
            prefix = (
                f"{to_printable(os.fsdecode(error.filename))}: "
                if isinstance(error.filename, str | bytes)
                else ""
            )
            click.echo(f"affect: {prefix}{describe_os_error(error)}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("affect: stopped; what was committed stays, run the same command to go on", err=True)
            ctx.exit(130)


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="affect-fusion")
@click.option("--end-with-input", is_flag=True, hidden=True, help="Stop once standard input is closed.")
def main(end_with_input: bool) -> None:
    """Find photos, videos and sound by what they show, what happens in them and how they feel.

    \b
    affect index ~/Pictures ~/Music --library lib     make or refresh a library
    affect search "a dog on the beach" -l lib         find by words
    affect search --image cat.jpg -l lib              ... by a picture
    affect search --audio rain.ogg -l lib             ... by a sound
    affect search "at night" --image street.jpg -l lib   ... by both at once
    affect search --mood calm -l lib                  ... by how it feels
    affect serve -l lib --open                        all of it on a page in the browser
    affect feel cat.jpg rain.ogg                      how files feel
    affect map -l lib                                 the library on the mood plane
    affect demo                                       see it work on a few sample files
    """
    if end_with_input:  # as the server starts its commands, which end if it is killed
        stop_at_end_of_input()


for command in (
    index.index, search.search, serve.serve, affect.feel, affect.draw_affect_map, export.export, info.info,
    info.list_items,
    upkeep.verify, upkeep.rebuild, train.train, train.align, upkeep.remove, info.encoders,
    info.demo,
):  # fmt: skip
    main.add_command(command)
