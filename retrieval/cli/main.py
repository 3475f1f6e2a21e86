"""The command line: a skin over the library, the indexer and the engine. Importing it imports no torch."""

from __future__ import annotations

import logging
import os
from typing import Any

import click

from encoders import AffectError, to_printable
from retrieval.cli import affect, index, info, search, train


class CommandGroup(click.Group):
    """Turns our own errors into one line on standard error and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of definition, which is the order of use."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and speak plainly of what goes wrong."""
        logging.basicConfig(format="affect: %(message)s")
        logging.getLogger("encoders").setLevel(logging.INFO)
        try:
            return super().invoke(ctx)
        except AffectError as bad:
            click.echo(f"affect: {bad}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads any more
        except OSError as bad:
            where = (
                f"{to_printable(os.fsdecode(bad.filename))}: "
                if isinstance(bad.filename, str | bytes)
                else ""
            )
            click.echo(f"affect: {where}{(bad.strerror or str(bad)).lower()}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("affect: stopped; what was committed stays, run the same command to go on", err=True)
            ctx.exit(130)


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="affect-fusion")
def main() -> None:
    """Find photos, videos and sound by what they show, what happens in them and how they feel.

    \b
    affect index ~/Pictures ~/Music --library lib     make or refresh a library
    affect search "a dog on the beach" -l lib         find by words
    affect search --image cat.jpg -l lib              ... by a picture
    affect search --audio rain.ogg -l lib             ... by a sound
    affect search "at night" --image street.jpg -l lib   ... by both at once
    affect search --mood calm -l lib                  ... by how it feels
    affect feel cat.jpg rain.ogg                      how files feel
    affect map -l lib                                 the library on the mood plane
    affect demo                                       see it work on a few sample files
    """


for command in (
    index.index, search.search, affect.feel, affect.draw_affect_map, info.info, info.list_items,
    index.verify, index.rebuild, train.train, train.align, index.remove, info.encoders,
    info.demo,
):  # fmt: skip
    main.add_command(command)
