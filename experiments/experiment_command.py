"""Commands of experiments: bad input and Ctrl-C end them with one line."""

from __future__ import annotations

from typing import Any

import click

from encoders import AffectError
from experiments import INTERRUPT_MESSAGE


class ExperimentCommand(click.Command):
    """A command that turns AffectError into one line and exit code 2, KeyboardInterrupt into one and 130.

    The line begins with the command's name. At most moments Ctrl-C ends it by `encoders.exit_on_signals`,
    called before anything large is imported; KeyboardInterrupt is raised by work that stops at safe points
    only, where click would say "Aborted!" and exit with 1.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except AffectError as error:
            click.echo(f"{self.name}: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo(f"{self.name}: {INTERRUPT_MESSAGE}", err=True)
            ctx.exit(130)
