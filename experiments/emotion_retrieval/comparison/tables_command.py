"""`python -m experiments.emotions tables`: the emotion report's four tables, beside one's own runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, describe_os_error, read_text, to_printable, write_atomically

REPORT_RULES = "emotion-report"


@click.command("tables", short_help="The report's four tables, filled with your runs.")
@click.argument("runs", nargs=-1, metavar="[TABLE=RESULTS.json[:MODEL]]...")
@click.option("--out", type=click.Path(path_type=Path), help="A file for the tables; else they are printed.")
def command(runs: tuple[str, ...], out: Path | None) -> None:
    """The emotion report's four tables with its published figures, and beside them those of your own RUNS.

    TABLE is 7k, 9k, 6k or 6k-emotion: the videos that a model was trained on, and whether with emotions.
    RESULTS.json is what `test` wrote; MODEL can be left out where it is of a single model. Your figures are
    by the report's rules, with 95 % intervals; its test set is 1k-A with the emotional 34 first.

    \b
    python -m experiments.emotions tables 6k=runs/clipvip-test/results.json:none \\
        6k-emotion=runs/clipvip-test/results.json:report
    """
    from experiments.emotion_retrieval.comparison.published_tables import format_tables

    tables = format_tables(dict(read_run(run) for run in runs))
    if out is None:
        click.echo(tables, nl=False)
        return
    try:
        write_atomically(out, tables.encode())
    except OSError as error:
        raise AffectError(f"{to_printable(out)}: {describe_os_error(error)}") from error


def read_run(spec: str) -> tuple[str, dict[str, Any]]:
    """(name of the table, its model's metrics and their numbers of queries). Raises AffectError."""
    from experiments.emotion_retrieval.comparison.published_results import PUBLISHED_TABLES

    table, equals, source = spec.partition("=")
    if not equals or table not in PUBLISHED_TABLES:
        raise AffectError(
            f"{to_printable(spec)}: write TABLE=RESULTS.json:MODEL with a table of "
            f"{', '.join(PUBLISHED_TABLES)}"
        )
    path, _, model = source.partition(".json:")
    file = Path(f"{path}.json" if model else source)
    results = _read_results(file)
    models = results["models"]
    names = [model] if model else list(models)
    if len(names) != 1 or names[0] not in models:
        raise AffectError(f"{to_printable(file)}: name one of its models as :MODEL: {', '.join(models)}")
    return table, {
        "metrics": models[names[0]]["rules"][REPORT_RULES],
        "counts": results["query sets"],
        "similarity": results["similarity"],
    }


def _read_results(path: Path) -> dict[str, Any]:
    try:
        results: dict[str, Any] = json.loads(read_text(path))
        for model in results["models"].values():
            _ = model["rules"][REPORT_RULES], results["query sets"], results["similarity"]
    except OSError as error:
        raise AffectError(f"{to_printable(path)}: {describe_os_error(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AffectError(f"{to_printable(path)}: not a results.json that `emotions test` wrote") from error
    return results
