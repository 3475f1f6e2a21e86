"""A seed below 0, which no generator takes, is refused by every command before anything is read."""

from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from experiments import bench

MODULES = ("align", "learn_fusion", "synthetic.__main__", "train")


def list_commands():
    """Commands of experiments with --seed, by name."""
    mains = {name: import_module(f"experiments.{name}").main for name in MODULES}
    with click.Context(bench.main) as context:
        mains |= {name: bench.main.get_command(context, name) for name in bench.BENCHMARKS}
    return {name: main for name, main in mains.items() if any(one.name == "seed" for one in main.params)}


def test_every_seed_is_bounded():
    commands = list_commands()
    assert {*MODULES, "scale", "mood", "reliability"} <= {*commands}
    types = {
        name: next(one.type for one in main.params if one.name == "seed") for name, main in commands.items()
    }
    assert [name for name, kind in types.items() if getattr(kind, "min", None) != 0] == []


@pytest.mark.parametrize("value", ["-1", "one"])
def test_a_bad_seed_is_a_line(value):
    done = CliRunner().invoke(bench.main, ["scale", "--heads", "music", "--seed", value])
    assert done.exit_code == 2 and "'--seed'" in done.stderr and "Traceback" not in done.output
