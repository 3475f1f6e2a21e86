"""`python -m experiments.bench NAME`: the benchmarks whose figures README quotes, a command each."""

from __future__ import annotations

from importlib import import_module

import click

from experiments.experiment_command import ExperimentCommand

BENCHMARKS = {  # module by name of the command
    "flickr": "flickr",
    "wording": "wording",
    "reading": "query_reading",
    "throughput": "throughput",
    "cold": "search_latency",
    "faces": "faces",
    "memory": "memory",
    "merge": "merge",
    "index": "vector_index",
    "engine": "engine.command",
    "epoch": "training_epoch",
    "ranks": "ranks",
    "align": "alignment",
    "clipvip": "clipvip",
    "music": "music_affect",
    "sounds": "sounds_by_word",
    "mixed": "mixed_gallery",
    "reliability": "reliability",
    "milvus": "milvus_sizing",
    "mood": "mood",
    "scale": "affect_scale",
    "fusion": "fusion_rules",
    "thresholds": "thresholds",
    "balance": "balance",
    "diversity": "diversity",
    "serve": "serve_load",
}


class BenchmarkGroup(ExperimentCommand, click.Group):
    """Commands in modules that are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of README."""
        return list(BENCHMARKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the benchmark's module; None for an unknown name."""
        if cmd_name not in BENCHMARKS:
            return None
        command: click.Command = import_module(f"experiments.benchmarks.{BENCHMARKS[cmd_name]}").command
        return command


@click.group(
    "bench",
    cls=BenchmarkGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Measure the engine on this machine, each figure beside the plain way to do the same.

    Times depend on what else runs: ways are timed in turns, so ratios hold where seconds do not.
    """


if __name__ == "__main__":
    main()
