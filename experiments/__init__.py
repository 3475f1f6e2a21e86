"""Experiments: measured comparisons, fitted constants and benchmarks over the same code users run."""

import sys

from encoders.process_setup import set_up_command

INTERRUPT_MESSAGE = "interrupted; run it again to go on"

if sys.argv[:1] == ["-m"]:  # as it is while `python -m experiments.NAME` looks for NAME
    name = sys.orig_argv[sys.orig_argv.index("-m") + 1].rpartition(".")[2]
    set_up_command(name, INTERRUPT_MESSAGE)
