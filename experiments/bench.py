"""`python -m experiments.bench NAME`: every figure that README quotes, one command each."""

from __future__ import annotations

from importlib import import_module

import click

BENCHMARKS = {  # by the name it is called with: its module
    "flickr": "flickr",
    "throughput": "throughput",
    "cold": "search_latency",
    "faces": "faces",
    "memory": "memory",
    "merge": "merge",
    "index": "vector_index",
    "epoch": "training_epoch",
    "ranks": "ranks",
    "align": "alignment",
}


class BenchmarkGroup(click.Group):
    """Each benchmark is a module of its own; our errors become one line and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of README."""
        return list(BENCHMARKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the module."""
        if cmd_name not in BENCHMARKS:
            return None
        command: click.Command = import_module(f"experiments.benchmarks.{BENCHMARKS[cmd_name]}").command
        return command

    def invoke(self, ctx: click.Context) -> None:
        """Run, and speak plainly of what goes wrong."""
        from encoders.base import AffectError

        try:
            super().invoke(ctx)
        except AffectError as bad:
            click.echo(f"bench: {bad}", err=True)
            ctx.exit(2)


@click.group(
    cls=BenchmarkGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def main() -> None:
    """Measure the engine on this machine, each figure beside the plain way to do the same.

    Times depend on what else runs: ways are timed in turns, so ratios hold where seconds do not.
    """


if __name__ == "__main__":
    main()
