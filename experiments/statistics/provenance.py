"""Where results come from: the command line, the version and the commit of the code that computed them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from experiments.statistics.report import describe_machine
from retrieval.provenance import PROJECT, find_commit, get_package_version

ARGUMENTS_KEY = "experiments.arguments"  # of click's context.meta


class RecordedCommand(click.Command):
    """A command that keeps its arguments in `context.meta[ARGUMENTS_KEY]`, so that results can name them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, which removes from `args` what it has read."""
        ctx.meta[ARGUMENTS_KEY] = tuple(args)
        return super().parse_args(ctx, args)


def describe_provenance(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What has to be known to compute results again, for their JSON.

    module: the command's module, such as "experiments.ablate"
    arguments: of the command line, after the module

    Keys: command; version of this package; commit (None outside a checkout); modified: whether tracked files
    differ from that commit (None outside a checkout); machine, as `describe_machine`.
    """
    commit, modified = find_commit(Path(__file__))
    return {
        "command": shlex.join(["python", "-m", module, *arguments]),
        "version": get_package_version(PROJECT),
        "commit": commit,
        "modified": modified,
        "machine": describe_machine(),
    }
