"""Options of a command from a JSON or TOML file; those on the command line come first."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, describe_os_error, read_text, to_printable

PARSERS = {".json": json.loads, ".toml": tomllib.loads}


def read_config(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Callback of an eager option: the values of a file become the defaults of the other options.

    Names are those of the options, with "-" or "_". Raises AffectError for a file that can't be read and for
    names that no option has.
    """
    if path is None:
        return None
    values = {name.replace("-", "_"): value for name, value in _parse(path).items()}
    parameter_by_option = {
        option.lstrip("-").replace("-", "_"): str(entry.name)
        for entry in ctx.command.params
        if entry is not parameter
        for option in entry.opts
        if isinstance(entry, click.Option)
    }
    if unknown := sorted(set(values) - set(parameter_by_option)):
        raise AffectError(
            f"{to_printable(path)}: no option {', '.join(unknown)}; known: "
            f"{', '.join(sorted(parameter_by_option))}"
        )
    ctx.default_map = {parameter_by_option[name]: value for name, value in values.items()}
    return path


def _parse(path: Path) -> dict[str, Any]:
    parse = PARSERS.get(path.suffix.lower())
    if parse is None:
        raise AffectError(f"{to_printable(path)}: a configuration is a .json or .toml file")
    try:
        content = parse(read_text(path))
    except OSError as error:
        raise AffectError(f"{to_printable(path)}: {describe_os_error(error)}") from error
    except ValueError as error:
        raise AffectError(f"{to_printable(path)}: not {path.suffix[1:].upper()} ({error})") from error
    if not isinstance(content, dict):
        raise AffectError(f"{to_printable(path)}: a configuration is a table of options and values")
    return content
