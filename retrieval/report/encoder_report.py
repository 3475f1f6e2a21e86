"""The encoders and presets there are, and what this machine lacks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from encoders import ENCODERS, AffectError, MissingBackendError
from retrieval.features import PRESETS, ROLES, PipelineConfig
from retrieval.report.terminal import print_rows
from retrieval.report.text_columns import get_terminal_width, indent_text


def list_encoders() -> list[dict[str, Any]]:
    """Modality, dimension, licence and weights of every registered encoder, or why it is unavailable."""
    return [_describe_encoder(name) for name in sorted(ENCODERS)]


def _describe_encoder(name: str) -> dict[str, Any]:
    try:
        card = ENCODERS.make(name).card
    except AffectError as error:
        return {"name": name, "takes": None, "dim": None, "licence": None, "weights": f"not here: {error}"}
    return {
        "name": name,
        "takes": card.modality,
        "dim": card.dim,
        "licence": card.licence,
        "weights": card.weights_source,
    }


def check_encoders() -> list[dict[str, Any]]:
    """Of every registered encoder: `state` "ready" or "missing", and then what is and the command to get it.

    `missing` is "package" or "weights"; `command` is empty where no single command does it.
    """
    return [_check_encoder(name) for name in sorted(ENCODERS)]


def _check_encoder(name: str) -> dict[str, Any]:
    try:
        weights = ENCODERS.make(name).card.weights_source
    except MissingBackendError as error:
        return {
            "name": name, "state": "missing", "missing": error.missing, "command": error.command,
            "detail": str(error),
        }  # fmt: skip
    except AffectError as error:  # weights that are there and can't be read
        return {"name": name, "state": "missing", "missing": "weights", "command": "", "detail": str(error)}
    return {"name": name, "state": "ready", "missing": "", "command": "", "detail": weights}


def check_presets(encoders: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of every preset: what it is, costs and holds, and which of its encoders `check_encoders` found missing.

    A role that may be left out does not count.
    """
    ready = {row["name"] for row in encoders if row["state"] == "ready"}
    rows = []
    for preset in PRESETS.values():
        config = PipelineConfig(**preset.encoder_by_role)
        needed = (name for role, name in config.items() if name and not ROLES[role].is_optional)
        missing = [name for name in needed if name not in ready]
        rows.append(
            {
                "name": preset.name, "state": "missing" if missing else "ready", "missing": missing,
                "description": preset.description, "costs": preset.costs,
                "encoders": {role: name for role, name in config.items() if name},
            }
        )  # fmt: skip
    return rows


def print_encoders(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table, then for each encoder without weights the uncut message on how to get them."""
    short_rows = [{**row, "weights": row["weights"].partition(": ")[0]} for row in rows]
    print_rows(short_rows, as_json=False)
    for row in rows:
        if message := row["weights"].partition(": ")[2]:
            click.echo(f"\n{row['name']}: {message}")


def print_check(encoders: Sequence[Mapping[str, Any]], presets: Sequence[Mapping[str, Any]]) -> None:
    """Print the presets, a table of the encoders, and what to run for those that are missing, uncut."""
    for preset in presets:
        click.echo(
            f"preset {preset['name']}: {' '.join([preset['state'], ', '.join(preset['missing'])])}".rstrip()
        )
        for text in (preset["description"], preset["costs"]):
            click.echo("\n".join(indent_text(text, 2, get_terminal_width())))
    click.echo()
    print_rows(
        [
            {"name": row["name"], "state": row["state"], "weights": row["missing"] or row["detail"]}
            for row in encoders
        ],
        as_json=False,
    )
    if missing := [row for row in encoders if row["state"] == "missing"]:
        click.echo("\nTo get what is missing, where there is a network (nothing is fetched unasked):")
        for row in missing:
            click.echo(f"{row['name']}: {row['command'] or row['detail']}")
