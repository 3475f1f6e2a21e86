"""`python -m experiments.audit`: the project's statistics under simulations with known truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from experiments.experiment_command import ExperimentCommand
from experiments.statistics.report import add_seed_option, json_option
from retrieval.progress_reporter import ProgressReporter

if TYPE_CHECKING:  # imported late, so that --help is fast
    from experiments.simulations.check import CheckOutcome


@click.command(
    "audit",
    cls=ExperimentCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--topics", default="", metavar="NAME,...", help="Only these; an unknown name lists them all.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the trials of each simulation. With fewer, only larger faults are found.",
)
@json_option
@add_seed_option
@click.pass_context
def main(ctx: click.Context, topics: str, share: float, as_json: bool, seed: int) -> None:
    """Check tests, intervals and calibration against simulated data whose truth is known.

    Prints a table of check, tolerated range and observed value. A rate misses its range where the 99.9 %
    interval of its Monte Carlo error lies outside. Exit code 1 if a check is missed. A full run takes some
    minutes.
    """
    outcomes = run_checks(parse_topics(topics), share=share, seed=seed)
    missed = [outcome for outcome in outcomes if not outcome.is_met]
    if as_json:
        click.echo(json.dumps({"seed": seed, "share": share, "checks": [o.to_json() for o in outcomes]}))
    else:
        click.echo("\n".join(format_outcomes(outcomes)))
        click.echo(f"{len(outcomes) - len(missed)} of {len(outcomes)} checks met")
    ctx.exit(1 if missed else 0)


def parse_topics(spec: str) -> tuple[str, ...]:
    """Names separated by commas; all without any. Raises AffectError for an unknown one."""
    from encoders import AffectError
    from experiments.simulations.registry import TOPICS

    names = tuple(name.strip() for name in spec.split(",") if name.strip())
    if unknown := [name for name in names if name not in TOPICS]:
        raise AffectError(f"no topic {', '.join(unknown)}; topics: {', '.join(TOPICS)}")
    return names or tuple(TOPICS)


def run_checks(topics: Sequence[str], *, share: float, seed: int) -> list[CheckOutcome]:
    """The outcome of every check of the topics."""
    from experiments.simulations.registry import list_checks

    checks = [check for topic in topics for check in list_checks(topic)]
    outcomes: list[CheckOutcome] = []
    with ProgressReporter("audit", unit="checks") as report:
        for number, check in enumerate(checks):
            report.update(check.name, number, len(checks))
            outcomes.append(check.run(share=share, seed=seed))
    return outcomes


def format_outcomes(outcomes: Sequence[CheckOutcome]) -> list[str]:
    """The table as lines of text."""
    from experiments.statistics.report import format_table

    return format_table([
        {
            "check": outcome.check.name,
            "expected": outcome.check.expected,
            "observed": f"{outcome.value:.3f}",
            "trials": "exact" if outcome.trials is None else f"{outcome.trials}",
            "": "met" if outcome.is_met else "MISSED",
        }
        for outcome in outcomes
    ])  # fmt: skip


if __name__ == "__main__":
    main()
