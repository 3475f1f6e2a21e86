"""`python -m experiments.emotions dial`: what the affect dial of search costs in content, gains in mood."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.statistics.provenance import ARGUMENTS_KEY, RecordedCommand

NOTE = "* dial 1: all searches for a mood find the same, so that the interval of the distance has no width."
DEFAULT_SETS = "oasis,ravdess,synthetic,flickr1k"


@click.command("dial", cls=RecordedCommand)
@click.option("--data", "names", default=DEFAULT_SETS, show_default=True, metavar="SET,...")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/dial"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, names: str, data_root: Path, seed: int, out: Path, *, as_json: bool) -> None:
    """Content found against mood fit along the affect dial.

    The dial of `affect search` goes from 0, content alone, to 1, mood alone. Each set is put into a library
    of its own and asked for content (a theme of OASIS, an actor of RAVDESS, shape, colour and action of the
    synthetic set) with each of four moods. Content found is R@10, of as many as ten can hold; mood fit is the
    mean distance of the first ten results to the mood on the valence-arousal plane, by people's ratings or by
    construction, never by the engine's own estimates, which come from heads that learnt from other groups.

    A second table compares three ways to treat the emotion words of a query: as content alone, by --affect
    0.5, and by --mood-from-words; on flickr1k, which has no ratings, it shows what they do to recall.

    Writes table.md, results.json and dial.png into the folder --out. Sets that are measured are kept there
    and not measured again; encoded media are cached. Intervals are 95 % bootstraps over whole groups.
    """
    chosen = select_sets(names)
    from encoders import write_atomically
    from experiments.ablate import create_out_folder
    from experiments.affect_dial.figure import save_dial_figure
    from experiments.affect_dial.study import measure_gallery
    from experiments.affect_dial.summary import format_dial_table, format_forms_table
    from experiments.statistics.provenance import describe_provenance

    create_out_folder(out)
    results = {name: measure_gallery(name, data_root, seed=seed, folder=out / "trials") for name in chosen}
    dials = {name: result.dial for name, result in results.items() if result.dial is not None}
    forms = {name: result.forms for name, result in results.items()}
    notes = [f"* {name}: {result.description}." for name, result in results.items()] + [NOTE] * bool(dials)
    tables = [format_dial_table(dials)] if dials else []
    text = "\n\n".join("\n".join(lines) for lines in [*tables, format_forms_table(forms), notes])
    record: dict[str, Any] = {
        "provenance": describe_provenance("experiments.emotions", ["dial", *ctx.meta[ARGUMENTS_KEY]]),
        "seed": seed, "sets": {name: asdict(result) for name, result in results.items()},
    }  # fmt: skip
    if dials:
        save_dial_figure(out / "dial.png", dials)
    write_atomically(out / "table.md", f"{text}\n".encode())
    write_atomically(out / "results.json", json.dumps(record, indent=1).encode())
    click.echo(json.dumps(record) if as_json else f"{text}\n\n{to_printable(out)}")


def select_sets(names: str) -> list[str]:
    """The sets of a comma-separated list, in its order. Raises AffectError for none, and for another name."""
    known = DEFAULT_SETS.split(",")
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in known]:
        raise AffectError(f"--data: no set {', '.join(unknown)}; choose from {', '.join(known)}")
    if not chosen:
        raise AffectError(f"--data names no set; choose from {', '.join(known)}")
    return list(dict.fromkeys(chosen))
